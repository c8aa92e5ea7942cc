/**
 * What parts of a whole request cost: requests in this process, without a network, by turns with and without the part.
 * Both go through the same compiled code on the same heap, so what else the machine does hits them alike.
 */
import { heapStats } from "bun:jsc";
import { Exchange } from "../../src/gateway/client/exchange.js";
import type { HttpPool } from "../../src/gateway/client/pool.js";
import { defaultLimits } from "../../src/kernel/limits.js";
import { Breakers } from "../../src/routing/breakers.js";
import { Statistics } from "../../src/routing/statistics.js";
import { call, chat, type TestApp, testApp } from "../../test/support/app.js";
import { threadMs } from "../../test/support/thread-clock.js";
import { requestBody, type Target } from "../load/spec.js";
import { median } from "../measure/statistics.js";
import { PLAIN_ANSWER } from "../upstream-answers.js";
import { LIMITS } from "./limited.js";

/** Requests under way together, as many as the spine bench has connections. */
const AT_ONCE = 64;
/** Long enough for garbage to be collected a few times in each batch. */
const BATCH = { full: 3_000, quick: 500 };
const PAIRS = { full: 40, quick: 4 };
const WARM_UP_PAIRS = 4;
const MODEL = "bench/road-1";
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
  readonly app: TestApp;
  readonly token: string;
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
  const way = (name: string, token: string, parts: typeof kept): Way => ({
    ...{ name, token, app },
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

const BODY = requestBody({ model: MODEL } as Target, false);

/** One request, which must have taken the way it was meant to. */
async function ask({ name, app, token }: Way): Promise<void> {
  const answer = await app.answer(chat(token, BODY));
  const text = await answer.text();
  const isLimited = answer.headers.has("ratelimit");
  if (answer.status !== 200 || isLimited !== (name === "limited")) {
    throw new Error(`${name} was answered with ${answer.status}: ${text.slice(0, 200)}`);
  }
}

/** Microseconds of the request thread's processor time for one request of a batch. */
async function timeOf(way: Way, requests: number): Promise<number> {
  way.enter();
  let left = requests;
  const one = async (): Promise<void> => {
    while (left-- > 0) await ask(way);
  };
  const began = threadMs();
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return ((threadMs() - began) / requests) * 1_000;
}

/**
 * What breakers and statistics add to a request, in microseconds: the median over pairs of batches, of which either
 * comes first in turn.
 */
export async function timeOfBreakers(isQuick: boolean): Promise<number> {
  const { bare, free } = await startWorld();
  const size = isQuick ? "quick" : "full";
  const added: number[] = [];
  for (let i = -WARM_UP_PAIRS; i < PAIRS[size]; i++) {
    const isTurned = i % 2 !== 0;
    const first = await timeOf(isTurned ? free : bare, BATCH[size]);
    const second = await timeOf(isTurned ? bare : free, BATCH[size]);
    if (i >= 0) added.push(isTurned ? first - second : second - first);
  }
  return median(added);
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
    way.enter();
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
