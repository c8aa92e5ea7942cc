/** The steps of one chat request, top to bottom. */
import { RouterError } from "../kernel/errors.js";
import { PROVIDER_REQUEST_ID_CHARS_MAX } from "../kernel/limits.js";
import type { Candidate } from "../routing/policy.js";
import { noUsage } from "../tasks/usage.js";
import type { Facts } from "./answer-headers.js";
import { findRoute, keyFor, type Route } from "./candidates.js";
import { answerPlain } from "./chat-plain.js";
import { answerStream } from "./chat-stream.js";
import { CreditEndedError, Deadline } from "./deadline.js";
import { exhausted } from "./exhausted.js";
import { type Held, holdAtOnce, holdFor } from "./hold.js";
import { paidTimeFor, withTime } from "./paid-time.js";
import type { ChatCall, Gateway } from "./parts.js";
import { type Attempt, type Failure, type Outcome, send } from "./send.js";
import { CALLER_GONE, settle, settleNothing, startedRecord } from "./settle.js";
import { timeEnded } from "./shortage.js";
import { adapterFor, configuredFor, type Turn } from "./turn.js";
import { chatUpstreamRequest, leftOut } from "./upstream-request.js";

/** What was tried so far. */
type Trail = { readonly failures: { readonly provider: string; readonly failure: Failure }[] };

/** Answers, or throws the RouterError that ends the request. Whatever was started is settled either way. */
export async function serveChat(gateway: Gateway, call: ChatCall): Promise<Response> {
  const route = findRoute(gateway, call);
  const trail: Trail = { failures: [] };
  let refused: RouterError | undefined;
  for (const candidate of route.candidates) {
    if (!mayTryAgain(gateway, call, trail)) break;
    const held =
      holdAtOnce(gateway, call, candidate) ??
      (await holdFor(gateway, call, candidate).catch(onlyMoney));
    if (held instanceof RouterError) {
      refused ??= held;
      continue;
    }
    const answer = await attempt(gateway, call, route, trail, candidate, held);
    if (answer) return answer;
  }
  if (trail.failures.length === 0 && refused) throw refused;
  throw await giveUp(gateway, call, route, trail);
}

/** A balance too short for one candidate may do for a cheaper one; any other error ends the request. */
function onlyMoney(thrown: unknown): RouterError {
  if (thrown instanceof RouterError && thrown.code === "insufficient_credit") return thrown;
  throw thrown;
}

function mayTryAgain(gateway: Gateway, call: ChatCall, { failures }: Trail): boolean {
  const { attemptsMax, attemptsMs } = gateway.limits;
  if (call.signal.aborted || failures.at(-1)?.failure.rejection) return false;
  return failures.length < attemptsMax && gateway.clock.elapsed() - call.startedAt < attemptsMs;
}

async function attempt(
  gateway: Gateway,
  call: ChatCall,
  route: Route,
  trail: Trail,
  candidate: Candidate,
  held: Held,
): Promise<Response | undefined> {
  const { clock, limits } = gateway;
  const endsAt = call.startedAt + limits.totalMs;
  const deadline = new Deadline(clock, call.signal, endsAt, limits.totalMs);
  try {
    if (trail.failures.length === 0) start(gateway, call, candidate);
    const time = paidTimeFor(gateway, call, candidate, held, deadline);
    const turn: Turn = { candidate, held, deadline, time, sentAt: clock.elapsed() };
    const outcome = await sendTurn(gateway, call, turn);
    if (outcome.kind === "failed") {
      noteFailure(gateway, call, trail, turn, outcome);
      deadline.end();
      if (isTimeOwed(call, turn)) throw await endUnanswered(gateway, call, route, turn, trail);
      gateway.book.release(held.hold);
      return undefined;
    }
    gateway.health.succeeded(candidate.mapping);
    const facts = factsOf(gateway, call, route, trail, turn);
    return outcome.kind === "plain"
      ? await answerPlain(gateway, call, turn, facts, outcome)
      : answerStream(gateway, call, turn, facts, outcome.start);
  } catch (thrown) {
    deadline.stop(thrown);
    gateway.book.release(held.hold);
    throw thrown;
  }
}

