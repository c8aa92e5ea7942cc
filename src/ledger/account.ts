/**
 * Accounts of the ledger, and what moves between them. A `grant` holds money someone may spend; a `limit` counts down
 * what a limit still allows. Both are leased, held and settled the same way. The others are where amounts come from
 * and go to; each is known by its name alone.
 */
import type { NanoUsd } from "../kernel/money.js";
import { CALENDAR, type Period, periodAt } from "../kernel/period.js";

/** Money comes from and returns to here, so that all balances sum to zero. */
export const OUTSIDE = "outside";
/** Grants that ran out of time end here. */
const EXPIRED = "expired";
/** What answers cost beyond what their payer could be charged: the operator bears it. */
export const OVERRUN = "overrun";
/** What had been spent of bought credit before its price went back to the buyer: the operator bears it. */
export const LOSS = "loss";
/** What is spent of a limit ends here. */
export const USED = "used";

/** What is owed to a provider for routed requests. */
export const providerAccount = (provider: string): string => `provider:${provider}`;

/** Where a settled part of an account goes. */
export const destinationOf = (account: string, provider: string): string =>
  account.startsWith("limit:") ? USED : providerAccount(provider);

/**
 * `grant` and `allow` put into an account, `withdraw` and `disallow` take out again what was put in; `count`
 * charges a new limit with what was spent before there was one; `adjust` follows when a provider says later what a
 * request cost.
 */
export type TransferCode =
  | "grant"
  | "allow"
  | "withdraw"
  | "disallow"
  | "count"
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

/** What an account is charged. */
export type Debit = { readonly account: string; readonly amount: NanoUsd };

/** What a plan includes, what somebody gave or bought, and what may be spent on account after all of it. */
export type GrantKind = "plan" | "promotional" | "purchased" | "pay_as_you_go";

/** A grant or limit that is to be there, with what is put into it. */
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

/** A period's included credit; none when the plan has none. Whichever plan it is: one account a period. */
export const planGrant = (bucket: string, amount: NanoUsd, period: Period): Opening[] =>
  amount === 0n ? [] : [periodGrant("plan", bucket, amount, period)];

/** What may be spent on account in a period, once credit is used up; none at 0. */
export const headroomGrant = (bucket: string, amount: NanoUsd, period: Period): Opening[] =>
  amount === 0n ? [] : [periodGrant("pay_as_you_go", bucket, amount, period)];

const periodGrant = (
  grantKind: "plan" | "pay_as_you_go",
  bucket: string,
  amount: NanoUsd,
  period: Period,
): Opening => ({
  id: `grant:${bucket}:${grantKind}:${period.name}`,
  kind: "grant",
  grantKind,
  bucket,
  amount,
  openedAt: period.start,
  expiresAt: period.end,
});

/** What a limit allows: anew each calendar month, or once. */
export function limitAccount(
  bucket: string,
  limit: { readonly amount: NanoUsd; readonly period: "month" | "total" },
  now: number,
): Opening {
  const month = limit.period === "month" ? periodAt(CALENDAR, now) : undefined;
  return {
    id: `limit:${bucket}:${month?.name ?? "total"}`,
    kind: "limit",
    grantKind: "budget",
    bucket,
    amount: limit.amount,
    openedAt: month?.start ?? now,
    expiresAt: month?.end,
  };
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

type Owned = Pick<Opening, "kind" | "grantKind" | "bucket">;

/**
 * Where an account is filled from, and what is taken back returns to. Limits and headroom have a source for each
 * bucket, so that no sum of promises can grow beyond what the store counts; the headroom's is, below zero, what
 * its payer spent on account.
 */
function sourceOf({ kind, grantKind, bucket }: Owned): string {
  if (kind === "limit") return `allowance:${bucket}`;
  return grantKind === "pay_as_you_go" ? `headroom:${bucket}` : OUTSIDE;
}

/** Where what is left goes when time runs out: credit is lost, promises only end. */
export const restGoesTo = (owned: Owned): string =>
  sourceOf(owned) === OUTSIDE ? EXPIRED : sourceOf(owned);

/** What fills an opening. */
export const openingTransfer = (opening: Opening): Transfer => ({
  id: `open:${opening.id}`,
  debit: sourceOf(opening),
  credit: opening.id,
  amount: opening.amount,
  code: opening.kind === "limit" ? "allow" : "grant",
  at: opening.openedAt,
});

/** More (or less, below zero) is put into an account that is open. `count` numbers the changes of the account. */
export function resizeTransfer(
  owned: Owned & { readonly id: string },
  change: { readonly by: bigint; readonly count: bigint; readonly at: number },
): Transfer {
  const [account, source] = [owned.id, sourceOf(owned)];
  const isLimit = owned.kind === "limit";
  const id = `resize:${account}:${change.count}`;
  const amount = (change.by < 0n ? -change.by : change.by) as NanoUsd;
  return change.by > 0n
    ? {
        id,
        debit: source,
        credit: account,
        amount,
        code: isLimit ? "allow" : "grant",
        at: change.at,
      }
    : {
        id,
        debit: account,
        credit: source,
        amount,
        code: isLimit ? "disallow" : "withdraw",
        at: change.at,
      };
}
