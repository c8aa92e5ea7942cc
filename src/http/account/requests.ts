/** …/requests: the newest requests that somebody made, or that an organization paid for. */
import { printTime } from "../../kernel/print-time.js";
import type { RequestRow } from "../../store/books/usage.js";
import { printMeasured } from "../../wire/usage.js";
import { authenticate } from "../authenticate.js";
import { caughtUp } from "../caught-up.js";
import { type Handler, json } from "../parts.js";

/** How many are shown. */
export const REQUESTS_SHOWN = 100;

export const listRequests: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "read");
  await caughtUp(site);
  const rows = await site.usage.newestRequests(user.id, REQUESTS_SHOWN);
  return json({ requests: rows.map(printRequest) });
};

/** As JSON, without whose it is: amounts are strings of nano-USD, `cost_nano_usd` is what was charged. */
export const printRequest = (row: RequestRow) => ({
  inference_id: row.id,
  at: printTime(row.at),
  model: row.model,
  provider: row.provider,
  status: row.status,
  outcome: row.outcome,
  own_key: row.isOwnKey,
  input_tokens: row.inputTokens,
  cached_input_tokens: row.cachedInputTokens,
  cache_write_tokens: row.cacheWriteTokens,
  output_tokens: row.outputTokens,
  reasoning_tokens: row.reasoningTokens,
  estimated: row.isEstimated,
  ...(row.measured && { measured: printMeasured(row.measured) }),
  cost_nano_usd: String(row.cost - row.overrun),
  cost_from: row.costFrom,
  ...(row.counted !== undefined && { counted_nano_usd: String(row.counted) }),
  overrun_nano_usd: String(row.overrun),
  duration_ms: row.durationMs,
});
