import { monthName, nextMonthStart } from "../kernel/clock.js";
import type { NanoUsd } from "../kernel/money.js";

/**
 * An account of the ledger. A `grant` holds money someone may spend; a `limit` counts down what a limit still
 * allows. Both are leased, held and settled the same way. The others are where amounts come from and go to.
 */
export type AccountKind =
  | "grant"
  | "limit"
  | "outside"
  | "provider"
  | "expired"
  | "overrun"
  | "loss"
  | "allowance"
  | "used";

/** Money comes from and returns to here, so that all balances sum to zero. */
export const OUTSIDE = "outside";
/** Grants that ran out of time end here. */
export const EXPIRED = "expired";
/** What answers cost beyond what their payer could be charged: the operator bears it. */
export const OVERRUN = "overrun";
/** What had been spent of bought credit before its price went back to the buyer: the operator bears it. */
export const LOSS = "loss";
/** Limits are dealt out from here, and what is spent of them ends in `USED`. */
export const ALLOWANCE = "allowance";
export const USED = "used";

/** What is owed to a provider for routed requests. */
export const providerAccount = (provider: string): string => `provider:${provider}`;

/** Where a settled part of an account goes. */
export const destinationOf = (account: string, provider: string): string =>
  account.startsWith("limit:") ? USED : providerAccount(provider);

export type TransferCode =
  | "grant"
  | "allow"
  | "settle"
  | "overrun"
  | "expire"
  /** A provider's later word on what a request cost. */
  | "adjust"
  /** A refund or lost dispute takes unspent credit back, or is the operator's loss; a failed refund undoes either. */
  | "take_back"
  | "loss"
  | "restore";

/** An amount leaving one account and entering another; never changed once written. */
export type Transfer = {
  /** Also the idempotency key. */
  readonly id: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: NanoUsd;
  readonly code: TransferCode;
  readonly at: number;
};

export type GrantKind = "plan" | "promotional" | "purchased";

/** A new grant or limit, with the transfer that fills it. Opening the same id twice does nothing. */
export type Opening = {
  readonly id: string;
  readonly kind: "grant" | "limit";
  readonly grantKind: GrantKind | "budget";
  /** Whose it is: the grants of one bucket are spent together, in order. */
  readonly bucket: string;
  readonly amount: NanoUsd;
  readonly openedAt: number;
  readonly expiresAt: number | undefined;
};

/** A limit as a request meets it: which accounts count for it, and which of them this moment calls for. */
export type Bucket = {
  readonly id: string;
  /** Accounts that exist from this moment on without anyone asking: this month's credit, this month's budget. */
  readonly due: readonly Opening[];
};

/** This month's included credit of a plan; none when the plan has none. */
export function planGrant(bucket: string, plan: string, amount: NanoUsd, now: number): Opening[] {
  if (amount === 0n) return [];
  return [
    {
      id: `grant:${bucket}:plan:${plan}:${monthName(now)}`,
      kind: "grant",
      grantKind: "plan",
      bucket,
      amount,
      openedAt: now,
      expiresAt: nextMonthStart(now),
    },
  ];
}

/** What a budget allows: anew each calendar month, or once. */
export function budgetLimit(
  bucket: string,
  budget: { readonly amount: NanoUsd; readonly period: "month" | "total" },
  now: number,
): Opening[] {
  const isMonthly = budget.period === "month";
  return [
    {
      id: `limit:${bucket}:${isMonthly ? monthName(now) : "total"}`,
      kind: "limit",
      grantKind: "budget",
      bucket,
      amount: budget.amount,
      openedAt: now,
      expiresAt: isMonthly ? nextMonthStart(now) : undefined,
    },
  ];
}

/** Credit that somebody gave or bought, beside what the plan includes. */
export const extraGrant = (
  bucket: string,
  grant: {
    readonly id: string;
    readonly kind: "promotional" | "purchased";
    readonly amount: NanoUsd;
    readonly at: number;
    readonly expiresAt: number | undefined;
  },
): Opening => ({
  id: `grant:${bucket}:${grant.kind}:${grant.id}`,
  kind: "grant",
  grantKind: grant.kind,
  bucket,
  amount: grant.amount,
  openedAt: grant.at,
  expiresAt: grant.expiresAt,
});

/** What fills an opening. */
export const openingTransfer = (opening: Opening): Transfer => ({
  id: `open:${opening.id}`,
  debit: opening.kind === "limit" ? ALLOWANCE : OUTSIDE,
  credit: opening.id,
  amount: opening.amount,
  code: opening.kind === "limit" ? "allow" : "grant",
  at: opening.openedAt,
});
