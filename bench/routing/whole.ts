/**
 * What parts of a whole request cost: the app in this process, a load generator in another one, and a provider that
 * answers from memory. Requests come by turns with and without the part, in the same compiled code and on the same
 * heap, so what else the machine does hits both alike.
 */
import { heapStats } from "bun:jsc";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Exchange } from "../../src/gateway/client/exchange.js";
import type { HttpPool } from "../../src/gateway/client/pool.js";
import { listen } from "../../src/http/server.js";
import { defaultLimits } from "../../src/kernel/limits.js";
import { Breakers } from "../../src/routing/breakers.js";
import { Statistics } from "../../src/routing/statistics.js";
import { call, type TestApp, testApp } from "../../test/support/app.js";
import { type ClosedLoopResult, type LoadSpec, requestBody, type Target } from "../load/spec.js";
import { percentile } from "../measure/statistics.js";
import { start } from "../processes.js";
import { PLAIN_ANSWER } from "../upstream-answers.js";
import { CHAT_PATH } from "../variants/variant.js";

/** As many as the spine bench has. */
const CONNECTIONS = 64;
const BATCH_MS = { full: 1_200, quick: 300 };
const BATCH_MS_MAX = 60_000;
const PAIRS = { full: 16, quick: 2 };
const MODEL = "bench/road-1";
/** Never reached, and still counted. */
const LIMITS = {
  requests_per_minute: 900_000_000,
  tokens_per_minute: 1_000_000_000,
  concurrent_requests: 100_000,
};

const YAML = `
providers:
  bench: { type: openai-compatible, base_url: "http://127.0.0.1:9/v1", api_key: "\${BENCH_KEY}" }
models:
  - id: ${MODEL}
    task: conversational
    providers:
      - { provider: bench, provider_model: road-1, price: { input: "0.15", output: "0.60" } }
`;

/** One way of a request through the app. */
type Way = {
  readonly name: string;
  readonly target: Target;
  /** Puts the app's parts in place. */
  readonly enter: () => void;
};

type World = {
  /** Without limits, everything else on. */
  readonly free: Way;
  /** Under a limit of each kind. */
  readonly limited: Way;
  /** Without limits, breakers or statistics. */
  readonly bare: Way;
};

/** The answer is there in the next turn of the event loop, for all that were sent in this one. */
function answersFromMemory(): HttpPool["sendKept"] {
  const flow = { pause() {}, resume() {}, destroy() {} };
  let waiting: Exchange[] = [];
  const answerAll = (): void => {
    const all = waiting;
    waiting = [];
    for (const exchange of all) exchange.push(PLAIN_ANSWER);
  };
  return (_request, deadline) => {
    const exchange = new Exchange(flow);
    deadline.stops(exchange);
    if (waiting.push(exchange) === 1) setImmediate(answerAll);
    return exchange;
  };
}

/** Says of everybody that nobody rests, and learns nothing. */
class NoBreakers extends Breakers {
  override restsForMs(): number {
    return 0;
  }
  override begin(): void {}
  override succeeded(): void {}
}

class NoStatistics extends Statistics {
  override served(): void {}
}

async function startWorld(): Promise<World> {
  const app = await testApp({ yaml: YAML, env: { BENCH_KEY: "key" } });
  const { gateway } = app.site;
  Object.assign(gateway.http, { sendKept: answersFromMemory() });
  const kept = { breakers: gateway.breakers, statistics: gateway.statistics };
  const none = {
    breakers: new NoBreakers(defaultLimits, () => 1),
    statistics: new NoStatistics(),
  };
  const place = { host: "127.0.0.1", port: 0, sharesPort: false };
  const port = Number(new URL(listen(app.site, place).origin).port);
  const way = (name: string, token: string, parts: typeof kept): Way => ({
    name,
    target: { port, path: CHAT_PATH, model: MODEL, headers: { Authorization: `Bearer ${token}` } },
    enter: () => void Object.assign(gateway, parts),
  });
  const [free, limited] = [await payerOf(app, "free"), await payerOf(app, "limited")];
  await limit(app, "limited");
  return {
    free: way("free", free, kept),
    limited: way("limited", limited, kept),
    bare: way("bare", free, none),
  };
}

