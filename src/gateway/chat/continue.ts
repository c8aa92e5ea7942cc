/**
 * Going on at another provider with a stream that broke off. Each part is a request of its own on the books, with its own
 * hold, cost and receipt, since each is owed to another provider; the caller sees one answer and the sum.
 */
import { RouterError } from "../../kernel/errors.js";
import { isContinuable, joinedDialect, restRequest, SaidText } from "../../wire/continuation.js";
import { clampedBy, noteFailureOf, onlyMoney, type Taken, takeHealthy } from "../attempts.js";
import { CreditEndedError, Deadline } from "../deadline.js";
import { holdAtOnce, holdFor } from "../money/hold.js";
import { paidTimeFor } from "../money/paid-time.js";
import { CALLER_GONE, settleNothing, startedRecord } from "../money/settle.js";
import type { ChatCall, Gateway } from "../parts.js";
import type { Outcome, StreamStart } from "../send.js";
import { isTelling, noteNothing, noteVerdict } from "../standing.js";
import { triedSoFar } from "../trail.js";
import { configuredFor, type Turn, type Way } from "../turn.js";
import { dialectFor } from "./stream-dialect.js";
import type { StreamContext, StreamEnding } from "./stream-ending.js";
import { meterFor } from "./stream-meter.js";

/** The rest of a stream. */
export type Rest = { readonly context: StreamContext; readonly start: StreamStart };

/** Remembers what is said, where the caller or the operator wants it gone on with and that can be done. */
export function saidFor(
  { allowsContinuation }: Gateway,
  { request }: ChatCall,
): SaidText | undefined {
  const isWanted = request.controls.allowContinuation ?? allowsContinuation;
  return isWanted && isContinuable(request) ? new SaidText() : undefined;
}

/** Settles what came before, and begins with the rest elsewhere; undefined where that cannot be. */
export async function continued(
  context: StreamContext,
  ending: StreamEnding,
  thrown: unknown,
): Promise<Rest | undefined> {
  const { turn, said } = context;
  const reason: unknown = turn.deadline.reason ?? thrown;
  if (!said?.isPlain || !turn.way || ending.isFinished) return undefined;
  if (reason instanceof CreditEndedError) return undefined;
  const { admission } = context.call;
  admission?.goOn();
  let rest: Rest | undefined;
  try {
    rest = await restElsewhere(context, ending, turn.way, reason);
  } finally {
    if (rest && admission) rest.context.call.admission = admission;
    else admission?.end(0);
  }
  return rest;
}

async function restElsewhere(
  context: StreamContext,
  ending: StreamEnding,
  way: Way,
  reason: unknown,
): Promise<Rest | undefined> {
  const { candidate } = context.turn;
  await ending.cut(reason);
  way.trail.failures.push({
    candidate,
    failure: { kind: "failed", why: "cut" },
  });
  const left = tokensLeft(context, ending);
  if (left !== undefined && left < 1) return undefined;
  for (;;) {
    const taken = takeFit(context, way);
    if (!taken) return undefined;
    const begun = await beginRest(context, ending, way, taken, left);
    if (begun !== "failed") return begun;
  }
}

/** What is left of the caller's limit; undefined where there is none. */
function tokensLeft({ call }: StreamContext, { spent }: StreamEnding): number | undefined {
  return call.request.maxTokens && call.request.maxTokens.value - spent.usage.outputTokens;
}

/** The next candidate that does not rest and can go on with an answer, within the bounds on attempts. */
function takeFit({ gateway, call, turn }: StreamContext, way: Way): Taken | undefined {
  const { limits, clock, breakers } = gateway;
  const { trail, route } = way;
  const isOver = clock.elapsed() - call.startedAt >= limits.totalMs;
  if (call.sender.signal.aborted || isOver || trail.failures.length >= limits.attemptsMax)
    return undefined;
  const taken = takeHealthy(gateway, route, trail, (candidate) => {
    return configuredFor(gateway, candidate).provider.continuation !== undefined;
  });
  if (!taken || !isTelling(turn.candidate)) return taken;
  if (breakers.mayRetry(turn.candidate.mapping, clock.elapsed())) return taken;
  noteNothing(gateway, taken);
  return undefined;
}

