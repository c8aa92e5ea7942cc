/** What is noted of the attempts at one request, and what becomes of one that nobody could serve. */
import { RouterError } from "../kernel/errors.js";
import { PROVIDER_REQUEST_ID_CHARS_MAX } from "../kernel/limits.js";
import type { BillingEndpoint } from "../providers/provider.js";
import type { Candidate } from "../routing/policy.js";
import { routeText } from "./answer-headers.js";
import type { ResponseHead } from "./client/response-head.js";
import { CreditEndedError } from "./deadline.js";
import { exhausted } from "./exhausted.js";
import type { Failure } from "./failure.js";
import type { Held } from "./money/hold.js";
import { CALLER_GONE, settleNothing, startedRecord } from "./money/settle.js";
import type { Call, Gateway } from "./parts.js";
import type { Route } from "./route/candidates.js";
import type { Attempt } from "./send.js";
import { isTelling, noteNothing, noteTrouble } from "./standing.js";
import { type Trail, triedSoFar } from "./trail.js";
import { configuredFor, type Turn } from "./turn.js";

/** A candidate whose turn it is. */
export type Taken = Pick<Turn, "candidate" | "begunAt">;

/**
 * The next to try: the best that does not rest by now, else the best. The order is from the beginning of the request,
 * and much may have come of an attempt since.
 */
export function takeNext(
  gateway: Gateway,
  call: Call,
  { candidates }: Route,
  { done }: Trail,
): Taken | undefined {
  const { breakers, clock } = gateway;
  const isFirst = done.length === 0;
  const now = isFirst ? call.startedAt : clock.elapsed();
  let chosen: Candidate | undefined;
  for (const candidate of candidates) {
    if (!isFirst && (done.includes(candidate) || isWithdrawn(gateway, candidate))) continue;
    chosen ??= candidate;
    if (breakers.restsForMs(candidate.mapping, now) > 0) continue;
    chosen = candidate;
    break;
  }
  return chosen && take(gateway, done, chosen, now);
}

/** The same, but none that rests, and only one that will do. */
export function takeHealthy(
  gateway: Gateway,
  { candidates }: Route,
  { done }: Trail,
  isFit: (candidate: Candidate) => boolean = () => true,
): Taken | undefined {
  const now = gateway.clock.elapsed();
  const healthy = candidates.find(
    (candidate) =>
      !done.includes(candidate) &&
      !isWithdrawn(gateway, candidate) &&
      isFit(candidate) &&
      gateway.breakers.restsForMs(candidate.mapping, now) === 0,
  );
  return healthy && take(gateway, done, healthy, now);
}

/** Since the request was routed. */
const isWithdrawn = ({ providers }: Gateway, { mapping }: Candidate): boolean =>
  !providers.has(mapping.provider);

function take(
  { breakers }: Gateway,
  done: Candidate[],
  candidate: Candidate,
  begunAt: number,
): Taken {
  done.push(candidate);
  if (isTelling(candidate)) breakers.begin(candidate.mapping, begunAt);
  return { candidate, begunAt };
}

/** A balance too short for one candidate may do for a cheaper one; any other error ends the request. */
export function onlyMoney(thrown: unknown): RouterError {
  if (thrown instanceof RouterError && thrown.code === "insufficient_credit") return thrown;
  throw thrown;
}

/** Who asked so lately is taken to be there still: the look alone costs, and limits are not watched any closer. */
const SURELY_THERE_MS = 10;

/**
 * Whether another attempt may begin, of however many candidates are left: not for a caller who is gone, nor after a
 * failure that would be everybody's, nor beyond the limits of number and time.
 */
export function mayTryAgain(gateway: Gateway, call: Call, trail: Trail): boolean {
  const { failures } = trail;
  const { attemptsMax, attemptsMs } = gateway.limits;
  const ms = gateway.clock.elapsed() - call.startedAt;
  const mayBeGone = failures.length > 0 || ms >= SURELY_THERE_MS;
  if (mayBeGone && call.sender.signal.aborted) return false;
  const last = failures.at(-1)?.failure;
  if (trail.spentBy !== undefined || last?.rejection || last?.isFinal) return false;
  return failures.length < attemptsMax && ms < attemptsMs;
}

/** Puts a request on record just before it is sent. Throws `store_unavailable` while the spool takes no records. */
export function noteStart(gateway: Gateway, call: Call, candidate: Candidate): void {
  gateway.spool.started(startedRecord(call, candidate));
  call.onStart?.();
}

/** Notes who says later what the request cost, where the caller is charged for it. */
export function awaiterFor(gateway: Gateway, call: Call, candidate: Candidate): Attempt["onHead"] {
  const { billing } = configuredFor(gateway, candidate);
  if (!billing || candidate.keySource !== "operator" || candidate.mapping.isFree) return undefined;
  return awaiterOf(gateway, call, candidate, billing);
}

