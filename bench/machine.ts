/** What the numbers were measured on, and which core each process gets. */
import { readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { run } from "./processes.js";

/** Cores by number. All undefined where pinning is not possible. */
export type Pins = {
  readonly proxy: number | undefined;
  readonly upstream: number | undefined;
  readonly generator: number | undefined;
  readonly text: string;
};

const unpinned = { proxy: undefined, upstream: undefined, generator: undefined };

export function choosePins(): Pins {
  const allowed = process.platform === "linux" ? allowedCores() : [];
  const [proxy, upstream, third] = allowed;
  if (Bun.which("taskset") === null || proxy === undefined) {
    return { ...unpinned, text: "not pinned (no taskset): a proxy may use more than one core" };
  }
  if (upstream === undefined) {
    return { ...unpinned, text: "one core for everything: figures are far too low" };
  }
  if (third === undefined) {
    const text = `proxy on core ${proxy}; upstream and generator share core ${upstream}`;
    return { proxy, upstream, generator: upstream, text };
  }
  const text = `proxy on core ${proxy}, upstream on ${upstream}, generator on ${third}`;
  return { proxy, upstream, generator: third, text };
}

/** Everything on the proxy's core. */
export const onOneCore = (pins: Pins): Pins => ({
  ...pins,
  upstream: pins.proxy,
  generator: pins.proxy,
});

function allowedCores(): readonly number[] {
  const list =
    /Cpus_allowed_list:\s+(\S+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return parseCoreList(list);
}

/** `0-2,5` to 0, 1, 2, 5. */
export function parseCoreList(list: string): readonly number[] {
  return list.split(",").flatMap((part) => {
    const [from, to] = part.split("-").map(Number);
    if (from === undefined || Number.isNaN(from) || part === "") return [];
    return Array.from({ length: (to ?? from) - from + 1 }, (_, i) => from + i);
  });
}

export type Machine = {
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly versions: string;
};

export async function describeMachine(repository: string): Promise<Machine> {
  const node = versionOf(["node", "--version"]);
  const nginx = versionOf(["nginx", "-v"]);
  return {
    commit: await commitOf(repository),
    cpu: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${release()}`,
    versions: `Bun ${Bun.version}, Node ${node}, nginx ${nginx}`,
  };
}

async function commitOf(repository: string): Promise<string> {
  try {
    const git = (args: string[]) =>
      run({
        name: "git",
        argv: ["git", "-C", repository, ...args],
        core: undefined,
        timeoutMs: 10_000,
      });
    const commit = (await git(["rev-parse", "--short", "HEAD"])).trim();
    const changes = (await git(["status", "--porcelain", "--", ".", ":!bench/RESULTS.md"])).trim();
    return changes === "" ? commit : `${commit} with uncommitted changes`;
  } catch {
    return "not in git";
  }
}

function versionOf(argv: readonly string[]): string {
  if (Bun.which(argv[0] ?? "") === null) return "not installed";
  const child = Bun.spawnSync([...argv], { timeout: 10_000 });
  const text = `${child.stdout}${child.stderr}`; // nginx prints its version to stderr
  return /\d+\.\d+\.\d+/.exec(text)?.[0] ?? "unknown";
}
