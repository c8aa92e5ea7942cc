/** What routing and limits cost, one part to a process: `parts.ts <part> <quick|full>` prints one number. */

import { heapStats } from "bun:jsc";
import { Catalog } from "../../src/catalog/catalog.js";
import { mappingKey } from "../../src/catalog/mapping-key.js";
import type { Mapping } from "../../src/catalog/model.js";
import { chatWish, type RoutedChat } from "../../src/gateway/chat/chat-wish.js";
import { findRoute } from "../../src/gateway/route/candidates.js";
import type { Chooser } from "../../src/gateway/route/eligible.js";
import { defaultLimits } from "../../src/kernel/limits.js";
import { parsePricePerMillion } from "../../src/kernel/money.js";
import { CALENDAR } from "../../src/kernel/period.js";
import { spanOf } from "../../src/kernel/span.js";
import { openAiCompatible } from "../../src/providers/openai-compatible.js";
import { Breakers } from "../../src/routing/breakers.js";
import { choose, type Weighing } from "../../src/routing/choose.js";
import type { Candidate, PolicyName } from "../../src/routing/policy.js";
import { Statistics } from "../../src/routing/statistics.js";
import { Directory } from "../../src/tenants/directory.js";
import { parseChatRequest } from "../../src/wire/chat-request.js";
import { choosePins } from "../machine.js";
import { partMsMax } from "../measure/parts.js";
import { inFreshProcesses } from "../measure/session.js";
import { measureThroughput } from "../measure/throughput.js";
import { endChildrenOnExit, run } from "../processes.js";
import { turnpike } from "../variants/turnpike.js";
import { timeOfLimits } from "./limited.js";
import { garbageOfLimits, timeOfBreakers } from "./whole.js";

const CANDIDATES = 20;
const AT = Date.UTC(2026, 0, 15, 12);

const mappingOf = (i: number, modelId = "org/model"): Mapping => ({
  ...{ modelId, task: "conversational", provider: `provider-${i}`, providerModel: "m" },
  ...{ status: "live", isFree: false, source: "a bench", contextLength: 131_072 },
  price: {
    input: parsePricePerMillion(`0.${100 + i}`) as never,
    output: parsePricePerMillion(`0.${300 - i}`) as never,
  },
});

/** Every mapping was measured, and others measured it too. */
function measured(mappings: readonly Mapping[]): Statistics {
  const [statistics, other] = [new Statistics(), new Statistics()];
  for (const [i, mapping] of mappings.entries()) {
    const answer = { tokens: 100 + ((i * 37) % 101), totalMs: 2_000, firstByteMs: 100 + i * 10 };
    for (const each of [statistics, other]) {
      for (let n = 0; n < 5; n++) each.served(mapping, AT, answer);
    }
  }
  statistics.hear(other.changed(), AT);
  return statistics;
}

const always = (dice: number) => () => dice;

function worldOf(count: number, kind: PolicyName) {
  const mappings = Array.from({ length: count }, (_, i) => mappingOf(i));
  const statistics = measured(mappings);
  const chooser: Chooser = {
    catalog: new Catalog({ file: [{ id: "org/model", task: "conversational", mappings }] }),
    providers: new Map(
      mappings.map(({ provider: id }) => [
        id,
        { provider: openAiCompatible(id, "http://127.0.0.1:9"), baseUrl: "", key: "key" },
      ]),
    ),
    directory: new Directory(Buffer.alloc(32), new Map()),
    statistics,
    breakers: new Breakers(defaultLimits, always(1)),
    defaultPolicy: { kind },
    dice: always(1),
  };
  return { mappings, chooser };
}

const BODY = spanOf(
  JSON.stringify({
    model: "org/model",
    messages: [{ role: "user", content: "How far is it to the moon, and back?" }],
    max_tokens: 256,
  }),
);

const callAt = (ms: number): RoutedChat => ({
  ...{ request: parseChatRequest(BODY), headerKey: undefined, at: AT + ms, startedAt: ms },
  caller: {
    user: {
      ...{ kind: "user", id: "u", name: "u", plan: "free", seats: 0, role: "user" },
      ...{ spendingLimit: undefined, anchor: CALENDAR, providerOrder: [], disabledProviders: [] },
      ...{ createdAt: 0, disabledAt: undefined },
    },
    ...{ payer: { name: "u" }, keyOwner: "u", disabledProviders: [] },
  },
});

/** As in traffic: between two choices one of the candidates was measured anew, and time goes on. */
function chosen(kind: PolicyName, dice: number): (i: number) => void {
  const { mappings, chooser } = worldOf(CANDIDATES, kind);
  const { statistics, breakers } = chooser;
  const candidates = mappings.map(
    (mapping, i): Candidate => ({
      ...{ mapping, keySource: "operator", expectedCost: (i * 7) % 13, doubt: undefined },
    }),
  );
  const answer = { tokens: 120, totalMs: 2_000, firstByteMs: 100 };
  let now = AT;
  const weighing: Weighing = {
    ...{ policy: { kind }, order: [], dice, now: AT },
    evidenceOf: (mapping) => statistics.evidenceOf(mapping, now),
    rests: (mapping) => breakers.restsForMs(mapping, now) > 0,
  };
  return (i) => {
    now = AT + i / 100;
    statistics.served(mappings[i % CANDIDATES] as Mapping, now, answer);
    keep(choose(candidates, weighing).candidates);
  };
}

