/** Holding the most a task can cost, shortening its time to the balance where that is charged, or refusing it. */
import type { Price } from "../../catalog/model.js";
import { SMALLEST_COMPUTE_MS } from "../../kernel/limits.js";
import { textIn } from "../../metering/asked.js";
import { charges, mostCost, timesWithin } from "../../metering/cost.js";
import { taskBound } from "../../metering/task-usage.js";
import type { Candidate } from "../../routing/policy.js";
import type { Task } from "../../tasks/index.js";
import { computeTime, type UsageBound } from "../../tasks/usage.js";
import { chargedPrice, coverUntil, freeFor, learnBalance, spendableFor } from "../money/funds.js";
import { type Held, tryHold } from "../money/hold.js";
import { refusal, unsure } from "../money/shortage.js";
import type { Gateway } from "../parts.js";
import type { TokensWanted } from "../rates/rate-amounts.js";
import { countTokens } from "../tokenizer.js";
import type { MeteredCall } from "./task-request.js";

type Wanted = { readonly price: Price; readonly computeMs: number | undefined };

/** Holds for one candidate from what is at hand, in memory; undefined where that does not do. */
export function holdTaskAtOnce(
  gateway: Gateway,
  call: MeteredCall,
  candidate: Candidate,
): Held | undefined {
  const wanted = wantedBy(gateway, candidate);
  const most = mostCost(boundFor(call, candidate, wanted.computeMs), wanted.price);
  if (most === 0n && !call.caller.bucketIds.every((id) => gateway.book.has(id))) return undefined;
  return held(gateway, call, candidate, wanted, wanted.computeMs);
}

/** Throws `insufficient_credit` when not even the smallest useful answer fits. */
export async function holdTaskFor(
  gateway: Gateway,
  call: MeteredCall,
  candidate: Candidate,
): Promise<Held> {
  const { caller } = call;
  const wanted = wantedBy(gateway, candidate);
  const { price, computeMs } = wanted;
  const most = mostCost(boundFor(call, candidate, computeMs), price);
  if (most === 0n) await learnBalance(gateway, caller);
  const least = boundFor(call, candidate, computeMs && Math.min(computeMs, SMALLEST_COMPUTE_MS));
  const asking = { ask: gateway.keeper.newAsk(), atLeast: mostCost(least, price) };
  for (;;) {
    const hold = () => held(gateway, call, candidate, wanted, computeMs);
    const { taken, cover } = await coverUntil(gateway, caller.bucketIds, most, hold, asking);
    if (taken) return taken;
    const shorter = shorten(gateway, call, candidate, wanted);
    if (shorter) return shorter;
    // What was found went to another request, and there is more.
    if (spendableFor(gateway, caller) >= asking.atLeast) continue;
    if (cover === "unsure") throw unsure();
    throw refusal(gateway, call, candidate, { least, fits: {} });
  }
}

function wantedBy({ limits }: Gateway, candidate: Candidate): Wanted {
  const price = chargedPrice(candidate);
  const isTimed = charges(price, "computeNanoseconds");
  return {
    price,
    computeMs: isTimed ? Math.min(limits.computeHorizonMs, limits.totalMs) : undefined,
  };
}

const boundFor = (
  { request }: MeteredCall,
  { mapping }: Candidate,
  computeMs: number | undefined,
): UsageBound => taskBound(mapping.task, request.asked, computeMs);

function held(
  gateway: Gateway,
  call: MeteredCall,
  candidate: Candidate,
  { price, computeMs: wantedMs }: Wanted,
  computeMs: number | undefined,
): Held | undefined {
  const bound = boundFor(call, candidate, computeMs);
  const hold = tryHold(gateway, call, mostCost(bound, price));
  return (
    hold && {
      hold,
      outputTokens: bound.outputTokens,
      clampedTo: undefined,
      computeMs,
      isTimeClamped: computeMs !== wantedMs,
    }
  );
}

/** Holds for as much time as there is money for, where time is charged and it is enough for anything. */
function shorten(
  gateway: Gateway,
  call: MeteredCall,
  candidate: Candidate,
  wanted: Wanted,
): Held | undefined {
  const { price, computeMs } = wanted;
  if (computeMs === undefined) return undefined;
  const free = freeFor(gateway, call.caller);
  const perMs = { inputTokens: 0, outputTokens: 0, measured: computeTime(1) };
  const ms = timesWithin(free, boundFor(call, candidate, 0), perMs, price);
  if (ms < SMALLEST_COMPUTE_MS) return undefined;
  return held(gateway, call, candidate, wanted, Math.min(ms, computeMs));
}

/** Only text can be counted here; a picture or a sound is as many tokens as are held for it. */
export function taskTokens(
  task: Task,
  { asked }: MeteredCall["request"],
  text: unknown,
): TokensWanted {
  const { inputTokens, outputTokens } = taskBound(task, asked, undefined);
  const isText = asked.audioMs === undefined && !asked.hasImage;
  return {
    input: inputTokens,
    output: outputTokens,
    countInput: isText ? () => countTokens(textIn(text)) : undefined,
  };
}

/** The same in one number. */
export function taskTokensMost(task: Task, { asked }: MeteredCall["request"]): number {
  const { inputTokens, outputTokens } = taskBound(task, asked, undefined);
  return inputTokens + outputTokens;
}
