/** GET /api/turnpike/me/requests/{id}: one request with everything about it, signed. */
import type { Price } from "../../catalog/model.js";
import { printPrice, quoteOf } from "../../catalog/quote.js";
import type { Json } from "../../kernel/canonical-json.js";
import { printDecimal } from "../../kernel/decimal.js";
import { RouterError } from "../../kernel/errors.js";
import { formatUsd } from "../../kernel/money.js";
import { printTime } from "../../kernel/print-time.js";
import { printPublicKey } from "../../ledger/receipt-key.js";
import { signReceipt } from "../../ledger/signed-receipt.js";
import { type Item, itemsOf, PARTS, roundingOf } from "../../metering/items.js";
import type { RequestRecord } from "../../store/books/receipts.js";
import type { Move } from "../../store/ledger/request-transfers.js";
import type { Usage } from "../../tasks/usage.js";
import { printMeasured } from "../../wire/usage.js";
import { authenticate } from "../authenticate.js";
import { type Handler, json, type Site, type Visit } from "../parts.js";

/** Changes when what a member means changes; new members do not change it. */
const VERSION = 1;

export const showReceipt: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "read");
  return receiptOf(site, visit, visit.rest[0] ?? "", ({ userId }) => userId === user.id);
};

/** The receipt of a request, where it is one that may be seen. */
export async function receiptOf(
  site: Site,
  visit: Visit,
  id: string,
  isSeen: (record: RequestRecord) => boolean,
): Promise<Response> {
  const record = await findRecord(site, id);
  if (!record || !isSeen(record)) throw noReceipt(site, id);
  return json(signReceipt(printReceipt(record, visit.at), site.receiptKey));
}

/** GET /api/turnpike/receipt-key: what receipts are verified with. */
export const showReceiptKey: Handler = (site) => json(printPublicKey(site.receiptKey));

/** Whoever asks right after an answer asks before its settlement was brought into the store. */
async function findRecord({ books, drain }: Site, id: string): Promise<RequestRecord | undefined> {
  const record = await books.receipts.request(id);
  if (record) return record;
  await drain();
  return books.receipts.request(id);
}

const noReceipt = ({ config }: Site, id: string): RouterError =>
  new RouterError(
    "not_found",
    `There is no receipt for a request "${id.slice(0, 64)}" of yours: it is still under way, or older than the ${config.retention.requestDays} days that requests are kept.`,
  );

function printReceipt(record: RequestRecord, issuedAt: number): Json {
  const [policy, clamped, tried, held] = record.details ?? [];
  const price = record.price && toPrice(record.price);
  const items = price ? countedItems(record, price) : [];
  return {
    version: VERSION,
    inference_id: record.id,
    issued_at: printTime(issuedAt),
    at: printTime(record.at),
    duration_ms: record.durationMs,
    first_byte_ms: record.firstByteMs ?? null,
    user_id: record.userId,
    token_id: record.tokenId,
    payer: record.payer,
    group_id: record.groupId === "" ? null : record.groupId,
    tags: Object.fromEntries(record.tags.map((tag) => splitAt(tag, "="))),
    model: record.model,
    task: record.task,
    provider: record.provider,
    stream: record.isStream,
    status: record.status,
    outcome: record.outcome,
    billed: billed(record, price),
    policy: policy ?? null,
    attempts: tried?.map((attempt) => attemptOf(attempt)) ?? null,
    clamped: clamped || null,
    held_nano_usd: held ?? null,
    usage: printUsage(record),
    price: price ? printPrice(price) : null,
    items: items.map(printItem),
    rounding_nano_usd: parts(roundingOf(items)),
    cost_from: record.costFrom,
    counted_nano_usd: String(record.counted ?? record.cost),
    reported_nano_usd: record.costFrom === "provider" ? String(record.cost) : null,
    cost_nano_usd: String(record.cost),
    charged_nano_usd: String(record.cost - record.overrun),
    overrun_nano_usd: String(record.overrun),
    debits: record.charges.map(printMove),
    corrections: record.adjustments.map((move) => ({ ...printMove(move), at: printTime(move.at) })),
  };
}

/** What was counted, so that it adds up to the count: of what failed that is nothing, whatever a request's price is. */
function countedItems(record: RequestRecord, price: Price): readonly Item[] {
  const items = itemsOf(usageOf(record), price);
  const counted = record.counted ?? record.cost;
  return counted === 0n ? items.filter(({ amount }) => amount === 0n) : items;
}

function billed({ isOwnKey }: RequestRecord, price: Price | undefined): string {
  if (isOwnKey) return "own_key";
  return price && Object.keys(price).length === 0 ? "free" : "routed";
}

const attemptOf = (attempt: string) => {
  const [provider, result] = splitAt(attempt, ":");
  return { provider, result };
};

function splitAt(text: string, sign: string): readonly [string, string] {
  const at = text.indexOf(sign);
  return [text.slice(0, at), text.slice(at + 1)];
}

const toPrice = (list: readonly string[]): Price =>
  Object.fromEntries(
    list.flatMap((unit, i) => (i % 2 === 0 ? [[unit, BigInt(list[i + 1] ?? 0)]] : [])),
  );

const usageOf = ({ isEstimated, measured, ...counts }: RequestRecord): Usage => ({
  inputTokens: counts.inputTokens,
  cachedInputTokens: counts.cachedInputTokens,
  cacheWriteTokens: counts.cacheWriteTokens,
  outputTokens: counts.outputTokens,
  reasoningTokens: counts.reasoningTokens,
  ...(measured && { measured }),
  estimated: isEstimated,
});

const printUsage = (record: RequestRecord): Json => ({
  input_tokens: record.inputTokens,
  cached_input_tokens: record.cachedInputTokens,
  cache_write_tokens: record.cacheWriteTokens,
  output_tokens: record.outputTokens,
  reasoning_tokens: record.reasoningTokens,
  ...(record.measured && printMeasured(record.measured)),
  estimated: record.isEstimated,
});

const printItem = ({ unit, billionths, price, amount }: Item): Json => ({
  unit,
  quantity: printDecimal(billionths, 9),
  price_usd: formatUsd(quoteOf(unit, price)),
  amount_nano_usd: parts(amount),
});

const DECIMALS = 18;

/** Exact, but for audio by the minute, where the last of eighteen decimals is cut off. */
const parts = (amount: bigint): string =>
  printDecimal((amount * 10n ** BigInt(DECIMALS)) / PARTS, DECIMALS);

const printMove = ({ account, kind, bucket, amount }: Move) => ({
  bucket,
  account,
  kind,
  amount_nano_usd: String(amount),
});
