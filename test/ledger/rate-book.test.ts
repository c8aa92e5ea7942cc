/** The book of rates keeps the promises of the book of money: the same history leaves both with the same amounts. */
import { beforeEach, describe, expect, test } from "bun:test";
import {
  NOT_OPEN,
  RateBook,
  type RateHold,
  type RateLeases,
} from "../../src/gateway/rates/rate-book.js";
import { nanoUsd } from "../../src/kernel/money.js";
import type { Hold } from "../../src/ledger/bucket-lease.js";
import { LeaseBook } from "../../src/ledger/lease-book.js";
import type { LeaseAnswer } from "../../src/ledger/store.js";
import { type Random, randomFrom } from "../support/random.js";

const SEED = Number(process.env.RATES_SEED ?? Math.floor(Math.random() * 1e9));
const NOW = 1_000;
const LATER = NOW + 60_000;
const IDS = { requests: ["r1", "r2"], tokens: ["t1", "t2"], concurrent: ["c"] } as const;
const ALL = Object.values(IDS).flat();

type Slice = { readonly taken: number; readonly returned?: number; readonly isOver?: boolean };

const answer = (id: string, slice: Slice | undefined, unleased = 0): LeaseAnswer => ({
  slices: slice
    ? [
        {
          ...{ account: id, expiresAt: undefined, settled: nanoUsd(0n) },
          taken: nanoUsd(BigInt(slice.taken)),
          returned: nanoUsd(BigInt(slice.returned ?? 0)),
          isOver: slice.isOver === true,
        },
      ]
    : [],
  unleased: nanoUsd(BigInt(unleased)),
  othersHold: false,
});

const leasesIn = (book: RateBook): RateLeases => ({
  requests: IDS.requests.map((id) => book.leaseOf(id, NOW)),
  tokens: IDS.tokens.map((id) => book.leaseOf(id, NOW)),
  concurrent: IDS.concurrent.map((id) => book.leaseOf(id, NOW)),
});

/** Undefined where some lease has too little. */
function begin(book: RateBook, tokens: number, now = NOW): RateHold | undefined {
  const leases = leasesIn(book);
  const isCovered =
    book.covers(leases.requests, 1, now) &&
    book.covers(leases.tokens, tokens, now) &&
    book.covers(leases.concurrent, 1, now);
  if (!isCovered) return undefined;
  const { surrenders, generation } = book;
  const hold = { leases, tokens, expiresAt: LATER, surrenders, generation, slot: NOT_OPEN };
  book.begin(hold, now);
  return hold;
}

let book: RateBook;
beforeEach(() => {
  book = new RateBook();
  for (const id of ALL) book.add(id, answer(id, { taken: 100 }, 7), NOW);
});

const free = (): number[] => ALL.map((id) => Number(book.free(id, NOW)));
const held = (tokens: number): RateHold => {
  const hold = begin(book, tokens);
  if (!hold) throw new Error("not covered");
  return hold;
};

describe("a request under limits of all kinds", () => {
  test("uses up one request, and holds its tokens and its place until it ends", () => {
    const hold = held(100);
    expect(free()).toEqual([99, 99, 0, 0, 99]);
    expect(begin(book, 1)).toBeUndefined();
    expect(free()).toEqual([99, 99, 0, 0, 99]);
    expect(book.end(hold, 30)).toBe(true);
    expect(free()).toEqual([99, 99, 70, 70, 100]);
    expect(book.end(hold, 30)).toBe(false);
    expect(free()).toEqual([99, 99, 70, 70, 100]);
  });

  test("that used more than it held gives none of it back, and takes no more than the tightest limit has", () => {
    const hold = held(10);
    const tight = book.leaseOf("t2", NOW);
    expect(book.useUp([tight], 80, NOW)).toBe(80);
    expect(book.end(hold, 50)).toBe(true);
    expect(book.useUp(hold.leases.tokens, 40, NOW)).toBe(10);
    expect(free()).toEqual([99, 99, 80, 0, 100]);
  });

  test("is ended by itself at its hold's end, not a millisecond before, as if it had used nothing", () => {
    held(10);
    expect(book.releaseExpired(LATER - 1)).toBe(0);
    expect(book.releaseExpired(LATER)).toBe(1);
    expect(free()).toEqual([99, 99, 100, 100, 100]);
    expect(book.releaseExpired(LATER)).toBe(0);
  });

  test("holds nothing while the claim is over, and takes nothing beyond what it held", () => {
    const hold = held(10);
    book.allowUntil(NOW);
    expect(begin(book, 1)).toBeUndefined();
    expect(book.end(hold, 15)).toBe(true);
    expect(book.useUp(hold.leases.tokens, 5, NOW)).toBe(0);
    book.allowUntil(LATER);
    expect(free()).toEqual([99, 99, 90, 90, 100]);
  });
});

describe("a bucket", () => {
  test("is empty only when nothing of it is free or held, and is looked up anew once it was forgotten", () => {
    const hold = held(100);
    expect(book.emptySince(LATER)).toEqual([]);
    for (const id of ALL) book.giveBack(id);
    expect(book.emptySince(LATER)).toEqual(["r1", "r2"]);
    expect(book.idleSince(LATER)).toEqual([]);
    book.end(hold, 100);
    expect(book.emptySince(LATER)).toEqual(["r1", "r2", "t1", "t2"]);
    expect(book.idleSince(LATER)).toEqual(["c"]);
    expect(book.idleSince(NOW)).toEqual([]);
    const before = book.forgotten;
    book.forget("t1");
    expect(book.forgotten).toBe(before + 1);
    expect(book.bucketIds()).toEqual(["r1", "r2", "t2", "c"]);
  });

  test("that was only looked up is not known", () => {
    book.leaseOf("new", NOW);
    expect(book.has("new")).toBe(false);
    expect(book.bucketIds()).not.toContain("new");
    book.add("new", answer("new", undefined, 5), NOW);
    expect(book.has("new")).toBe(true);
    expect(book.unleased("new")).toBe(nanoUsd(5n));
  });
});

