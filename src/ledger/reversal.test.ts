import { expect, test } from "bun:test";
import { nanoUsd } from "../kernel/money.js";
import { type Moves, movesToward, transfersOf } from "./reversal.js";

const done = (takenBack: bigint, lost: bigint) => ({
  takenBack: nanoUsd(takenBack),
  lost: nanoUsd(lost),
});
const grant = (unleased: bigint, leased: bigint) => ({
  unleased: nanoUsd(unleased),
  leased: nanoUsd(leased),
});
const moves = (some: Partial<Record<keyof Moves, bigint>>) => ({
  takeBack: 0n,
  lose: 0n,
  restore: 0n,
  regain: 0n,
  ...some,
});
const toward = (
  due: bigint,
  ...rest: Parameters<typeof movesToward> extends [unknown, ...infer R] ? R : never
) => ({ ...movesToward(nanoUsd(due), ...rest) }) as Record<string, bigint>;

test("unspent credit is taken back, and what was spent is lost once nothing is leased", () => {
  expect(toward(0n, done(0n, 0n), grant(10n, 0n))).toEqual(moves({}));
  expect(toward(10n, done(0n, 0n), grant(10n, 0n))).toEqual(moves({ takeBack: 10n }));
  expect(toward(4n, done(0n, 0n), grant(10n, 0n))).toEqual(moves({ takeBack: 4n }));
  expect(toward(10n, done(0n, 0n), grant(7n, 0n))).toEqual(moves({ takeBack: 7n, lose: 3n }));
  expect(toward(10n, done(0n, 0n), grant(0n, 0n))).toEqual(moves({ lose: 10n }));
});

test("what is leased stays outstanding, even where it is less than what is owed", () => {
  expect(toward(10n, done(0n, 0n), grant(3n, 1n))).toEqual(moves({ takeBack: 3n }));
  expect(toward(10n, done(3n, 0n), grant(0n, 1n))).toEqual(moves({}));
  expect(toward(10n, done(3n, 0n), grant(1n, 0n))).toEqual(moves({ takeBack: 1n, lose: 6n }));
});

test("a refund that fails gives back first what was the operator's loss, then the buyer's credit", () => {
  expect(toward(2n, done(2n, 3n), grant(0n, 0n))).toEqual(moves({ regain: 3n }));
  expect(toward(0n, done(2n, 3n), grant(0n, 0n))).toEqual(moves({ regain: 3n, restore: 2n }));
  expect(toward(1n, done(5n, 0n), grant(0n, 9n))).toEqual(moves({ restore: 4n }));
});

test("every move is a transfer with a number of its own, and none moves nothing", () => {
  const all = transfersOf(
    movesToward(nanoUsd(10n), done(0n, 0n), grant(7n, 0n)),
    { id: "p", grantId: "grant:g", firstNumber: 4 },
    1,
  );
  expect(all).toEqual([
    {
      id: "payment:p/4",
      debit: "grant:g",
      credit: "outside",
      amount: nanoUsd(7n),
      code: "take_back",
      at: 1,
    },
    {
      id: "payment:p/5",
      debit: "loss",
      credit: "outside",
      amount: nanoUsd(3n),
      code: "loss",
      at: 1,
    },
  ]);
});
