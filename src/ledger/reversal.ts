/** How a grant follows what of its price went back to the buyer. */
import { least, type NanoUsd, nanoUsd, ZERO } from "../kernel/money.js";
import { LOSS, OUTSIDE, type Transfer } from "./account.js";

/** What was done about reversals so far. */
export type Reversed = { readonly takenBack: NanoUsd; readonly lost: NanoUsd };

export type Moves = {
  /** Unspent credit that goes: from the grant to `outside`. */
  readonly takeBack: NanoUsd;
  /** What had been spent: from `loss` to `outside`. */
  readonly lose: NanoUsd;
  /** The two undone, because money that was to go back did not. */
  readonly restore: NanoUsd;
  readonly regain: NanoUsd;
};

/**
 * Brings `done` as near to `due` as can be at this moment. What processes have leased of the grant may be spent
 * or may come back, so only when nothing is leased any more is the rest known to be lost.
 */
export function movesToward(
  due: NanoUsd,
  done: Reversed,
  grant: { readonly unleased: NanoUsd; readonly leased: NanoUsd },
): Moves {
  const gap = due - done.takenBack - done.lost;
  if (gap < 0n) {
    const regain = least(nanoUsd(-gap), done.lost);
    return { takeBack: ZERO, lose: ZERO, regain, restore: nanoUsd(-gap - regain) };
  }
  const takeBack = least(nanoUsd(gap), grant.unleased);
  const lose = grant.leased === 0n ? nanoUsd(gap - takeBack) : ZERO;
  return { takeBack, lose, regain: ZERO, restore: ZERO };
}

/** The transfers of these moves; `firstNumber` of this payment's transfers is not taken yet. */
export function transfersOf(
  moves: Moves,
  payment: { readonly id: string; readonly grantId: string; readonly firstNumber: number },
  at: number,
): readonly Transfer[] {
  const { grantId } = payment;
  const steps = [
    { debit: grantId, credit: OUTSIDE, amount: moves.takeBack, code: "take_back" },
    { debit: LOSS, credit: OUTSIDE, amount: moves.lose, code: "loss" },
    { debit: OUTSIDE, credit: LOSS, amount: moves.regain, code: "restore" },
    { debit: OUTSIDE, credit: grantId, amount: moves.restore, code: "restore" },
  ] as const;
  return steps
    .filter(({ amount }) => amount > 0n)
    .map((step, i) => ({ ...step, id: `payment:${payment.id}/${payment.firstNumber + i}`, at }));
}
