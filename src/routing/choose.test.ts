import { expect, test } from "bun:test";
import type { Mapping } from "../catalog/model.js";
import type { Task } from "../tasks/index.js";
import { choose, scoresOf, type Weighing } from "./choose.js";
import type { Candidate, Policy } from "./policy.js";
import { type Evidence, NOTHING_KNOWN } from "./statistics.js";

const NOW = Date.UTC(2026, 0, 15, 12);

type Known = Partial<Evidence> & {
  readonly cost?: number;
  readonly rests?: boolean;
  readonly doubt?: string;
};

/** Well known, and asked just now, unless told otherwise. */
const evidence = ({ cost: _, rests: __, doubt: ___, ...facts }: Known): Evidence =>
  Object.keys(facts).length === 0
    ? NOTHING_KNOWN
    : { ...NOTHING_KNOWN, answers: 50, seenAt: NOW, ...facts };

const mappingOf = (provider: string, task: Task): Mapping => ({
  ...{ modelId: "org/model", task, provider, providerModel: "m", status: "live" },
  ...{ price: undefined, isFree: true, source: "a test" },
});

type Case = {
  readonly policy?: Policy["kind"];
  readonly task?: Task;
  readonly order?: readonly string[];
  readonly dice?: number;
  readonly of: Readonly<Record<string, Known>>;
};

const KEY = { keySource: "operator" } as const;

function setOut({ policy = "fastest", task = "conversational", order = [], dice = 1, of }: Case) {
  const candidates = Object.entries(of).map(
    ([provider, { cost = 0, doubt }]): Candidate => ({
      ...{ mapping: mappingOf(provider, task), ...KEY, expectedCost: cost, doubt },
    }),
  );
  const weighing: Weighing = {
    policy: policy === "provider" ? { kind: policy, provider: "a" } : { kind: policy },
    order,
    evidenceOf: ({ provider }) => evidence(of[provider] ?? {}),
    rests: ({ provider }) => of[provider]?.rests === true,
    now: NOW,
    dice,
  };
  return { candidates, weighing };
}

/** Who is tried first, second and so on; a star at whom is explored. */
function chosen(asked: Case): string {
  const { candidates, weighing } = setOut(asked);
  const { candidates: ordered, explored } = choose(candidates, weighing);
  const named = ordered.map((each) => `${each.mapping.provider}${each === explored ? "*" : ""}`);
  return named.join(" ");
}

const A = { throughput: 100 };
const B = { throughput: 80 };
const UNKNOWN = {};

