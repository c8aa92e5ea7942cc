/** The statement of one calendar month: what a payer's accounts held, what moved it, and what it was spent on. */
import { type NanoUsd, nanoUsd } from "../kernel/money.js";
import type { Period } from "../kernel/period.js";

/** What an account paid and was paid under one code, before a month and in it. */
export type AccountSum = {
  readonly account: string;
  /** `plan`, `promotional`, `purchased`, `pay_as_you_go`. */
  readonly kind: string;
  readonly expiresAt: number | undefined;
  readonly code: string;
  readonly isBefore: boolean;
  readonly debited: bigint;
  readonly credited: bigint;
};

export type AccountLine = {
  readonly account: string;
  readonly kind: string;
  readonly expiresAt: number | undefined;
  readonly opening: NanoUsd;
  /** By code of transfer, below zero for what left the account. They lead from `opening` to `closing`. */
  readonly moves: Readonly<Record<string, NanoUsd>>;
  readonly closing: NanoUsd;
};

/** What was used of one model at one provider. */
export type StatementUsage = {
  readonly model: string;
  readonly provider: string;
  readonly isOwnKey: boolean;
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly charged: NanoUsd;
};

export type Statement = {
  readonly payer: string;
  readonly month: Period;
  /** What requests were charged, all corrections included. */
  readonly charged: NanoUsd;
  /** The part of it that was spent on account, which the payer owes. */
  readonly due: NanoUsd;
  readonly accounts: readonly AccountLine[];
  /** Adds up to `charged`; empty once the sums of that time are not kept any more. */
  readonly usage: readonly StatementUsage[];
};

const ON_ACCOUNT = "pay_as_you_go";
/** What requests move. */
const CHARGES: ReadonlySet<string> = new Set(["settle", "adjust"]);

/** What moved on a payer's accounts in one month, made of sums by account, day and code, and of its usage. */
export function statementOf(
  payer: string,
  month: Period,
  sums: readonly AccountSum[],
  usage: readonly StatementUsage[],
): Statement {
  const lines = [...Map.groupBy(sums, ({ account }) => account).values()].map(accountLine);
  const accounts = lines.filter(
    (line) => line.opening !== 0n || Object.keys(line.moves).length > 0,
  );
  const charged = chargedOn(accounts);
  const due = chargedOn(accounts.filter(({ kind }) => kind === ON_ACCOUNT));
  return { payer, month, charged, due, accounts, usage };
}

const chargedOn = (accounts: readonly AccountLine[]): NanoUsd =>
  nanoUsd(
    accounts
      .flatMap(({ moves }) => Object.entries(moves))
      .reduce((sum, [code, amount]) => (CHARGES.has(code) ? sum - amount : sum), 0n),
  );

function accountLine(sums: readonly AccountSum[]): AccountLine {
  const [{ account, kind, expiresAt }] = sums as readonly [AccountSum];
  let opening = 0n;
  const moves: Record<string, NanoUsd> = {};
  for (const { code, isBefore, debited, credited } of sums) {
    if (isBefore) opening += credited - debited;
    else if (credited !== debited) moves[code] = nanoUsd(credited - debited);
  }
  const closing = Object.values(moves).reduce((sum, amount) => sum + amount, opening);
  return { account, kind, expiresAt, opening: nanoUsd(opening), moves, closing: nanoUsd(closing) };
}

/** A month of a list of statements. */
export type MonthSum = { readonly month: Period; readonly charged: NanoUsd; readonly due: NanoUsd };
