/** Shapes of the ledger, filled in, so that a test names only what it is about. */
import { type NanoUsd, nanoUsd } from "../../src/kernel/money.js";
import type { Bucket, Opening } from "../../src/ledger/account.js";
import type { LedgerStore, Settlement, SettlementBatch } from "../../src/ledger/store.js";

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

export const bucketOf = (id: string, ...due: readonly Opening[]): Bucket => ({ id, due });

/** A served request that cost what its grants and limits were debited. */
export function settlementOf(
  node: string,
  id: string,
  debits: Readonly<Record<string, bigint>>,
  facts: Partial<Settlement> = {},
): Settlement {
  const overrun = facts.overrun ?? nanoUsd(0n);
  const charged = Object.entries(debits)
    .filter(([account]) => account.startsWith("grant:"))
    .reduce((sum, [, amount]) => sum + amount, 0n);
  return {
    id,
    node,
    at: AT,
    userId: "user",
    tokenId: "token",
    model: "org/model",
    task: "conversational",
    provider: "acme",
    status: 200,
    outcome: "served",
    isOwnKey: false,
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
    ...facts,
  };
}

export const batchOf = (
  node: string,
  settlements: readonly Settlement[],
  offset = 1,
): SettlementBatch => ({ node, settlements, upTo: { segment: 0, offset } });

/** What the store says of a bucket: its balance, and the part that is leased. */
export async function standing(store: LedgerStore, bucket: string, now = AT) {
  const { accounts, spent } = await store.credit(bucketOf(bucket), now);
  const sum = (pick: (account: (typeof accounts)[number]) => NanoUsd): bigint =>
    accounts.reduce((total, account) => total + pick(account), 0n);
  return { left: sum((a) => a.left), leased: sum((a) => a.leased), spent: BigInt(spent) };
}