/** Both books, and what the store would say of each bucket. */
function makePair() {
  const rates = new RateBook();
  const money = new LeaseBook();
  const slices = new Map<string, { taken: number; returned: number }>();
  const open: { readonly rate: RateHold; readonly tokens: Hold; readonly place: Hold }[] = [];
  const slice = (id: string) => slices.get(id) ?? { taken: 0, returned: 0 };
  const hear = (totals: ReadonlyMap<string, bigint>): void => {
    for (const [id, returned] of totals)
      slices.set(id, { ...slice(id), returned: Number(returned) });
  };
  return { rates, money, slices, open, slice, hear };
}

type Pair = ReturnType<typeof makePair>;

const moneyHold = (money: LeaseBook, ids: readonly string[], amount: number) => {
  const held = money.hold(ids, nanoUsd(BigInt(amount)), NOW, LATER);
  return held.ok ? held.hold : undefined;
};

type Step = (pair: Pair, random: Random) => void;

const STEPS = {
  add({ rates, money, slices, slice }, random) {
    const id = random.pick(ALL);
    const more = { ...slice(id), taken: slice(id).taken + random.below(400) };
    slices.set(id, more);
    const told = answer(id, { ...more, isOver: random.chance(0.02) }, random.below(50));
    for (const each of [rates, money]) each.add(id, told, NOW);
  },
  begin({ rates, money, open }, random) {
    const amount = 1 + random.below(20);
    const rate = begin(rates, amount);
    const [requests, tokens, place] = [
      moneyHold(money, IDS.requests, 1),
      moneyHold(money, IDS.tokens, amount),
      moneyHold(money, IDS.concurrent, 1),
    ];
    expect(rate !== undefined).toBe(Boolean(requests && tokens && place));
    if (rate && requests && tokens && place) {
      money.settle(requests, requests.amount, NOW);
      open.push({ rate, tokens, place });
      return;
    }
    for (const hold of [requests, tokens, place]) if (hold) money.release(hold);
  },
  end({ rates, money, open }, random) {
    const [ended] = open.splice(random.below(open.length), 1);
    if (!ended) return;
    const used = random.below(40);
    rates.end(ended.rate, used);
    const more = Math.max(0, used - ended.rate.tokens);
    const beyond = more - rates.useUp(ended.rate.leases.tokens, more, NOW);
    money.release(ended.place);
    expect(BigInt(beyond)).toBe(money.settle(ended.tokens, nanoUsd(BigInt(used)), NOW).overrun);
  },
  giveBack({ rates, money, hear }, random) {
    const id = random.pick(ALL);
    const returned = rates.giveBack(id);
    expect(returned).toEqual(money.giveBack(id));
    hear(returned);
  },
  surrender({ rates, money }, random) {
    const id = random.pick(ALL);
    for (const each of [rates, money]) each.surrender(id);
  },
  sayLate({ rates, money, hear }) {
    const late = rates.lateReturns();
    expect(late).toEqual(money.lateReturns());
    for (const totals of late.values()) hear(totals);
  },
} satisfies Record<string, Step>;

/** Mostly requests, so that some are under way whenever a lease goes. */
const CHANCES: readonly Step[] = [
  ...Array.from({ length: 12 }, () => STEPS.add),
  ...Array.from({ length: 20 }, () => STEPS.begin),
  ...Array.from({ length: 12 }, () => STEPS.end),
  ...[STEPS.giveBack, STEPS.surrender, STEPS.sayLate],
];

test(`2,000 steps of seed ${SEED} leave the book of rates as the book of money`, () => {
  const random = randomFrom(SEED);
  const pair = makePair();
  const begun = { most: 0 };
  for (let i = 0; i < 2_000; i++) {
    random.pick(CHANCES)(pair, random);
    begun.most = Math.max(begun.most, pair.open.length);
    for (const id of ALL) {
      expect([i, id, pair.rates.free(id, NOW)]).toEqual([i, id, pair.money.free(id, NOW)]);
      expect([i, id, pair.rates.unleased(id)]).toEqual([i, id, pair.money.unleased(id)]);
    }
  }
  expect(begun.most).toBeGreaterThan(3);
});

test("what a fenced node held comes back to nobody, in either book", () => {
  const hold = held(40);
  const money = new LeaseBook();
  money.add("t1", answer("t1", { taken: 100 }), NOW);
  const of = moneyHold(money, ["t1"], 40);
  for (const each of [book, money]) each.forfeit();
  expect(free()).toEqual([0, 0, 0, 0, 0]);
  for (const each of [book, money]) each.add("t1", answer("t1", { taken: 30 }), NOW);
  book.end(hold, 10);
  if (of) money.release(of);
  expect(book.free("t1", NOW)).toBe(nanoUsd(30n));
  expect(money.free("t1", NOW)).toBe(nanoUsd(30n));
  expect(book.lateReturns()).toEqual(new Map());
});
