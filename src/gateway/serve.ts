/** The steps of one request, top to bottom, whatever its task. */

import { RouterError } from "../kernel/errors.js";
import { noUsage, type Usage } from "../tasks/usage.js";
import type { CallerRates } from "../tenants/rates.js";
import type { Facts } from "./answer-headers.js";
import {
  clampedBy,
  exhaustedBy,
  giveUp,
  mayTryAgain,
  noteFailure,
  noteStart,
  onlyMoney,
  type Taken,
  takeNext,
} from "./attempts.js";
import { CreditEndedError, Deadline } from "./deadline.js";
import type { Failure } from "./failure.js";
import { hedgeAfterMs, hedged } from "./hedge.js";
import type { Kind } from "./kind.js";
import type { Held } from "./money/hold.js";
import { paidTimeFor, withTime } from "./money/paid-time.js";
import { CALLER_GONE, settle } from "./money/settle.js";
import { timeEnded } from "./money/shortage.js";
import type { Call, Gateway } from "./parts.js";
import type { Admission } from "./rates/admission.js";
import type { TokensWanted } from "./rates/rate-amounts.js";
import { type Reply, WholeReply } from "./reply.js";
import { findRoute, type Route } from "./route/candidates.js";
import { noteLimits, noteNothing, noteVerdict } from "./standing.js";
import { newTrail, type Trail, triedSoFar, triedUntil } from "./trail.js";
import type { Turn, Way } from "./turn.js";

/** Answers, or throws the RouterError that ends the request. Whatever was started is settled either way. */
export function serve<C extends Call, Answered extends { readonly kind: string }>(
  gateway: Gateway,
  call: C,
  kind: Kind<C, Answered>,
): Promise<Reply> {
  const { rates } = call.caller;
  return rates ? serveWithin(rates, gateway, call, kind) : serveAdmitted(gateway, call, kind);
}

function serveWithin<C extends Call, Answered extends { readonly kind: string }>(
  rates: CallerRates,
  gateway: Gateway,
  call: C,
  kind: Kind<C, Answered>,
): Promise<Reply> {
  const admission = admitAtOnce(rates, gateway, call, kind);
  return admission
    ? serveHeld(admission, gateway, call, kind)
    : serveLater(rates, gateway, call, kind);
}

async function serveLater<C extends Call, Answered extends { readonly kind: string }>(
  rates: CallerRates,
  gateway: Gateway,
  call: C,
  kind: Kind<C, Answered>,
): Promise<Reply> {
  const tokens = rates.tokens.length === 0 ? NO_TOKENS : kind.tokens(gateway, call);
  return serveHeld(await gateway.rates.admit(rates, tokens), gateway, call, kind);
}

function serveHeld<C extends Call, Answered extends { readonly kind: string }>(
  admission: Admission,
  gateway: Gateway,
  call: C,
  kind: Kind<C, Answered>,
): Promise<Reply> {
  call.admission = admission;
  try {
    return serveAdmitted(gateway, call, kind);
  } catch (thrown) {
    return endRefused(call, thrown);
  }
}

/** Ends a request that nothing was settled for: whatever it counted as is free again. */
function endRefused(call: Call, thrown: unknown): never {
  call.admission?.end(0);
  throw thrown;
}

function admitAtOnce<C extends Call>(
  rates: CallerRates,
  gateway: Gateway,
  call: C,
  { tokensMost }: Pick<Kind<C, never>, "tokensMost">,
): Admission | undefined {
  const most = rates.tokens.length === 0 ? 0 : tokensMost(gateway, call);
  return gateway.rates.admitAtOnce(rates, most);
}

const NO_TOKENS: TokensWanted = { input: 0, output: 0, countInput: undefined };

function serveAdmitted<C extends Call, Answered extends { readonly kind: string }>(
  gateway: Gateway,
  call: C,
  kind: Kind<C, Answered>,
): Promise<Reply> {
  const route = findRoute(gateway, call, kind.wish);
  if (route.explored) gateway.statistics.asked(route.explored.mapping, gateway.clock.now());
  return tryNext(gateway, call, kind, { route, trail: newTrail() });
}

/** The next candidate has its turn, at once where what it may cost is at hand: most requests wait for one alone. */
function tryNext<C extends Call, Answered extends { readonly kind: string }>(
  gateway: Gateway,
  call: C,
  kind: Kind<C, Answered>,
  way: Way,
): Promise<Reply> {
  const { route, trail } = way;
  try {
    const taken = mayTryAgain(gateway, call, trail)
      ? takeNext(gateway, call, route, trail)
      : undefined;
    if (!taken) return endWithout(gateway, call, way);
    const held = kind.holdAtOnce(gateway, call, taken.candidate);
    return held
      ? attempt(gateway, call, kind, { route, trail, taken, held })
      : tryOnceHeld(gateway, call, kind, way, taken);
  } catch (thrown) {
    return endRefused(call, thrown);
  }
}

async function tryOnceHeld<C extends Call, Answered extends { readonly kind: string }>(
  gateway: Gateway,
  call: C,
  kind: Kind<C, Answered>,
  way: Way,
  taken: Taken,
): Promise<Reply> {
  const held = await kind
    .holdFor(gateway, call, taken.candidate)
    .catch(onlyMoney)
    .catch((thrown) => endRefused(call, thrown));
  if (!(held instanceof RouterError)) return attempt(gateway, call, kind, { ...way, taken, held });
  way.trail.refused ??= held;
  noteNothing(gateway, taken);
  return tryNext(gateway, call, kind, way);
}

