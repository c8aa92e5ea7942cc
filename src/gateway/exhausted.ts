import { RouterError } from "../kernel/errors.js";
import type { Failure } from "./failure.js";

export type Tried = {
  /** Every attempt, as "provider:reason". */
  readonly tried: readonly string[];
  readonly failures: readonly Failure[];
  /** The provider whose retries were spent, where others were not asked for that reason. */
  readonly spentBy?: string | undefined;
  /** All of it with the caller's own key, so that what a provider limits is theirs. */
  readonly isOwnKey?: boolean;
};

/** The error that ends a request nobody could serve, naming every attempt. */
export function exhausted({ tried, failures, spentBy, isOwnKey = false }: Tried): RouterError {
  const rejection = failures.at(-1)?.rejection;
  if (rejection) return withAttempts(rejection, tried);
  const isSpent = spentBy !== undefined;
  const extra = { attempts: tried, ...(isSpent && { retry_budget: "spent" }) };
  const list = tried.join(", ") + (isSpent ? ` (the retry budget of ${spentBy} is spent)` : "");
  if (failures.every(({ why }) => why === "429")) {
    const waits = failures.map((failure) => failure.retryAfterMs ?? DEFAULT_RETRY_MS);
    const retryAfterSeconds = Math.max(1, Math.ceil(Math.min(...waits) / 1000));
    return new RouterError(
      "rate_limited",
      `The provider is rate limiting ${isOwnKey ? "your own key" : "this service (not you)"}: ${list}. Try again in ${retryAfterSeconds} s.`,
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

/** A provider's own refusal, with who it was; what we refused ourselves stays as it is. */
function withAttempts(rejection: RouterError, attempts: readonly string[]): RouterError {
  const { code, message, detail } = rejection;
  if (code !== "provider_rejected") return rejection;
  const extra = { ...detail.extra, attempts };
  return new RouterError(code, message, { ...detail, extra }, { cause: rejection.cause });
}
