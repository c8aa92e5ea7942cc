import { beforeEach, expect, test } from "bun:test";
import { RateBook } from "../../src/gateway/rates/rate-book.js";
import { RateLimiter } from "../../src/gateway/rates/rate-limiter.js";
import { leftOf as leftOfLimit } from "../../src/gateway/rates/rate-window.js";
import { noLog } from "../../src/kernel/log.js";
import { type NanoUsd, nanoUsd } from "../../src/kernel/money.js";
import { type LeaseStore, leaseSize } from "../../src/ledger/store.js";
import {
  type CallerRates,
  callerRates,
  type RateKind,
  type Rates,
} from "../../src/tenants/rates.js";
import { manualClock } from "../support/clock.js";

const MOST = 100;
const NO_TOKENS = { input: 0, output: 0, countInput: undefined };

/** One node alone with its store, which counts what it is asked. */
function makeStore() {
  const taken = new Map<string, NanoUsd>();
  const state = { asked: 0, isAway: false };
  const store: Partial<LeaseStore> = {
    takeLease: async ({ bucketId, ...wish }) => {
      state.asked++;
      await Promise.resolve();
      if (state.isAway) throw new Error("the store is away");
      const before = taken.get(bucketId) ?? nanoUsd(0n);
      const some = leaseSize(nanoUsd(BigInt(MOST) - before), wish);
      const all = nanoUsd(before + some);
      taken.set(bucketId, all);
      const [returned, settled] = [nanoUsd(0n), nanoUsd(0n)];
      const slice = { account: bucketId, expiresAt: undefined, isOver: false };
      return {
        slices: [{ ...slice, taken: all, returned, settled }],
        unleased: nanoUsd(BigInt(MOST) - all),
        othersHold: false,
      };
    },
    returnLease: async () => {},
    endedLeases: async () => new Map(),
  };
  return { store: store as LeaseStore, state };
}

let time: ReturnType<typeof manualClock>;
let state: ReturnType<typeof makeStore>["state"];
let limiter: RateLimiter;

beforeEach(() => {
  time = manualClock();
  const made = makeStore();
  state = made.state;
  limiter = new RateLimiter({
    node: "n",
    book: new RateBook(),
    store: made.store,
    claim: { ensure: async () => {} },
    clock: time.clock,
    log: noLog,
    totalMs: 600_000,
  });
});

const ratesOf = (rates: Rates): CallerRates => {
  const made = callerRates([{ scope: "user", id: "u", name: "ada", title: "you", rates }]);
  if (!made) throw new Error("no limits");
  return made;
};

const leftOf = (rates: CallerRates, kind: RateKind) => {
  const limit = limiter.tightest(rates, kind);
  return limit && leftOfLimit(limit.lease);
};

const admitted = async (rates: CallerRates, requests: number) => {
  const all = Array.from({ length: requests }, () => limiter.admit(rates, NO_TOKENS));
  const settled = await Promise.allSettled(all);
  return settled.filter(({ status }) => status === "fulfilled").length;
};

test("whoever hammers at a limit does not hammer at the store", async () => {
  const rates = ratesOf({ requests: MOST });
  expect(await admitted(rates, 1_000)).toBe(MOST);
  const asked = state.asked;
  expect(asked).toBeLessThan(20);
  expect(await admitted(rates, 1_000)).toBe(0);
  expect(state.asked).toBe(asked);
  time.advance(1_000);
  expect(await admitted(rates, 1_000)).toBe(0);
  expect(state.asked - asked).toBeLessThan(3);
});

test("what is at hand is used without the store, and what is not is not assumed", async () => {
  const rates = ratesOf({ requests: MOST });
  expect(await admitted(rates, 1)).toBe(1);
  state.isAway = true;
  expect(await admitted(rates, 20)).toBe(20);
  time.advance(60_000);
  const refused = limiter.admit(rates, NO_TOKENS);
  await expect(refused).rejects.toMatchObject({
    code: "store_unavailable",
    detail: { retryAfterSeconds: 1 },
  });
  state.isAway = false;
  expect(await admitted(rates, 200)).toBe(MOST);
});

test("a caller who is busy as a minute ends has a lease of the next one, and needs no store for it", async () => {
  const rates = ratesOf({ requests: MOST, tokens: MOST });
  time.advance(55_000 - (time.clock.now() % 60_000));
  expect(await admitted(rates, 1)).toBe(1);
  await Bun.sleep(0);
  time.advance(5_000);
  state.isAway = true;
  expect(await admitted(rates, 10)).toBe(10);
});

test("a request that lacks one kind holds nothing of the others", async () => {
  const rates = ratesOf({ requests: MOST, concurrent: 1 });
  const only = ratesOf({ requests: MOST });
  const first = await Promise.all(
    Array.from({ length: MOST }, () => limiter.admit(rates, NO_TOKENS).catch(() => undefined)),
  );
  // The store lets this node have 100 places.
  expect(first.filter(Boolean)).toHaveLength(MOST);
  time.advance(60_000);
  expect(await admitted(rates, 50)).toBe(0);
  expect(leftOf(only, "requests")).toBe(MOST);
  for (const admission of first) admission?.end(0);
  expect(await admitted(rates, 50)).toBe(50);
  expect(leftOf(only, "requests")).toBe(MOST - 50);
});

test("an answer that used more than it held counts as much as its minute has left, and no more", async () => {
  const rates = ratesOf({ tokens: MOST });
  const left = () => leftOf(rates, "tokens");
  const wanted = { input: 10, output: 20, countInput: undefined };
  const long = await limiter.admit(rates, wanted);
  long.end(95);
  await Bun.sleep(0);
  expect(left()).toBe(5);
  const last = await limiter.admit(rates, { ...wanted, input: 1, output: 2 });
  last.end(1_000_000);
  await Bun.sleep(0);
  expect(left()).toBe(0);
  const late = ratesOf({ tokens: MOST });
  time.advance(60_000);
  expect(leftOf(late, "tokens")).toBe(0);
  const next = await limiter.admit(late, wanted);
  time.advance(60_000);
  // Its minute is over, and the next one is not charged for it.
  next.end(1_000_000);
  await Bun.sleep(0);
  (await limiter.admit(rates, wanted)).end(1);
  expect(left()).toBe(99);
});