async function endWithout(gateway: Gateway, call: Call, { route, trail }: Way): Promise<never> {
  const isRefused = trail.failures.length === 0 && trail.refused !== undefined;
  return endRefused(call, isRefused ? trail.refused : await giveUp(gateway, call, route, trail));
}

type Try = Way & { readonly taken: Taken; readonly held: Held };

async function attempt<C extends Call, Answered extends { readonly kind: string }>(
  gateway: Gateway,
  call: C,
  kind: Kind<C, Answered>,
  way: Try,
): Promise<Reply> {
  const { trail, taken, held } = way;
  let turn: Turn | undefined;
  try {
    if (trail.failures.length === 0) noteStart(gateway, call, taken.candidate);
    turn = firstTurn(gateway, call, way);
    let outcome: Answered | Failure;
    const sent = kind.send(gateway, call, turn);
    if (isHedged(gateway, call, kind, turn)) {
      ({ turn, outcome } = await hedged(gateway, call, kind, way, { turn, sent }));
    } else {
      outcome = await sent;
    }
    if (!isFailure(outcome)) {
      const facts = noteAnswer(gateway, call, kind, way, turn, outcome);
      const answer = kind.answer(gateway, call, turn, facts, outcome);
      const reply = answer instanceof Promise ? await answer : answer;
      if (reply instanceof WholeReply) await reply.written;
      return reply;
    }
    await endFailed(gateway, call, way, turn, outcome);
  } catch (thrown) {
    turn?.deadline.stop(thrown);
    gateway.book.release((turn?.held ?? held).hold);
    return endRefused(call, thrown);
  }
  return tryNext(gateway, call, kind, way);
}

function firstTurn(gateway: Gateway, call: Call, way: Try): Turn {
  const { clock, limits } = gateway;
  const { held, taken } = way;
  const { candidate, begunAt } = taken;
  const endsAt = call.startedAt + limits.totalMs;
  const deadline = new Deadline(clock, call.sender, endsAt, limits.totalMs);
  const time = paidTimeFor(gateway, call, candidate, held, deadline);
  return { candidate, held, deadline, time, begunAt, sentAt: clock.elapsed(), way };
}

const isHedged = <C extends Call, Answered extends { readonly kind: string }>(
  gateway: Gateway,
  call: C,
  kind: Kind<C, Answered>,
  { candidate }: Turn,
): boolean => hedgeAfterMs(gateway, candidate) > 0 && kind.isShort(gateway, call);

/** Throws where something is owed all the same, and no other candidate is tried. */
async function endFailed(
  gateway: Gateway,
  call: Call,
  { route, trail }: Try,
  turn: Turn,
  failure: Failure,
): Promise<void> {
  noteFailure(gateway, call, { route, trail }, turn, failure);
  turn.deadline.end();
  const owed = owedFor(call, turn, failure);
  if (owed) throw await endUnanswered(gateway, call, { route, turn, trail, owed });
  gateway.book.release(turn.held.hold);
}

/** Notes what an answer says of its provider; what is told about it. */
function noteAnswer<C extends Call, Answered extends { readonly kind: string }>(
  gateway: Gateway,
  call: C,
  kind: Kind<C, Answered>,
  { route, trail }: Try,
  turn: Turn,
  answered: Answered,
): Facts {
  noteVerdict(gateway, turn, kind.verdict(gateway, answered));
  noteLimits(gateway, turn.candidate, kind.headOf(answered));
  return factsOf(gateway, route, trail, turn, kind.leftOut(gateway, call, turn.candidate));
}

const isFailure = (outcome: { readonly kind: string }): outcome is Failure =>
  outcome.kind === "failed";

/**
 * What is owed although nothing came of it: time that ran, and a job that goes on without its caller. Not where the
 * provider itself made it fail.
 */
function owedFor(call: Call, { time, deadline }: Turn, failure: Failure): Usage | undefined {
  const isGone = call.sender.signal.aborted;
  if (!isGone && !(deadline.reason instanceof CreditEndedError)) return undefined;
  if (isGone && failure.owed) return failure.owed;
  return time && withTime(noUsage, time);
}

type Unanswered = Pick<Try, "route" | "trail"> & { readonly turn: Turn; readonly owed: Usage };

/** Charges what is owed when the caller hung up, or the credit ended; the error that ends the request. */
async function endUnanswered(
  gateway: Gateway,
  call: Call,
  { route, trail, turn, owed }: Unanswered,
): Promise<RouterError> {
  const isGone = call.sender.signal.aborted;
  const cost = await settle(gateway, call, turn.candidate, turn.held, {
    usage: withTime(owed, turn.time),
    status: isGone ? CALLER_GONE : 402,
    outcome: isGone ? "aborted" : "stopped",
    firstByteMs: undefined,
    way: { policy: route.policy, tried: triedSoFar(trail), clamped: clampedBy(turn.held) },
  });
  return isGone ? exhaustedBy(route, trail) : timeEnded(gateway, call, turn.candidate, cost);
}

const factsOf = (
  gateway: Gateway,
  { policy, explored }: Route,
  trail: Trail,
  { candidate, held, sentAt }: Turn,
  leftOut: readonly string[],
): Facts => ({
  policy,
  explored: explored?.mapping.provider,
  tried: triedUntil(trail, candidate.mapping.provider),
  candidate,
  clamped: clampedBy(held),
  leftOut,
  sentAt,
  answeredAt: gateway.clock.elapsed(),
  failedMs: trail.failedMs,
});