const TABLE: readonly [fact: string, asked: Case, order: string][] = [
  ["nobody to choose from", { of: {} }, ""],
  ["one candidate is the choice, whatever is known", { of: { a: { errorRate: 1 } } }, "a"],
  ["the fastest comes first", { of: { b: B, a: A } }, "a b"],
  ["equals stay as the catalog has them", { of: { b: B, c: B, a: A, d: B } }, "a b c d"],
  [
    "who fails a quarter of the time is as fast as the rest of it",
    { of: { a: { ...A, errorRate: 0.25 }, b: B } },
    "b a",
  ],
  ["who was not measured comes after who was", { of: { n: UNKNOWN, b: B } }, "b n"],
  [
    "but before who fails most of the time",
    { of: { n: UNKNOWN, b: { ...B, errorRate: 0.6 } } },
    "n b",
  ],
  ["where nobody was measured the catalog's order holds", { of: { n: {}, m: {} } }, "n m"],
  ["who rests comes last", { of: { a: { ...A, rests: true }, b: B, n: UNKNOWN } }, "b n a"],
  [
    "who may be unable comes after who is able, and before who rests",
    { of: { a: { ...A, doubt: "short" }, r: { ...A, rests: true }, b: B } },
    "b a r",
  ],
  [
    "of tasks without tokens the shortest time is the fastest",
    {
      task: "text-to-image",
      of: { slow: { totalMs: 9_000, throughput: 500 }, quick: { totalMs: 1_000 } },
    },
    "quick slow",
  ],
  [
    "the soonest is by the first byte, or the whole answer where nothing streamed",
    {
      policy: "soonest",
      of: { a: { ...A, firstByteMs: 900 }, w: { totalMs: 500 }, b: { ...B, firstByteMs: 90 } },
    },
    "b w a",
  ],
  [
    "the cheapest is by what this request costs",
    { policy: "cheapest", of: { a: { ...A, cost: 12 }, b: { cost: 11.5 }, c: { cost: 11.5 } } },
    "b c a",
  ],
  [
    "the cheapest who rests is still last",
    { policy: "cheapest", of: { a: { cost: 1, rests: true }, b: { cost: 2 } } },
    "b a",
  ],
  [
    "the preferred are in the caller's order, the rest behind them",
    { policy: "preferred", order: ["c", "x", "b"], of: { a: A, b: B, c: B, d: A } },
    "c b a d",
  ],
  [
    "a share of requests explores whom little is known of",
    { dice: 0, of: { a: A, b: { ...B, answers: 1 } } },
    "b* a",
  ],
  ["up to the end of the share", { dice: 0.0299, of: { a: A, b: { ...B, answers: 1 } } }, "b* a"],
  ["and no more than that", { dice: 0.03, of: { a: A, b: { ...B, answers: 1 } } }, "a b"],
  ["a quarter goes to whom nobody ever asked", { dice: 0.2499, of: { a: A, n: UNKNOWN } }, "n* a"],
  ["and no more than a quarter", { dice: 0.25, of: { a: A, n: UNKNOWN } }, "a n"],
  [
    "whom somebody asked gets no more than any other",
    { dice: 0.03, of: { a: A, n: { answers: 0, seenAt: NOW } } },
    "a n",
  ],
  [
    "the dice say whom of several",
    { dice: 0.2, of: { a: A, n: UNKNOWN, m: UNKNOWN, o: UNKNOWN } },
    "o* a n m",
  ],
  ["who has few answers is explored", { dice: 0, of: { a: A, b: { ...B, answers: 2.9 } } }, "b* a"],
  [
    "who was not asked for two minutes is explored",
    { dice: 0, of: { a: A, b: { ...B, seenAt: NOW - 120_001 } } },
    "b* a",
  ],
  [
    "who is well known and asked of late is not",
    { dice: 0, of: { a: A, b: { ...B, answers: 3, seenAt: NOW - 120_000 } } },
    "a b",
  ],
  ["who rests is never explored", { dice: 0, of: { a: A, n: { rests: true } } }, "a n"],
  ["nor who may be unable", { dice: 0, of: { a: A, n: { doubt: "short" } } }, "a n"],
  [
    "who comes first anyway is not called explored",
    { dice: 0, of: { a: { ...A, answers: 1 }, b: { ...B, answers: 25 } } },
    "a b",
  ],
  ["the cheapest are not explored", { policy: "cheapest", dice: 0, of: { a: {}, b: {} } }, "a b"],
  ["nor the preferred", { policy: "preferred", dice: 0, of: { a: {}, b: {} } }, "a b"],
];

for (const [fact, asked, order] of TABLE) {
  test(`choosing: ${fact}`, () => {
    expect(chosen(asked)).toBe(order);
  });
}

test("of many requests no more are spent on exploring than the share, and every stranger gets some", () => {
  const of = { a: A, n: { answers: 0, seenAt: NOW }, b: B, s: { ...B, seenAt: NOW - 1_000_000 } };
  const first = new Map<string, number>();
  for (let i = 0; i < 10_000; i++) {
    const [name = ""] = chosen({ dice: i / 10_000, of }).split(" ");
    first.set(name, (first.get(name) ?? 0) + 1);
  }
  expect(Object.fromEntries(first)).toEqual({ "n*": 150, "s*": 150, a: 9_700 });
});

test("scores are costs, places, and speeds below zero", () => {
  const of = { a: { ...A, errorRate: 0.5, cost: 7 }, n: { cost: 3 } };
  const scores = (asked: Omit<Case, "of">) => {
    const { candidates, weighing } = setOut({ ...asked, of });
    return scoresOf(candidates, weighing);
  };
  expect(scores({ policy: "fastest" })).toEqual([-50, -50]);
  expect(scores({ policy: "cheapest" })).toEqual([7, 3]);
  expect(scores({ policy: "preferred", order: ["n"] })).toEqual([1, 0]);
  expect(scores({ policy: "provider" })).toEqual([0, 0]);
});

test("a hundred candidates in any order come out in the same one", () => {
  const names = Array.from({ length: 100 }, (_, i) => `p${String(i).padStart(2, "0")}`);
  const sorted = names.join(" ");
  for (let seed = 1; seed <= 20; seed++) {
    const shuffled = names.toSorted(
      (a, b) => ((a.charCodeAt(2) * 31 * seed) % 97) - ((b.charCodeAt(2) * 31 * seed) % 97),
    );
    const of = Object.fromEntries(
      shuffled.map((name) => [name, { throughput: 1_000 - names.indexOf(name) }]),
    );
    expect(chosen({ of })).toBe(sorted);
  }
});