/** In a function of its own: one that holds another function makes a scope on the heap each time it is called. */
const awaiterOf =
  (gateway: Gateway, call: Call, { mapping }: Candidate, billing: BillingEndpoint) =>
  (head: ResponseHead): void => {
    const providerRequestId = head.get(billing.requestIdHeader);
    // Without an id nobody can ask for it, and our own count stands.
    if (!providerRequestId || providerRequestId.length > PROVIDER_REQUEST_ID_CHARS_MAX) return;
    const at = gateway.clock.now();
    const { bucketIds } = call.caller;
    gateway.spool.awaits({
      requestId: call.id,
      provider: mapping.provider,
      providerRequestId,
      bucketIds,
      at,
    });
  };

/** What was lowered to the balance, as a header says it: `max_tokens=120, compute_ms=5000`; empty where nothing was. */
export function clampedBy({ clampedTo, computeMs, isTimeClamped }: Held): string {
  if (clampedTo === undefined && !isTimeClamped) return "";
  const lowered = [];
  if (clampedTo !== undefined) lowered.push(`max_tokens=${clampedTo}`);
  if (isTimeClamped) lowered.push(`compute_ms=${computeMs}`);
  return lowered.join(", ");
}

/** Notes an attempt that came to nothing; where the provider is to blame, it pays for the next one. */
export function noteFailure(
  gateway: Gateway,
  call: Call,
  { route, trail }: { readonly route: Route; readonly trail: Trail },
  turn: Turn,
  failure: Failure,
): void {
  const isProviders = noteFailureOf(gateway, call, trail, turn, failure);
  if (isProviders) payForRetry(gateway, route, trail);
}

/** The same where nobody need pay for another attempt. Whether the provider is to blame. */
export function noteFailureOf(
  gateway: Gateway,
  call: Call,
  trail: Trail,
  turn: Turn,
  failure: Failure,
): boolean {
  const { candidate, deadline } = turn;
  trail.failures.push({ candidate, failure });
  trail.failedMs += gateway.clock.elapsed() - turn.sentAt;
  // Neither the caller's mistake, nor hanging up, nor an end of the credit says anything about the provider.
  const isCallers = failure.rejection !== undefined || call.sender.signal.aborted;
  if (isCallers || deadline.reason instanceof CreditEndedError) {
    noteNothing(gateway, turn);
    return false;
  }
  const { mapping } = candidate;
  gateway.log("warn", "attempt_failed", {
    request: call.id,
    provider: mapping.provider,
    model: mapping.modelId,
    why: failure.why,
    ...(failure.isOperatorsProblem && { needs_operator: true }),
  });
  noteTrouble(gateway, turn, failure);
  return true;
}

/** Pays for the next attempt out of what the provider that failed has left; notes where that is nothing. */
function payForRetry(gateway: Gateway, { candidates }: Route, trail: Trail): void {
  const failed = trail.failures.at(-1)?.candidate;
  const isLast =
    trail.done.length >= candidates.length || trail.failures.length >= gateway.limits.attemptsMax;
  if (!failed || !isTelling(failed) || isLast) return;
  const { mapping } = failed;
  if (!gateway.breakers.mayRetry(mapping, gateway.clock.elapsed()))
    trail.spentBy = mapping.provider;
}

/** The error that ends a request which nobody served. It is settled at no cost, so that it stands on record. */
export async function giveUp(
  gateway: Gateway,
  call: Call,
  route: Route,
  trail: Trail,
): Promise<RouterError> {
  const candidate = trail.failures.at(-1)?.candidate;
  const error = exhaustedBy(route, trail);
  if (candidate) {
    await settleNothing(gateway, call, candidate, {
      status: call.sender.signal.aborted ? CALLER_GONE : (error.detail.status ?? 502),
      outcome: call.sender.signal.aborted ? "aborted" : "failed",
      way: { policy: route.policy, tried: triedSoFar(trail), clamped: "" },
    });
  }
  return error;
}

/** What ends the request, with the way it went in its headers, like that of an answer. */
export function exhaustedBy({ policy, explored }: Route, trail: Trail): RouterError {
  const tried = triedSoFar(trail);
  const error = exhausted({
    tried,
    failures: trail.failures.map(({ failure }) => failure),
    spentBy: trail.spentBy,
    isOwnKey: trail.failures.every(({ candidate }) => candidate.keySource !== "operator"),
  });
  const isAnswer = error.code === "provider_rejected";
  const rejecter = isAnswer ? trail.failures.at(-1)?.candidate.mapping.provider : undefined;
  const headers = {
    ...error.detail.headers,
    "x-turnpike-route": routeText({ policy, tried, explored: explored?.mapping.provider }),
    ...(rejecter !== undefined && { "x-inference-provider": rejecter }),
  };
  return new RouterError(
    error.code,
    error.message,
    { ...error.detail, headers },
    { cause: error.cause },
  );
}
