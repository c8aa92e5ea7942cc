/** Shapes of the ledger, filled in, so that a test names only what it is about. */
import { type NanoUsd, nanoUsd } from "../../src/kernel/money.js";
import type { Opening } from "../../src/ledger/account.js";
import { type ProfileFacts, profileOf } from "../../src/ledger/profile.js";
import type { LedgerStore, Settlement, SettlementBatch } from "../../src/ledger/store.js";
import { usageReports } from "../../src/store/books/usage-reports.js";
import type { Database } from "../../src/store/database.js";
import type { UsageBy } from "../../src/wire/usage-query.js";

export const AT = Date.UTC(2026, 0, 15, 12);

/** A grant that never expires, unless told. */
export const grantOf = (bucket: string, amount: bigint, facts: Partial<Opening> = {}): Opening => ({
  id: `grant:${bucket}:promotional:1`,
  kind: "grant",
  grantKind: "promotional",
  bucket,
  amount: nanoUsd(amount),
  openedAt: AT,
  expiresAt: undefined,
  ...facts,
});

export const limitOf = (bucket: string, amount: bigint): Opening => ({
  ...grantOf(bucket, amount),
  id: `limit:${bucket}:total`,
  kind: "limit",
  grantKind: "budget",
});

/** What a test says of a settlement, its profile's facts among the others. */
export type SettlementFacts = Partial<Settlement> & Partial<ProfileFacts>;

/** A served request that cost what its grants and limits were debited. */
export function settlementOf(
  id: string,
  debits: Readonly<Record<string, bigint>>,
  facts: SettlementFacts = {},
): Settlement {
  const overrun = facts.overrun ?? nanoUsd(0n);
  const charged = Object.entries(debits)
    .filter(([account]) => account.startsWith("grant:"))
    .reduce((sum, [, amount]) => sum + amount, 0n);
  const { userId, tokenId, payer, groupId, model, task, provider, isOwnKey, price, ...others } =
    facts;
  return {
    id,
    profile: profileOf({
      userId: userId ?? "user",
      tokenId: tokenId ?? "token",
      payer: payer ?? "user:user",
      groupId: groupId ?? "",
      model: model ?? "org/model",
      task: task ?? "conversational",
      provider: provider ?? "acme",
      isOwnKey: isOwnKey ?? false,
      price: price ?? ["input", "1000000", "output", "2000000"],
    }),
    at: AT,
    status: 200,
    outcome: "served",
    usage: {
      inputTokens: 10,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 5,
      reasoningTokens: 0,
      estimated: false,
    },
    cost: nanoUsd(charged + overrun),
    debits: Object.entries(debits).map(([account, amount]) => ({
      account,
      amount: nanoUsd(amount),
    })),
    counted: undefined,
    overrun,
    durationMs: 3,
    firstByteMs: 1,
    attempts: 1,
    isStream: false,
    tags: [],
    details: '["fastest","",["acme:200"],"100"]',
    ...others,
  };
}

export const batchOf = (
  node: string,
  settlements: readonly Settlement[],
  offset = 1,
): SettlementBatch => ({ node, settlements, upTo: { segment: 0, offset } });

/** What the store says of a bucket: its balance, and the part that is leased. */
export async function standing(store: LedgerStore, bucket: string, now = AT) {
  const { accounts } = await store.credit(bucket, now);
  const sum = (pick: (account: (typeof accounts)[number]) => NanoUsd): bigint =>
    accounts.reduce((total, account) => total + pick(account), 0n);
  return {
    left: sum((a) => a.left),
    leased: sum((a) => a.leased),
    spent: sum((a) => nanoUsd(a.granted - a.left)),
  };
}

/** What a user used, by one thing, from the sums that the store keeps. */
export async function usageBy(
  database: Database,
  userId: string,
  by: UsageBy,
  since: number,
  until: number,
) {
  const rows = await usageReports(database).report(
    { userId },
    { by: [by], since, until, tag: undefined },
  );
  return rows.map(({ keys, charged, ...row }) => ({
    ...row,
    key: keys[0] ?? "",
    cost: nanoUsd(charged + row.overrun),
  }));
}
