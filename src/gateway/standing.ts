/** What attempts tell of their providers: to breakers, retry budgets and the log. */
import { USED_UP_MS_MAX } from "../kernel/limits.js";
import type { Trouble } from "../routing/breakers.js";
import type { Candidate } from "../routing/policy.js";
import { RATE_HEADERS, usedUpMs } from "../wire/rate-limit-headers.js";
import type { ResponseHead } from "./client/response-head.js";
import type { Failure } from "./failure.js";
import type { Gateway } from "./parts.js";
import type { Turn } from "./turn.js";

/** What a provider's answer says of it: all went well, it goes well so far, or a failure that is passed on. */
export type Verdict = "succeeded" | "begun" | Failure;

type Tried = Pick<Turn, "candidate" | "begunAt">;

/**
 * Calls with the caller's own key say nothing: what is refused, limited or broken there may be that key's doing, and
 * must not keep others from the provider.
 */
export const isTelling = ({ keySource }: Candidate): boolean => keySource === "operator";

/** Tells the breakers of a mapping, and of its provider, how an attempt goes. */
export function noteVerdict(gateway: Gateway, tried: Tried, verdict: Verdict): void {
  if (!isTelling(tried.candidate)) return;
  const { breakers } = gateway;
  const { mapping } = tried.candidate;
  if (verdict === "succeeded") breakers.succeeded(mapping, tried.begunAt);
  else if (verdict === "begun") breakers.answered(mapping, tried.begunAt);
  else noteTrouble(gateway, tried, verdict);
}

/** How fast an answer came, to the last of it. */
export function noteSpeed(
  { statistics, clock }: Gateway,
  { mapping }: Candidate,
  speed: Speed,
): void {
  if (speed.isProbe) statistics.probed(mapping, clock.now(), { ok: true, ...speed });
  else statistics.served(mapping, clock.now(), speed);
}

/** Output tokens, none where the answer is not made of them, and the time it took; `firstByteMs` where it was streamed. */
type Speed = {
  readonly tokens: number;
  readonly totalMs: number;
  readonly firstByteMs?: number;
  readonly isProbe?: boolean | undefined;
};

/** The attempt failed, and the provider is to blame. */
export function noteTrouble(
  gateway: Gateway,
  { candidate, begunAt }: Tried,
  failure: Failure,
): void {
  if (!isTelling(candidate)) return;
  const { mapping } = candidate;
  gateway.statistics.failed(mapping, gateway.clock.now(), failure.why === "429");
  gateway.breakers.failed(mapping, {
    trouble: troubleOf(failure),
    begunAt,
    now: gateway.clock.elapsed(),
    pauseMs: failure.retryAfterMs,
  });
}

/** The attempt came to nothing for a reason of the caller's own. */
export function noteNothing({ breakers }: Gateway, { candidate }: Pick<Turn, "candidate">): void {
  if (isTelling(candidate)) breakers.unjudged(candidate.mapping);
}

function troubleOf({ why, isOperatorsProblem }: Failure): Trouble {
  if (why === "connect" || why === "connect_timeout") return "connection";
  if (why === "429") return "limited";
  // A 403 or 404 is about one model; these are about all of them.
  return isOperatorsProblem && (why === "401" || why === "402") ? "account" : "other";
}

/** Leaves a mapping alone whose answer says that it was the last one within a limit. */
export function noteLimits(
  gateway: Gateway,
  candidate: Candidate,
  head: ResponseHead | undefined,
): void {
  if (head?.hasAnyOf(RATE_HEADERS) && isTelling(candidate)) noteUsedUp(gateway, candidate, head);
}

/** In a function of its own: one that holds another function makes a scope on the heap each time it is called. */
function noteUsedUp(gateway: Gateway, candidate: Candidate, head: ResponseHead): void {
  const ms = usedUpMs((name) => head.get(name), gateway.clock.now());
  if (ms === undefined || ms === 0) return;
  gateway.breakers.usedUp(candidate.mapping, gateway.clock.elapsed(), Math.min(ms, USED_UP_MS_MAX));
}