async function payerOf(app: TestApp, name: string): Promise<string> {
  const payer = await app.addUser(name);
  await app.grant(payer, "100000");
  return payer.token;
}

async function limit(app: TestApp, name: string): Promise<void> {
  const { token } = await app.addOwner();
  const path = `/api/turnpike/admin/users/${name}`;
  const { status } = await app.answer(call("PATCH", path, token, LIMITS));
  if (status !== 200) throw new Error(`the limits were refused: ${status}`);
}

/** One request, which must have taken the way it was meant to. Returns the length of its answer's body. */
async function ask({ name, target, enter }: Way): Promise<number> {
  enter();
  const answer = await fetch(`http://127.0.0.1:${target.port}${target.path}`, {
    method: "POST",
    headers: { ...target.headers, "Content-Type": "application/json" },
    body: requestBody(target, false),
  });
  const text = await answer.text();
  const isLimited = answer.headers.has("ratelimit");
  if (answer.status !== 200 || isLimited !== (name === "limited")) {
    throw new Error(`${name} was answered with ${answer.status}: ${text.slice(0, 200)}`);
  }
  return Buffer.byteLength(text);
}

/** Nanoseconds that this thread has had a processor for. Up to one tick of the scheduler old, so batches are long. */
const threadNs = (): number =>
  Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]);

/** Microseconds of the request thread's processor time for one request of a batch. */
async function timeOf(way: Way, durationMs: number): Promise<number> {
  const bodyBytes = await ask(way);
  const spec: LoadSpec = {
    ...{ mode: "closed-loop", target: way.target, bodyBytes, connections: CONNECTIONS },
    ...{ warmupMs: 0, durationMs },
  };
  const generator = start({
    name: "load generator",
    argv: [process.execPath, join(import.meta.dir, "..", "load.ts"), JSON.stringify(spec)],
    core: undefined,
  });
  const began = threadNs();
  const told: ClosedLoopResult = JSON.parse(await generator.firstLine(durationMs + BATCH_MS_MAX));
  const spent = threadNs() - began;
  await generator.stop();
  if (told.errors.length > 0) throw new Error(told.errors.join("; "));
  return spent / told.answers / 1_000;
}

const PAIRED = {
  limits: { without: "free", withIt: "limited" },
  breakers: { without: "bare", withIt: "free" },
} as const;

/**
 * What a part adds to a request, in microseconds. Whatever else a machine does only ever makes a batch dearer, never
 * cheaper, so it is the cheaper batches that are compared: of each way the one that a quarter of them do not exceed.
 */
export async function timeOfPart(part: keyof typeof PAIRED, isQuick: boolean): Promise<number> {
  const world = await startWorld();
  const [without, withIt] = [world[PAIRED[part].without], world[PAIRED[part].withIt]];
  const size = isQuick ? "quick" : "full";
  const times = new Map<Way, number[]>([
    [without, []],
    [withIt, []],
  ]);
  // The first two pairs are spent on warming up.
  for (let i = -2; i < PAIRS[size]; i++) {
    for (const way of i % 2 === 0 ? [without, withIt] : [withIt, without]) {
      const time = await timeOf(way, BATCH_MS[size]);
      if (i >= 0) times.get(way)?.push(time);
    }
  }
  const cheap = (way: Way) =>
    percentile(
      (times.get(way) ?? []).toSorted((a, b) => a - b),
      25,
    );
  return cheap(withIt) - cheap(without);
}

const COUNTED = 2_000;

/**
 * What limits leave on the heap for the collector, in objects, strings and the like. Exact on a busy machine too, as
 * long as nothing is collected: this wants a process with `BUN_JSC_useGC=0`.
 */
export async function garbageOfLimits(): Promise<number> {
  const { free, limited } = await startWorld();
  const counts = [];
  for (const way of [free, limited]) {
    for (let i = 0; i < COUNTED / 4; i++) await ask(way);
    const before = cellsOnHeap();
    for (let i = 0; i < COUNTED; i++) await ask(way);
    counts.push((cellsOnHeap() - before) / COUNTED);
  }
  const [without = 0, withThem = 0] = counts;
  return withThem - without;
}

const cellsOnHeap = (): number =>
  Object.values(heapStats().objectTypeCounts).reduce((sum, count) => sum + count, 0);
