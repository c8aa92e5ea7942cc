import { RouterError } from "../kernel/errors.js";
import type { Failure } from "./send.js";

/**
 * The error that ends a request nobody could serve, naming every attempt. `tried` is "provider:reason"; `spentBy` the
 * provider whose retries were spent, where others were not asked for that reason.
 */
export function exhausted(
  tried: readonly string[],
  failures: readonly Failure[],
  spentBy?: string,
): RouterError {
  const rejection = failures.at(-1)?.rejection;
  if (rejection) return rejection;
  const isSpent = spentBy !== undefined;
  const extra = { attempts: tried, ...(isSpent && { retry_budget: "spent" }) };
  const list = tried.join(", ") + (isSpent ? ` (the retry budget of ${spentBy} is spent)` : "");
  if (failures.every(({ why }) => why === "429")) {
    const waits = failures.map((failure) => failure.retryAfterMs ?? DEFAULT_RETRY_MS);
    const retryAfterSeconds = Math.max(1, Math.ceil(Math.min(...waits) / 1000));
    return new RouterError(
      "rate_limited",
      `The provider is rate limiting this service (not you): ${list}. Try again in ${retryAfterSeconds} s.`,
      { retryAfterSeconds, extra: { ...extra, limited_by: "provider" } },
    );
  }
  if (failures.every(({ why }) => why === "timeout" || why === "connect_timeout")) {
    return new RouterError("provider_timeout", `No provider answered in time: ${list}.`, { extra });
  }
  if (failures.every(({ isOperatorsProblem }) => isOperatorsProblem === true)) {
    return new RouterError(
      "provider_unavailable",
      `No provider is available for this model at the moment: ${list}. The operator has been told.`,
      { extra },
    );
  }
  return new RouterError("provider_error", `Every attempt failed: ${list}.`, { extra });
}

const DEFAULT_RETRY_MS = 1_000;
