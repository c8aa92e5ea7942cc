import { beforeEach, describe, expect, test } from "bun:test";
import { type NanoUsd, nanoUsd } from "../kernel/money.js";
import type { Hold } from "./bucket-lease.js";
import { LeaseBook } from "./lease-book.js";
import type { LeaseAnswer } from "./store.js";

const NOW = 1_000;
const LATER = NOW + 60_000;
const FUNDS = "user:ada";
const BUDGET = "token:t";

type Slice = readonly [account: string, taken: bigint, expiresAt?: number];

const answer = (slices: readonly Slice[], unleased = 0n): LeaseAnswer => ({
  slices: slices.map(([account, taken, expiresAt]) => ({
    account,
    taken: nanoUsd(taken),
    returned: nanoUsd(0n),
    settled: nanoUsd(0n),
    expiresAt,
    isOver: false,
  })),
  unleased: nanoUsd(unleased),
  othersHold: false,
});

let book: LeaseBook;
beforeEach(() => {
  book = new LeaseBook();
  book.add(
    FUNDS,
    answer(
      [
        ["g1", 60n],
        ["g2", 40n],
      ],
      7n,
    ),
    NOW,
  );
  book.add(BUDGET, answer([["l1", 50n]]), NOW);
});

const hold = (amount: bigint, ids = [FUNDS], now = NOW): Hold => {
  const held = book.hold(ids, nanoUsd(amount), now, LATER);
  if (!held.ok) throw new Error(`${held.bucketId} has ${held.available}`);
  return held.hold;
};
const free = (id = FUNDS, now = NOW): bigint => book.free(id, now);
const settle = (held: Hold, cost: bigint, now = NOW) => book.settle(held, nanoUsd(cost), now);
const debits = (list: readonly { account: string; amount: NanoUsd }[]) =>
  Object.fromEntries(list.map(({ account, amount }) => [account, BigInt(amount)]));

describe("holding", () => {
  test("takes from what is free, and the last nano-dollar too, but not one more", () => {
    hold(99n);
    expect(free()).toBe(1n);
    hold(1n);
    expect(free()).toBe(0n);
    expect(book.hold([FUNDS], nanoUsd(1n), NOW, LATER)).toEqual({
      ok: false,
      bucketId: FUNDS,
      available: nanoUsd(0n),
    });
  });

  test("holds on all buckets or on none, and names the first that is short", () => {
    expect(book.hold([FUNDS, BUDGET], nanoUsd(51n), NOW, LATER)).toMatchObject({
      ok: false,
      bucketId: BUDGET,
      available: nanoUsd(50n),
    });
    expect([free(), free(BUDGET)]).toEqual([100n, 50n]);
    hold(50n, [FUNDS, BUDGET]);
    expect([free(), free(BUDGET)]).toEqual([50n, 0n]);
    expect(book.heldOn(BUDGET)).toBe(nanoUsd(50n));
  });

  test("holds nothing of a bucket that nobody leased, except nothing", () => {
    expect(book.hold(["user:nobody"], nanoUsd(1n), NOW, LATER)).toMatchObject({ ok: false });
    expect(book.hold(["user:nobody"], nanoUsd(0n), NOW, LATER)).toMatchObject({ ok: true });
  });

  test("passes over what has expired by then", () => {
    book.add(
      "b",
      answer([
        ["soon", 10n, NOW + 5],
        ["late", 10n, NOW + 50],
      ]),
      NOW,
    );
    expect(free("b", NOW + 4)).toBe(20n);
    expect(free("b", NOW + 5)).toBe(10n);
    expect(debits(settle(hold(10n, ["b"], NOW + 5), 10n).debits)).toEqual({ late: 10n });
  });
});