function routed(count: number, kind: PolicyName): (i: number) => void {
  const { chooser } = worldOf(count, kind);
  const calls = Array.from({ length: 64 }, (_, i) => callAt(i));
  return (i) => keep(findRoute(chooser, calls[i % 64] as RoutedChat, chatWish).candidates);
}

function updated(): (i: number) => void {
  const { mappings, chooser } = worldOf(CANDIDATES, "fastest");
  const { statistics, breakers } = chooser;
  const answer = { tokens: 120, totalMs: 2_000, firstByteMs: 100 };
  return (i) => {
    const mapping = mappings[i % CANDIDATES] as Mapping;
    const now = AT + i / 100;
    breakers.begin(mapping, now);
    breakers.succeeded(mapping, now);
    statistics.served(mapping, now, answer);
  };
}

/** What the result of a loop is given to, so that nobody finds the loop idle. */
export let kept: unknown;
const keep = (value: unknown): void => {
  kept = value;
};

const COUNT = 10_000;

function bytesPerMapping(): number {
  const mappings = Array.from({ length: COUNT }, (_, i) => mappingOf(i % 20, `org/model-${i}`));
  // The names they go by are the catalog's, whoever asks for them first.
  for (const mapping of mappings) mappingKey(mapping);
  const before = heapBytes();
  const statistics = measured(mappings);
  for (const mapping of mappings) statistics.evidenceOf(mapping, AT);
  const bytes = heapBytes() - before;
  keep([statistics, mappings]);
  return bytes / COUNT;
}

function heapBytes(): number {
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  return heapSize + extraMemorySize;
}

/** Microseconds of processor time for one turn, collecting garbage included: the median of ten runs. */
function timed(isQuick: boolean, turn: (i: number) => void): number {
  const turns = isQuick ? 20_000 : 100_000;
  const runs = Array.from({ length: 11 }, (_, run) => {
    const began = process.cpuUsage();
    for (let i = 0; i < turns; i++) turn(run * turns + i);
    const { user, system } = process.cpuUsage(began);
    return (user + system) / turns;
  });
  // The first one is spent on warming up.
  return runs.slice(1).sort((a, b) => a - b)[5] ?? 0;
}

const IS_COLLECTING = process.env.BUN_JSC_useGC !== "0";

/** The same part in a process that collects no garbage. */
async function withoutCollecting(part: string): Promise<number> {
  const argv = [process.execPath, import.meta.path, part];
  const env = { BUN_JSC_useGC: "0" };
  return Number(await run({ name: part, argv, core: undefined, env, timeoutMs: partMsMax }));
}

/** Microseconds of processor time, of all threads, for one request of the spine bench. */
async function spineRequest(isQuick: boolean): Promise<number> {
  const durations = isQuick ? SPINE_MS.quick : SPINE_MS.full;
  const { value } = await inFreshProcesses({ variant: turnpike, pins: choosePins() }, (session) =>
    measureThroughput(session, durations),
  );
  return (value.proxyCore * 1e6) / value.requestsPerSecond;
}

const SPINE_MS = {
  full: { warmupMs: 5_000, durationMs: 5_000 },
  quick: { warmupMs: 500, durationMs: 1_000 },
};

const PARTS = {
  fastest: (isQuick) => timed(isQuick, chosen("fastest", 1)),
  cheapest: (isQuick) => timed(isQuick, chosen("cheapest", 1)),
  explored: (isQuick) => timed(isQuick, chosen("fastest", 0)),
  route: (isQuick) => timed(isQuick, routed(CANDIDATES, "fastest")),
  route_cheapest: (isQuick) => timed(isQuick, routed(CANDIDATES, "cheapest")),
  single: (isQuick) => timed(isQuick, routed(1, "fastest")),
  update: (isQuick) => timed(isQuick, updated()),
  bytes: bytesPerMapping,
  breakers: timeOfBreakers,
  limits: timeOfLimits,
  garbage: () => (IS_COLLECTING ? withoutCollecting("garbage") : garbageOfLimits()),
  spine: spineRequest,
} satisfies Record<string, (isQuick: boolean) => number | Promise<number>>;

export type PartName = keyof typeof PARTS;

if (import.meta.main) {
  const [name = "", size] = process.argv.slice(2);
  const part = Object.hasOwn(PARTS, name) ? PARTS[name as PartName] : undefined;
  if (!part) throw new Error(`there is no part "${name}"`);
  endChildrenOnExit();
  console.log(await part(size === "quick"));
  process.exit(0); // an app that was started here would go on
}
