/** Memory and processor time of process trees, from /proc. Elsewhere than on Linux nothing is measured. */
import { readdirSync, readFileSync } from "node:fs";
import type { Window } from "./load/spec.js";

const isLinux = process.platform === "linux";
const readProc = (path: string): string => readFileSync(`/proc/${path}`, "utf8");

const ticksPerSecond = 100; // USER_HZ: fixed for what /proc shows, on every Linux architecture Bun runs on
const sampleEveryMs = 100;

export type UsageSample = {
  readonly atMs: number;
  readonly cpuMs: number;
  readonly rssBytes: number;
};

/** `pid` and all its descendants. */
export function processTree(pid: number): readonly number[] {
  if (!isLinux) return [];
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: parentOf(name) }));
  const tree = [pid];
  for (const at of tree) {
    tree.push(...parents.filter(({ parent }) => parent === at).map(({ pid: child }) => child));
  }
  return tree;
}

const parentOf = (pid: string): number => Number(statFields(pid)[1] ?? -1);

/** The fields of /proc/PID/stat after the name, which may itself hold spaces. Empty when it has ended. */
function statFields(pid: string): readonly string[] {
  try {
    const stat = readProc(`${pid}/stat`);
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return []; // ended between the listing and the read
  }
}

export function usageOf(pids: readonly number[]): UsageSample {
  let ticks = 0;
  let rssBytes = 0;
  for (const pid of pids) {
    const fields = statFields(String(pid));
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    rssBytes += rssOf(pid);
  }
  return { atMs: Date.now(), cpuMs: (ticks * 1000) / ticksPerSecond, rssBytes };
}

function rssOf(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readProc(`${pid}/status`))?.[1] ?? 0) * 1024;
  } catch {
    return 0; // ended
  }
}

export type Watch = { readonly stop: () => readonly UsageSample[] };

/** Samples a fixed set of processes until stopped. */
export function watchUsage(pids: readonly number[]): Watch {
  const samples: UsageSample[] = [];
  const sample = () => {
    if (isLinux && pids.length > 0) samples.push(usageOf(pids));
  };
  sample();
  const timer = setInterval(sample, sampleEveryMs);
  return {
    stop: () => {
      clearInterval(timer);
      sample();
      return samples;
    },
  };
}

/** How long a host has had others run on a core of ours, in ms since it started; not a number where that is not told. */
export function stolenMsIn(stat: string, core: number | undefined): number {
  const line = stat.split("\n").find((each) => each.startsWith(`cpu${core} `));
  return (Number(line?.split(/\s+/)[8]) * 1000) / ticksPerSecond;
}

/** What part of a core's time a host gives to others while a load runs. */
export function watchStolen(core: number | undefined): { readonly share: () => number } {
  const now = () => (isLinux ? stolenMsIn(readProc("stat"), core) : Number.NaN);
  const [begun, before] = [Date.now(), now()];
  return { share: () => (now() - before) / (Date.now() - begun) };
}

/** The part of one core that was used inside the window, 0 to 1 for a single-threaded process. */
export function coreShare(samples: readonly UsageSample[], window: Window): number {
  const inside = samples.filter(({ atMs }) => atMs >= window.fromMs && atMs <= window.toMs);
  const first = inside[0];
  const last = inside.at(-1);
  if (first === undefined || last === undefined || last.atMs === first.atMs) return Number.NaN;
  return (last.cpuMs - first.cpuMs) / (last.atMs - first.atMs);
}

export function rssPeak(samples: readonly UsageSample[], window: Window): number {
  const inside = samples.filter(({ atMs }) => atMs >= window.fromMs && atMs <= window.toMs);
  return inside.length === 0 ? Number.NaN : Math.max(...inside.map(({ rssBytes }) => rssBytes));
}
