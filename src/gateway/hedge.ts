/**
 * Hedging: a short request that is not answered in good time is sent to a second candidate too. The first answer wins;
 * the other attempt is called off, its hold goes back, and its caller never pays for it.
 */
import type { Candidate } from "../routing/policy.js";
import { noteFailureOf, type Taken, takeHealthy } from "./attempts.js";
import { Deadline } from "./deadline.js";
import type { Failure } from "./failure.js";
import type { Kind } from "./kind.js";
import type { Held } from "./money/hold.js";
import type { Call, Gateway } from "./parts.js";
import { isTelling, noteNothing, noteSpeed } from "./standing.js";
import type { Trail } from "./trail.js";
import { configuredFor, type Turn, type Way } from "./turn.js";

/** An attempt under way. */
type Runner<Answered> = { readonly turn: Turn; readonly sent: Promise<Answered | Failure> };

/** How it ended: the winner's answer, or the failure of whoever failed last. */
type Ended<Answered> = { readonly turn: Turn; readonly outcome: Answered | Failure };

/** Why an attempt was called off that another one came before. */
class LostRaceError extends Error {}

/**
 * Whether an attempt may be hedged at a candidate. What is charged by the second would be charged twice, and a provider
 * that tells costs later would tell that of a request which another one answered.
 */
const isHedgeable = (gateway: Gateway, candidate: Candidate, { computeMs }: Held): boolean =>
  isTelling(candidate) &&
  computeMs === undefined &&
  configuredFor(gateway, candidate).billing === undefined;

/** How long its answer is waited for before another one is asked as well; 0 where none ever is. */
export const hedgeAfterMs = ({ limits }: Gateway, { mapping }: Candidate): number =>
  mapping.hedgeAfterMs ?? limits.hedgeAfterMs;

/** Waits for an attempt, and sends a second one after a while. */
export async function hedged<C extends Call, Answered extends { readonly kind: string }>(
  gateway: Gateway,
  call: C,
  kind: Kind<C, Answered>,
  way: Way,
  first: Runner<Answered>,
): Promise<Ended<Answered>> {
  const patience = new AbortController();
  const afterMs = hedgeAfterMs(gateway, first.turn.candidate);
  const early = await Promise.race([first.sent, gateway.clock.sleep(afterMs, patience.signal)]);
  patience.abort();
  const second =
    early || call.sender.signal.aborted ? undefined : begin(gateway, call, kind, way, first);
  if (!second) return { turn: first.turn, outcome: await first.sent };
  const ended = await firstOf(gateway, call, way.trail, [first, second]);
  if (way.trail.lost === first.turn.candidate) noteSlow(gateway, call, kind, first.turn);
  return ended;
}

/**
 * Whoever is called off is never measured, and the slower it is the more so; then it would stay first for what it once
 * was. So it counts as if it had given all that was expected of it at the moment it lost.
 */
function noteSlow<C extends Call, Answered extends { readonly kind: string }>(
  gateway: Gateway,
  call: C,
  kind: Kind<C, Answered>,
  { candidate, sentAt }: Turn,
): void {
  const { outputTokens } = kind.wish.expectedUsage(gateway, call, candidate.mapping);
  const totalMs = gateway.clock.elapsed() - sentAt;
  noteSpeed(gateway, candidate, { tokens: outputTokens, totalMs });
}

/** Sends to the next candidate that does not rest, where all that it can cost is at hand and there are retries left. */
function begin<C extends Call, Answered extends { readonly kind: string }>(
  gateway: Gateway,
  call: C,
  kind: Kind<C, Answered>,
  { route, trail }: Way,
  { turn: { candidate: slow, held: slowHeld } }: Runner<Answered>,
): Runner<Answered> | undefined {
  const { breakers, clock, limits } = gateway;
  const isLast = trail.failures.length + 2 > limits.attemptsMax;
  if (isLast || !isHedgeable(gateway, slow, slowHeld)) return undefined;
  const taken = takeHealthy(gateway, route, trail);
  if (!taken) return undefined;
  const held = kind.holdAtOnce(gateway, call, taken.candidate);
  const isFit = held !== undefined && isHedgeable(gateway, taken.candidate, held);
  if (!isFit || !breakers.mayRetry(slow.mapping, clock.elapsed())) {
    if (held) gateway.book.release(held.hold);
    giveBack(gateway, trail, taken);
    return undefined;
  }
  const deadline = new Deadline(
    clock,
    call.sender,
    call.startedAt + limits.totalMs,
    limits.totalMs,
  );
  const turn = { ...taken, held, deadline, time: undefined, sentAt: clock.elapsed() };
  return { turn, sent: kind.send(gateway, call, turn) };
}

/** The candidate may have its turn later, if it comes to that. */
function giveBack(gateway: Gateway, { done }: Trail, taken: Taken): void {
  noteNothing(gateway, taken);
  done.splice(done.indexOf(taken.candidate), 1);
}

async function firstOf<Answered extends { readonly kind: string }>(
  gateway: Gateway,
  call: Call,
  trail: Trail,
  [first, second]: readonly [Runner<Answered>, Runner<Answered>],
): Promise<Ended<Answered>> {
  const failedMs = trail.failedMs;
  const { runner, outcome } = await Promise.race([endOf(first), endOf(second)]);
  const other = runner === first ? second : first;
  const isOver = !isFailure(outcome) || outcome.rejection !== undefined;
  if (isOver) callOff(gateway, trail, other);
  else fail(gateway, call, trail, runner, outcome);
  const last = isOver ? { runner, outcome } : await endOf(other);
  // The two ran side by side: what came before the last one's time is what there was to wait for.
  trail.failedMs = failedMs + (last.runner === second ? second.turn.sentAt - first.turn.sentAt : 0);
  return { turn: last.runner.turn, outcome: last.outcome };
}

const endOf = async <Answered>(runner: Runner<Answered>) => ({
  runner,
  outcome: await runner.sent,
});

const isFailure = (outcome: { readonly kind: string }): outcome is Failure =>
  outcome.kind === "failed";

/** Its connection is closed at once, and what it was held for goes back. */
function callOff<Answered>(gateway: Gateway, trail: Trail, { turn }: Runner<Answered>): void {
  turn.deadline.stop(new LostRaceError("another provider answered first"));
  gateway.book.release(turn.held.hold);
  noteNothing(gateway, turn);
  trail.lost = turn.candidate;
}

function fail<Answered>(
  gateway: Gateway,
  call: Call,
  trail: Trail,
  { turn }: Runner<Answered>,
  failure: Failure,
): void {
  noteFailureOf(gateway, call, trail, turn, failure);
  turn.deadline.end();
  gateway.book.release(turn.held.hold);
}
