/** What went wrong with an attempt, and what follows from it. */
import type { Clock } from "../kernel/clock.js";
import { RouterError } from "../kernel/errors.js";
import type { Usage } from "../tasks/usage.js";
import { errorMessageOf } from "../wire/chat-answer.js";
import { pauseAskedFor, retryAfterMs } from "../wire/rate-limit-headers.js";
import { utf8Of } from "../wire/sse.js";
import { ProtocolError } from "./client/body-decoder.js";
import { ConnectError } from "./client/connection.js";
import type { ResponseHead } from "./client/response-head.js";
import { CreditEndedError, TimeLimitError } from "./deadline.js";
import { type Answer, type Reading, readText, TOO_LARGE } from "./read-answer.js";
import { ForbiddenUrlError } from "./registry/public-address.js";

/** Why an attempt failed, in a word for `X-Turnpike-Route`. */
export type Failure = {
  readonly kind: "failed";
  readonly why: string;
  readonly retryAfterMs?: number;
  /** Set where another provider would say the same: the caller's request is at fault. */
  readonly rejection?: RouterError;
  /** Set where nobody else can be asked: the caller's file has gone to this provider, and is not here any more. */
  readonly isFinal?: boolean;
  /** Set where the operator must act: a bad key, an unpaid bill, a wrong mapping. */
  readonly isOperatorsProblem?: boolean;
  /** What the provider is owed for all the same, where the caller is gone: it goes on without them. */
  readonly owed?: Usage;
};

type Judging = Reading & {
  readonly clock: Clock;
  readonly isOwnKey: boolean;
  readonly key: string | undefined;
};

/** What a status other than success means for the attempt. */
export async function judgeStatus(attempt: Judging, answer: Answer): Promise<Failure> {
  const { status } = answer.head;
  const why = String(status);
  if (status === 429 || status >= 500) {
    attempt.deadline.stop(new Error("refused"));
    return refusedFor(answer.head, attempt.clock);
  }
  if (status < 400) {
    attempt.deadline.stop(new Error("unexpected status"));
    return { kind: "failed", why: status >= 300 ? "redirect" : why };
  }
  const message = errorMessageOf(await readText(attempt, answer));
  const isAboutAccount = status === 401 || status === 402 || status === 403;
  if (isAboutAccount && !attempt.isOwnKey) return { kind: "failed", why, isOperatorsProblem: true };
  // Time-outs and conflicts of the provider's own making may go better elsewhere.
  if (status === 408 || status === 409 || status === 425) return { kind: "failed", why };
  const rejection = rejectionOf(withoutKey(message, attempt.key) ?? `status ${status}`, status);
  // A provider that does not know its own model is ours to mend, and another one may have it.
  if (status === 404 && !attempt.isOwnKey) return { kind: "failed", why, isOperatorsProblem: true };
  return { kind: "failed", why, rejection };
}

/** A provider that has no room, or something wrong with it, and may say for how long. */
export function refusedFor(head: ResponseHead, clock: Clock): Failure {
  const header = (name: string) => head.get(name);
  const read = head.status === 429 ? pauseAskedFor : retryAfterMs;
  const pauseMs = read(header, clock.now());
  return {
    kind: "failed",
    why: String(head.status),
    ...(pauseMs !== undefined && { retryAfterMs: pauseMs }),
  };
}

/** The caller's own fault, in the provider's words. */
export const rejectionOf = (message: string, status: number): RouterError =>
  new RouterError("provider_rejected", `The provider refused the request: ${message}`, { status });

/** What was thrown on the way, in a word. */
export function whyOf(reason: unknown): string {
  if (reason instanceof CreditEndedError) return "credit";
  if (reason instanceof TimeLimitError) {
    return reason.limit === "connect" ? "connect_timeout" : "timeout";
  }
  if (reason instanceof ConnectError) return "connect";
  if (reason instanceof ForbiddenUrlError) return "forbidden_address";
  if (reason instanceof RangeError || reason instanceof ProtocolError) return "malformed";
  if (reason instanceof Error && reason.message === TOO_LARGE) return TOO_LARGE;
  return "broken_connection";
}

/** What `errorMessageOf` may show of a broken stream's last event. */
export const streamErrorMessage = (data: string, key: string | undefined): string =>
  withoutKey(errorMessageOf(utf8Of(data)), key) ?? "the provider ended the stream with an error";

/** Some providers repeat the key they were sent, which may be the operator's. */
const withoutKey = (message: string | undefined, key: string | undefined): string | undefined =>
  key ? message?.replaceAll(key, "…") : message;