function start(gateway: Gateway, call: ChatCall, candidate: Candidate): void {
  gateway.spool.started(startedRecord(gateway, call, candidate));
  call.onStart?.();
}

/** Time that ran is owed also where nothing came of it, but for what the provider itself made fail. */
const isTimeOwed = (call: ChatCall, { time, deadline }: Turn): boolean =>
  time !== undefined && (call.signal.aborted || deadline.reason instanceof CreditEndedError);

/** Charges the time until the caller hung up, or until the credit ended; the error that ends the request. */
async function endUnanswered(
  gateway: Gateway,
  call: ChatCall,
  { policy }: Route,
  turn: Turn,
  trail: Trail,
): Promise<RouterError> {
  const isGone = call.signal.aborted;
  const cost = await settle(gateway, call, turn.candidate, turn.held, {
    usage: withTime(noUsage, turn.time),
    status: isGone ? CALLER_GONE : 402,
    outcome: isGone ? "aborted" : "stopped",
    firstByteMs: undefined,
    way: { policy, tried: triedSoFar(trail), clamped: clampedBy(turn.held) },
  });
  return isGone ? exhaustedBy(trail) : timeEnded(gateway, call, turn.candidate, cost);
}

function sendTurn(
  gateway: Gateway,
  call: ChatCall,
  { candidate, held, deadline, time }: Turn,
): Promise<Outcome> {
  const { provider, baseUrl } = configuredFor(gateway, candidate);
  const adapter = adapterFor(gateway, candidate);
  const target = { providerModel: candidate.mapping.providerModel, clampedTo: held.clampedTo };
  return send({
    http: gateway.http,
    request: chatUpstreamRequest(provider, adapter, call.request, target),
    baseUrl,
    auth: provider.auth,
    key: keyFor(gateway, call, candidate),
    isStream: call.request.isStream,
    isOwnKey: candidate.keySource !== "operator",
    requestId: call.id,
    deadline,
    limits: gateway.limits,
    clock: gateway.clock,
    onSent: time && (() => time.start()),
    onHead: awaiterFor(gateway, call, candidate),
  });
}

/** Notes who says later what the request cost, where the caller is charged for it. */
function awaiterFor(gateway: Gateway, call: ChatCall, candidate: Candidate): Attempt["onHead"] {
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

function factsOf(gateway: Gateway, call: ChatCall, route: Route, trail: Trail, turn: Turn): Facts {
  const { candidate, held, sentAt } = turn;
  return {
    policy: route.policy,
    tried: [...triedSoFar(trail), `${candidate.mapping.provider}:200`],
    candidate,
    clamped: clampedBy(held),
    leftOut: leftOut(adapterFor(gateway, candidate), call.request),
    cost: undefined,
    sentAt,
    answeredAt: gateway.clock.elapsed(),
  };
}

function clampedBy({ clampedTo, computeMs, isTimeClamped }: Held): string {
  const lowered = [];
  if (clampedTo !== undefined) lowered.push(`max_tokens=${clampedTo}`);
  if (isTimeClamped) lowered.push(`compute_ms=${computeMs}`);
  return lowered.join(", ");
}

function noteFailure(
  gateway: Gateway,
  call: ChatCall,
  trail: Trail,
  { candidate: { mapping }, deadline }: Turn,
  failure: Failure,
): void {
  trail.failures.push({ provider: mapping.provider, failure });
  // Neither the caller's mistake, nor hanging up, nor an end of the credit says anything about the provider.
  if (failure.rejection || call.signal.aborted) return;
  if (deadline.reason instanceof CreditEndedError) return;
  gateway.health.failed(mapping, gateway.clock.now(), failure.retryAfterMs);
  gateway.log("warn", "attempt_failed", {
    request: call.id,
    provider: mapping.provider,
    model: mapping.modelId,
    why: failure.why,
    ...(failure.isOperatorsProblem && { needs_operator: true }),
  });
}

async function giveUp(
  gateway: Gateway,
  call: ChatCall,
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

const exhaustedBy = (trail: Trail): RouterError =>
  exhausted(
    triedSoFar(trail),
    trail.failures.map(({ failure }) => failure),
  );

const triedSoFar = ({ failures }: Trail): string[] =>
  failures.map(({ provider, failure }) => `${provider}:${failure.why}`);
