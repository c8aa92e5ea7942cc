/** What is noted of the attempts at one request, and what becomes of one that nobody could serve. */
import { RouterError } from "../kernel/errors.js";
import { PROVIDER_REQUEST_ID_CHARS_MAX } from "../kernel/limits.js";
import type { Candidate } from "../routing/policy.js";
import type { Route } from "./candidates.js";
import { CreditEndedError } from "./deadline.js";
import { exhausted } from "./exhausted.js";
import type { Held } from "./hold.js";
import type { Call, Gateway } from "./parts.js";
import type { Attempt, Failure } from "./send.js";
import { CALLER_GONE, settleNothing, startedRecord } from "./settle.js";
import { configuredFor, type Turn } from "./turn.js";

/** What was tried so far. */
export type Trail = {
  readonly failures: { readonly provider: string; readonly failure: Failure }[];
};

/** A balance too short for one candidate may do for a cheaper one; any other error ends the request. */
export function onlyMoney(thrown: unknown): RouterError {
  if (thrown instanceof RouterError && thrown.code === "insufficient_credit") return thrown;
  throw thrown;
}

/** Who asked so lately is taken to be there still: the look alone costs, and limits are not watched any closer. */
const SURELY_THERE_MS = 10;

export function mayTryAgain(gateway: Gateway, call: Call, { failures }: Trail): boolean {
  const { attemptsMax, attemptsMs } = gateway.limits;
  const ms = gateway.clock.elapsed() - call.startedAt;
  const mayBeGone = failures.length > 0 || ms >= SURELY_THERE_MS;
  if (mayBeGone && call.signal.aborted) return false;
  if (failures.at(-1)?.failure.rejection) return false;
  return failures.length < attemptsMax && ms < attemptsMs;
}

export function noteStart(gateway: Gateway, call: Call, candidate: Candidate): void {
  gateway.spool.started(startedRecord(gateway, call, candidate));
  call.onStart?.();
}

/** Notes who says later what the request cost, where the caller is charged for it. */
export function awaiterFor(gateway: Gateway, call: Call, candidate: Candidate): Attempt["onHead"] {
  const { billing, provider } = configuredFor(gateway, candidate);
  if (!billing || candidate.keySource !== "operator" || candidate.mapping.isFree) return undefined;
  return (head) => {
    const providerRequestId = head.get(billing.requestIdHeader);
    // Without an id nobody can ask for it, and our own count stands.
    if (!providerRequestId || providerRequestId.length > PROVIDER_REQUEST_ID_CHARS_MAX) return;
    const at = gateway.clock.now();
    const { bucketIds } = call.caller;
    gateway.spool.awaits({
      requestId: call.id,
      provider: provider.id,
      providerRequestId,
      bucketIds,
      at,
    });
  };
}

export function clampedBy({ clampedTo, computeMs, isTimeClamped }: Held): string {
  const lowered = [];
  if (clampedTo !== undefined) lowered.push(`max_tokens=${clampedTo}`);
  if (isTimeClamped) lowered.push(`compute_ms=${computeMs}`);
  return lowered.join(", ");
}

export function noteFailure(
  gateway: Gateway,
  call: Call,
  trail: Trail,
  { candidate: { mapping }, deadline }: Turn,
  failure: Failure,
): void {
  trail.failures.push({ provider: mapping.provider, failure });
  // Neither the caller's mistake, nor hanging up, nor an end of the credit says anything about the provider.
  if (failure.rejection || call.signal.aborted) return;
  if (deadline.reason instanceof CreditEndedError) return;
  gateway.breakers.failed(mapping, gateway.clock.now(), failure.retryAfterMs);
  gateway.log("warn", "attempt_failed", {
    request: call.id,
    provider: mapping.provider,
    model: mapping.modelId,
    why: failure.why,
    ...(failure.isOperatorsProblem && { needs_operator: true }),
  });
}

export async function giveUp(
  gateway: Gateway,
  call: Call,
  route: Route,
  trail: Trail,
): Promise<RouterError> {
  const candidate = route.candidates.find(
    ({ mapping }) => mapping.provider === trail.failures.at(-1)?.provider,
  );
  const error = exhaustedBy(trail);
  if (candidate) {
    await settleNothing(gateway, call, candidate, {
      status: call.signal.aborted ? CALLER_GONE : (error.detail.status ?? 502),
      outcome: call.signal.aborted ? "aborted" : "failed",
      way: { policy: route.policy, tried: triedSoFar(trail), clamped: "" },
    });
  }
  return error;
}

export const exhaustedBy = (trail: Trail): RouterError =>
  exhausted(
    triedSoFar(trail),
    trail.failures.map(({ failure }) => failure),
  );

export const triedSoFar = ({ failures }: Trail): string[] =>
  failures.map(({ provider, failure }) => `${provider}:${failure.why}`);