/** Undefined where there is no money for the rest. */
async function beginRest(
  context: StreamContext,
  ending: StreamEnding,
  way: Way,
  taken: Taken,
  maxTokens: number | undefined,
): Promise<Rest | "failed" | undefined> {
  const { gateway, resend } = context;
  const call = callForRest(context, taken, maxTokens);
  const { candidate } = taken;
  const held =
    holdAtOnce(gateway, call, candidate) ??
    (await holdFor(gateway, call, candidate).catch(onlyMoney));
  if (held instanceof RouterError || !resend) {
    noteNothing(gateway, taken);
    return undefined;
  }
  const { clock, limits } = gateway;
  const endsAt = context.call.startedAt + limits.totalMs;
  const deadline = new Deadline(clock, call.sender, endsAt, limits.totalMs);
  const time = paidTimeFor(gateway, call, candidate, held, deadline);
  const turn: Turn = { ...taken, held, deadline, time, sentAt: clock.elapsed() };
  gateway.spool.started(startedRecord(call, candidate));
  const outcome = await resend(gateway, call, turn);
  if (outcome.kind === "stream") {
    noteVerdict(gateway, turn, "begun");
    return { context: contextOfRest(context, ending, way, call, turn), start: outcome.start };
  }
  await failRest(context, way, call, turn, outcome);
  return "failed";
}

function callForRest(
  { gateway, call, said }: StreamContext,
  { candidate, begunAt }: Taken,
  maxTokens: number | undefined,
): ChatCall {
  const form = configuredFor(gateway, candidate).provider.continuation ?? "final_message";
  const request = restRequest(call.request, { said: said?.soFar ?? "", form, maxTokens });
  const { sender, caller, tags, headerKey } = call;
  return {
    ...{ id: gateway.newId(), request, sender, caller, tags, headerKey },
    ...{ at: gateway.clock.now(), startedAt: begunAt, admission: undefined },
  };
}

function contextOfRest(
  { gateway, call: first, turn: { candidate }, facts, said }: StreamContext,
  { spent }: StreamEnding,
  { trail }: Way,
  call: ChatCall,
  turn: Turn,
): StreamContext {
  const { mapping } = turn.candidate;
  return {
    gateway,
    call,
    turn,
    facts: {
      ...facts,
      tried: [...triedSoFar(trail), `${mapping.provider}:200`],
      candidate: turn.candidate,
      clamped: clampedBy(turn.held),
      sentAt: turn.sentAt,
      answeredAt: gateway.clock.elapsed(),
    },
    dialect: joinedDialect(dialectFor(gateway, call, turn), said?.head ?? {}),
    meter: meterFor(turn),
    before: {
      ...spent,
      requestId: first.id,
      provider: candidate.mapping.provider,
      characters: said?.characters ?? 0,
    },
  };
}

/** A plain answer to a request for a stream is none that could be gone on with. */
async function failRest(
  { gateway, facts }: StreamContext,
  { trail }: Way,
  call: ChatCall,
  turn: Turn,
  outcome: Exclude<Outcome, { kind: "stream" }>,
): Promise<void> {
  const failure =
    outcome.kind === "failed" ? outcome : ({ kind: "failed", why: "malformed" } as const);
  noteFailureOf(gateway, call, trail, turn, failure);
  turn.deadline.stop(new Error("the rest of the stream did not begin"));
  gateway.book.release(turn.held.hold);
  const isGone = call.sender.signal.aborted;
  await settleNothing(gateway, call, turn.candidate, {
    status: isGone ? CALLER_GONE : 502,
    outcome: isGone ? "aborted" : "failed",
    way: { policy: facts.policy, tried: triedSoFar(trail), clamped: "" },
  });
}