describe("settling", () => {
  test("for less than was held returns the rest to the payer", () => {
    const charge = settle(hold(80n), 30n);
    expect(charge).toMatchObject({ charged: nanoUsd(30n), overrun: nanoUsd(0n) });
    expect(free()).toBe(70n);
  });

  test("charges accounts in spending order, on every bucket the same sum", () => {
    const first = settle(hold(40n, [FUNDS, BUDGET]), 40n);
    expect(debits(first.debits)).toEqual({ g1: 40n, l1: 40n });
    expect(debits(settle(hold(50n), 45n).debits)).toEqual({ g1: 20n, g2: 25n });
  });

  test("for more than was held takes what is free beside it, and the rest is an overrun", () => {
    const other = hold(30n);
    expect(settle(hold(10n), 90n)).toMatchObject({
      charged: nanoUsd(70n),
      overrun: nanoUsd(20n),
    });
    expect(free()).toBe(0n);
    expect(settle(other, 30n)).toMatchObject({ charged: nanoUsd(30n), overrun: nanoUsd(0n) });
  });

  test("for more than was held takes no more than the tightest bucket has", () => {
    const charge = settle(hold(10n, [FUNDS, BUDGET]), 90n);
    expect(charge).toMatchObject({ charged: nanoUsd(50n), overrun: nanoUsd(40n) });
    expect([free(), free(BUDGET)]).toEqual([50n, 0n]);
  });

  test("for nothing charges nothing and names no account", () => {
    expect(settle(hold(10n), 0n)).toEqual({
      debits: [],
      charged: nanoUsd(0n),
      overrun: nanoUsd(0n),
    });
    expect(free()).toBe(100n);
  });

  test("an account that expired during the request is still charged what was held of it", () => {
    book.add("b", answer([["soon", 10n, NOW + 5]]), NOW);
    expect(debits(settle(hold(10n, ["b"]), 10n, NOW + 6).debits)).toEqual({ soon: 10n });
  });

  test("twice charges once: the second time all of it is an overrun", () => {
    const held = hold(10n);
    settle(held, 10n);
    expect(settle(held, 10n)).toEqual({ debits: [], charged: nanoUsd(0n), overrun: nanoUsd(10n) });
    expect(free()).toBe(90n);
  });
});

describe("releasing", () => {
  test("returns everything, and a second time nothing", () => {
    const held = hold(80n, [FUNDS]);
    book.release(held);
    book.release(held);
    expect(free()).toBe(100n);
    expect(book.heldOn(FUNDS)).toBe(nanoUsd(0n));
  });

  test("happens by itself at the hold's end, not a millisecond before", () => {
    hold(80n);
    expect(book.releaseExpired(LATER - 1)).toBe(0);
    expect(book.releaseExpired(LATER)).toBe(1);
    expect(book.releaseExpired(LATER)).toBe(0);
    expect(free()).toBe(100n);
  });
});

describe("extending", () => {
  test("adds up to what every bucket has", () => {
    const held = hold(10n, [FUNDS, BUDGET]);
    expect(book.extend(held, nanoUsd(30n), NOW)).toBe(nanoUsd(30n));
    expect(book.extend(held, nanoUsd(30n), NOW)).toBe(nanoUsd(10n));
    expect(held.amount).toBe(nanoUsd(50n));
    expect(debits(settle(held, 50n).debits)).toEqual({ g1: 50n, l1: 50n });
  });

  test("adds nothing to a hold that has ended", () => {
    const held = hold(10n);
    book.release(held);
    expect(book.extend(held, nanoUsd(30n), NOW)).toBe(nanoUsd(0n));
    expect(free()).toBe(100n);
  });
});

describe("what the store answers", () => {
  test("is the sum of all that was taken, so hearing it twice adds nothing", () => {
    const again = answer(
      [
        ["g1", 60n],
        ["g2", 45n],
      ],
      2n,
    );
    book.add(FUNDS, again, NOW);
    book.add(FUNDS, again, NOW);
    expect(free()).toBe(105n);
    expect(book.unleased(FUNDS)).toBe(nanoUsd(2n));
  });

  test("leaves holds alone, and keeps an account of which something is still out", () => {
    const held = hold(100n);
    book.add(FUNDS, answer([["g3", 5n]]), NOW);
    expect(free()).toBe(5n);
    expect(debits(settle(held, 70n).debits)).toEqual({ g1: 60n, g2: 10n });
    expect(free()).toBe(35n);
  });
});

