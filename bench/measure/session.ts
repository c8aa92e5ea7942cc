/** One fresh upstream and one fresh proxy, checked to be really proxying, and the load sent through them. */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LoadSpec, requestBody, type Target } from "../load/spec.js";
import type { Pins } from "../machine.js";
import { type Child, start } from "../processes.js";
import { PLAIN_TEXT, UPSTREAM_ID } from "../upstream-answers.js";
import { type UsageSample, watchUsage } from "../usage-of.js";
import type { RunningProxy, Variant } from "../variants/variant.js";

const benchFolder = join(import.meta.dir, "..");
const upstreamReadyMsMax = 10_000;
const probeMsMax = 15_000;
const wordsCharsMax = 400;

export type Session = {
  readonly proxy: RunningProxy;
  readonly pins: Pins;
  readonly upstream: Child;
  readonly upstreamPort: number;
  /** Length of a plain answer's body as it comes through this proxy. */
  readonly bodyBytes: number;
};

export type Outcome<T> = { readonly value: T; readonly note: string | undefined };

export async function inFreshProcesses<T>(
  how: { readonly variant: Variant; readonly pins: Pins },
  measure: (session: Session) => Promise<T>,
): Promise<Outcome<T>> {
  const { variant, pins } = how;
  const folder = await mkdtemp(join(tmpdir(), "turnpike-bench-"));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", removeFolder); // also when the bench is interrupted
  const upstream = start({
    name: "upstream",
    argv: [process.execPath, join(benchFolder, "upstream.ts")],
    core: pins.upstream,
  });
  let child: Child | undefined;
  try {
    const { port: upstreamPort } = JSON.parse(await upstream.firstLine(upstreamReadyMsMax));
    const proxy = await variant.start({ upstreamPort, pins, folder });
    child = proxy.child;
    const bodyBytes = await probe(proxy.target);
    const value = await measure({ proxy, pins, upstream, upstreamPort, bodyBytes });
    const note = await proxy.check(await upstreamRequests(upstreamPort));
    return { value, note };
  } finally {
    await child?.stop();
    await upstream.stop();
    removeFolder();
    process.off("exit", removeFolder);
  }
}

/** One request that must come back with the upstream's own words. */
async function probe(target: Target): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${target.port}${target.path}`, {
    method: "POST",
    headers: { ...target.headers, "Content-Type": "application/json" },
    body: requestBody(target, false),
    signal: AbortSignal.timeout(probeMsMax),
  });
  const text = await answer.text();
  if (answer.status !== 200 || !text.includes(UPSTREAM_ID) || !text.includes(PLAIN_TEXT)) {
    throw new Error(`not the upstream's answer: ${answer.status} ${text.slice(0, 500)}`);
  }
  return Buffer.byteLength(text);
}

async function upstreamRequests(port: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/stats`);
  const stats: { readonly requests: number } = JSON.parse(await answer.text());
  return stats.requests;
}

export type Loaded<R> = {
  readonly result: R;
  readonly proxyUsage: readonly UsageSample[];
  readonly upstreamUsage: readonly UsageSample[];
  readonly generatorUsage: readonly UsageSample[];
};

type LoadResult = { readonly answers: number; readonly errors: readonly string[] };

const explain = ({ proxy }: Session, problems: readonly string[]): string =>
  proxy.child === undefined
    ? problems.join("; ")
    : `${problems.join("; ")}. It said last: ${proxy.child.lastWords().slice(-wordsCharsMax)}`;

/** Runs the generator against the session's proxy. Throws when anything at all went wrong. */
export async function sendLoad<R extends LoadResult>(
  session: Session,
  how: { readonly spec: LoadSpec; readonly limitMs: number },
): Promise<Loaded<R>> {
  const before = await upstreamRequests(session.upstreamPort);
  const generator = start({
    name: "load generator",
    argv: [process.execPath, join(benchFolder, "load.ts"), JSON.stringify(how.spec)],
    core: session.pins.generator,
  });
  const proxyWatch = watchUsage(session.proxy.pids);
  const upstreamWatch = watchUsage([session.upstream.pid]);
  const generatorWatch = watchUsage([generator.pid]);
  try {
    const result: R = JSON.parse(await generator.firstLine(how.limitMs));
    const seen = (await upstreamRequests(session.upstreamPort)) - before;
    const problems = [...result.errors];
    if (seen !== result.answers) problems.push(`${seen} reached the upstream of ${result.answers}`);
    if (problems.length > 0) throw new Error(explain(session, problems));
    return {
      result,
      proxyUsage: proxyWatch.stop(),
      upstreamUsage: upstreamWatch.stop(),
      generatorUsage: generatorWatch.stop(),
    };
  } finally {
    for (const watch of [proxyWatch, upstreamWatch, generatorWatch]) watch.stop();
    await generator.stop();
  }
}
