/** The steps of one chat request, top to bottom. */
import { RouterError } from "../kernel/errors.js";
import type { Candidate } from "../routing/policy.js";
import type { Facts } from "./answer-headers.js";
import { findRoute, keyFor, type Route } from "./candidates.js";
import { answerPlain } from "./chat-plain.js";
import { answerStream } from "./chat-stream.js";
import { Deadline } from "./deadline.js";
import { exhausted } from "./exhausted.js";
import { type Held, holdAtOnce, holdFor } from "./funds.js";
import type { ChatCall, Gateway } from "./parts.js";
import { type Failure, type Outcome, send } from "./send.js";
import { CALLER_GONE, settleNothing, startedRecord } from "./settle.js";
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
    if (trail.failures.length === 0) gateway.spool.started(startedRecord(gateway, call, candidate));
    const turn: Turn = { candidate, held, deadline, sentAt: clock.elapsed() };
    const outcome = await sendTurn(gateway, call, turn);
    if (outcome.kind === "failed") {
      noteFailure(gateway, call, trail, candidate, outcome);
      deadline.end();
      gateway.book.release(held.hold);
      return undefined;
    }
    gateway.health.succeeded(candidate.mapping);
    const facts = factsOf(gateway, call, route, trail, turn);
    return outcome.kind === "plain"
      ? await answerPlain(gateway, call, turn, facts, outcome.json)
      : answerStream(gateway, call, turn, facts, outcome.start);
  } catch (thrown) {
    deadline.stop(thrown);
    gateway.book.release(held.hold);
    throw thrown;
  }
}

function sendTurn(
  gateway: Gateway,
  call: ChatCall,
  { candidate, held, deadline }: Turn,
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
  });
}

function factsOf(gateway: Gateway, call: ChatCall, route: Route, trail: Trail, turn: Turn): Facts {
  const { candidate, held, sentAt } = turn;
  return {
    policy: route.policy,
    tried: [...triedSoFar(trail), `${candidate.mapping.provider}:200`],
    candidate,
    clampedTo: held.clampedTo,
    leftOut: leftOut(adapterFor(gateway, candidate), call.request),
    cost: undefined,
    sentAt,
    answeredAt: gateway.clock.elapsed(),
  };
}

function noteFailure(
  gateway: Gateway,
  call: ChatCall,
  trail: Trail,
  { mapping }: Candidate,
  failure: Failure,
): void {
  trail.failures.push({ provider: mapping.provider, failure });
  // Neither the caller's mistake nor the caller's hanging up says anything about the provider.
  if (failure.rejection || call.signal.aborted) return;
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
  const error = exhausted(
    triedSoFar(trail),
    trail.failures.map(({ failure }) => failure),
  );
  if (candidate) {
    await settleNothing(gateway, call, candidate, {
      status: call.signal.aborted ? CALLER_GONE : (error.detail.status ?? 502),
      outcome: call.signal.aborted ? "aborted" : "failed",
      attempts: trail.failures.length,
    });
  }
  return error;
}

const triedSoFar = ({ failures }: Trail): string[] =>
  failures.map(({ provider, failure }) => `${provider}:${failure.why}`);