describe("what callers are told", () => {
  test("is what is left wherever it is leased, and what is held is not", () => {
    book.add(FUNDS, { ...answer([["g1", 60n]], 7n), elsewhere: nanoUsd(33n) }, NOW);
    expect(book.leftAnywhere(FUNDS, NOW)).toBe(nanoUsd(140n));
    const held = hold(45n);
    expect(book.leftAnywhere(FUNDS, NOW)).toBe(nanoUsd(95n));
    settle(held, 5n);
    expect(book.leftAnywhere(FUNDS, NOW)).toBe(nanoUsd(135n));
    book.giveBack(FUNDS);
    expect(book.leftAnywhere(FUNDS, NOW)).toBe(nanoUsd(135n));
    book.forfeit();
    expect(book.leftAnywhere(FUNDS, NOW)).toBe(nanoUsd(0n));
    expect(book.leftAnywhere("user:nobody", NOW)).toBe(nanoUsd(0n));
  });
});

describe("giving back", () => {
  test("gives what is free and not what is held, and cannot be held any more", () => {
    const held = hold(70n);
    expect(book.giveBack(FUNDS)).toEqual(new Map([["g2", nanoUsd(30n)]]));
    expect(free()).toBe(0n);
    expect(book.unleased(FUNDS)).toBe(nanoUsd(37n));
    book.release(held);
    expect(free()).toBe(70n);
  });

  test("counts all that was ever given back, and tells only of accounts with something new", () => {
    const held = hold(70n);
    book.giveBack(FUNDS);
    book.release(held);
    expect(book.giveBack(FUNDS)).toEqual(
      new Map([
        ["g1", nanoUsd(60n)],
        ["g2", nanoUsd(40n)],
      ]),
    );
    expect(book.giveBack(FUNDS)).toEqual(new Map());
    expect(book.giveBack("user:nobody")).toEqual(new Map());
  });

  test("what is taken again afterwards can be held again", () => {
    book.giveBack(FUNDS);
    book.add(
      FUNDS,
      answer([
        ["g1", 65n],
        ["g2", 40n],
      ]),
      NOW,
    );
    expect(free()).toBe(5n);
  });

  test("is due where nobody held for a while and something is free", () => {
    expect(book.idleSince(NOW)).toEqual([]);
    expect(book.idleSince(NOW + 1)).toEqual([FUNDS, BUDGET]);
    hold(1n, [FUNDS], NOW + 1);
    expect(book.idleSince(NOW + 1)).toEqual([BUDGET]);
    book.giveBack(BUDGET);
    expect(book.idleSince(NOW + 1)).toEqual([]);
    expect(book.idleSince(NOW + 2)).toEqual([FUNDS]);
  });
});

describe("surrendering", () => {
  const late = (...totals: (readonly [string, bigint])[]) =>
    new Map([[FUNDS, new Map(totals.map(([account, total]) => [account, nanoUsd(total)]))]]);

  test("gives up what is free at once, and what is held when its request ends", () => {
    const held = hold(70n);
    book.surrender(FUNDS);
    expect(free()).toBe(0n);
    expect(book.lateReturns()).toEqual(late(["g2", 30n]));
    expect(debits(settle(held, 25n).debits)).toEqual({ g1: 25n });
    expect(free()).toBe(0n);
    expect(book.lateReturns()).toEqual(late(["g1", 35n], ["g2", 40n]));
    expect(book.lateReturns()).toEqual(new Map());
    book.surrender("user:nobody");
  });

  test("what is taken afterwards is held and freed as ever, also by a hold from before", () => {
    const held = hold(70n);
    book.surrender(FUNDS);
    book.add(
      FUNDS,
      answer([
        ["g1", 60n],
        ["g2", 90n],
      ]),
      NOW,
    );
    expect(free()).toBe(50n);
    expect(book.extend(held, nanoUsd(20n), NOW)).toBe(nanoUsd(20n));
    book.release(held);
    expect(free()).toBe(50n);
  });

  test("an account of which too much is leased is surrendered when the store says so, and no other", () => {
    const slices = answer([
      ["g1", 60n],
      ["g2", 50n],
    ]).slices.map((slice) => ({ ...slice, isOver: slice.account === "g2" }));
    book.add(FUNDS, { ...answer([]), slices }, NOW);
    expect(free()).toBe(60n);
    expect(book.lateReturns()).toEqual(late(["g2", 50n]));
  });
});
