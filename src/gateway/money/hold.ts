/** Holding the most a request can cost, clamping it to the balance, or refusing it. */
import { HOLD_GRACE_MS, SMALLEST_ANSWER_TOKENS, SMALLEST_COMPUTE_MS } from "../../kernel/limits.js";
import type { NanoUsd } from "../../kernel/money.js";
import type { Hold } from "../../ledger/bucket-lease.js";
import { mostCost, timesWithin } from "../../metering/cost.js";
import type { Candidate } from "../../routing/policy.js";
import { estimateInput } from "../chat/estimate-usage.js";
import type { Call, ChatCall, Gateway } from "../parts.js";
import { boundOf, type ChatBound, chatBound } from "./bound.js";
import { chargedPrice, coverUntil, freeFor, learnBalance, spendableFor } from "./funds.js";
import { refusal, unsure } from "./shortage.js";

export type Held = {
  readonly hold: Hold;
  /** Output tokens, all choices together, that the hold covers. */
  readonly outputTokens: number;
  /** The limit per choice that the balance allowed, where it is lower than what was asked for. */
  readonly clampedTo: number | undefined;
  /** Milliseconds of compute that the hold covers at first; undefined where time is not charged. */
  readonly computeMs: number | undefined;
  readonly isTimeClamped: boolean;
};

/**
 * Holds for one candidate from what is at hand, in memory; undefined where that does not do. The input counts for
 * as many tokens as it has bytes, which costs nothing to find out.
 */
export function holdAtOnce(
  gateway: Gateway,
  call: ChatCall,
  candidate: Candidate,
): Held | undefined {
  const { most, bound } = mostOf(gateway, call, candidate);
  if (most === 0n && !knowsAll(gateway, call)) return undefined;
  const hold = tryHold(gateway, call, most);
  return hold && heldFor(hold, bound);
}

/** Whether the store was asked for all of a caller's buckets. */
const knowsAll = ({ book }: Gateway, { caller }: Call): boolean =>
  caller.bucketIds.every((id) => book.has(id));

type Most = { readonly most: NanoUsd; readonly bound: ChatBound };

/** The most that a request can cost at a candidate, before anybody counted its input. */
function mostOf(gateway: Gateway, { request }: ChatCall, candidate: Candidate): Most {
  const price = chargedPrice(candidate);
  const bound = chatBound(gateway, request, candidate.mapping, price);
  return { most: mostCost(bound, price), bound };
}

const heldFor = (hold: Hold, { outputTokens, computeMs }: ChatBound): Held => ({
  hold,
  outputTokens,
  clampedTo: undefined,
  computeMs,
  isTimeClamped: false,
});

/**
 * Holds for one candidate with what the store still has; where the most it can cost does not fit, its input is
 * counted. Throws `insufficient_credit` when not even the smallest useful answer fits.
 */
export async function holdFor(
  gateway: Gateway,
  call: ChatCall,
  candidate: Candidate,
): Promise<Held> {
  const { request, caller } = call;
  const { most, bound } = mostOf(gateway, call, candidate);
  if (most === 0n) await learnBalance(gateway, caller);
  const ask = gateway.keeper.newAsk();
  const hold = () => tryHold(gateway, call, most);
  const asking = { ask, atLeast: most };
  const { taken } = await coverUntil(gateway, caller.bucketIds, most, hold, asking);
  if (taken) return heldFor(taken, bound);

  const inputTokens = Math.min(await estimateInput(request), request.inputTokensMost);
  return holdWhatFits(gateway, call, candidate, { ...bound, inputTokens }, ask);
}

/** Holds for all that is wanted, or for as much of it as there is money for. */
async function holdWhatFits(
  gateway: Gateway,
  call: ChatCall,
  candidate: Candidate,
  wanted: ChatBound,
  ask: number,
): Promise<Held> {
  const { caller, request } = call;
  const price = chargedPrice(candidate);
  const whole = mostCost(wanted, price);
  const { smallest, smallestMs } = smallestOf(wanted);
  const least = boundOf(wanted.inputTokens, smallest * request.choices, smallestMs);
  const atLeast = mostCost(least, price);
  const hold = () => tryHold(gateway, call, whole);
  for (;;) {
    const { taken, cover } = await coverUntil(gateway, caller.bucketIds, whole, hold, {
      ask,
      atLeast,
    });
    if (taken) return heldFor(taken, wanted);
    const clamped = clamp(gateway, call, candidate, wanted);
    if (clamped) return clamped;
    const spendable = spendableFor(gateway, caller);
    // What was found went to another request, and there is more.
    if (spendable >= atLeast) continue;
    if (cover === "unsure") throw unsure();
    const { fits, fitsMs } = needWithin(spendable, call, candidate, wanted);
    throw refusal(gateway, call, candidate, {
      least,
      fits: {
        max_tokens_that_fit: fits,
        ...(fitsMs !== undefined && { compute_ms_that_fit: fitsMs }),
      },
    });
  }
}

/** The least that is of any use to somebody who wants this much. */
const smallestOf = ({ perChoice, computeMs }: ChatBound) => ({
  smallest: Math.min(perChoice, SMALLEST_ANSWER_TOKENS),
  smallestMs: computeMs && Math.min(computeMs, SMALLEST_COMPUTE_MS),
});

type Need = {
  readonly smallest: number;
  readonly fits: number;
  readonly fitsMs: number | undefined;
};

/** How much an amount is enough for: of output, then of time for it. */
function needWithin(
  available: NanoUsd,
  { request }: ChatCall,
  candidate: Candidate,
  wanted: ChatBound,
): Need {
  const { inputTokens, perChoice, computeMs } = wanted;
  const { choices } = request;
  const price = chargedPrice(candidate);
  const { smallest, smallestMs } = smallestOf(wanted);
  const least = boundOf(inputTokens, 0, smallestMs);
  const fits = Math.min(timesWithin(available, least, boundOf(0, choices), price), perChoice);
  const output = boundOf(inputTokens, fits * choices);
  const time = timesWithin(available, output, boundOf(0, 0, 1), price);
  return {
    smallest,
    fits,
    fitsMs: computeMs && Math.min(time, computeMs),
  };
}

/** Lowers what is wanted to what is at hand; undefined where that does not do for the smallest useful answer. */
function clamp(
  gateway: Gateway,
  call: ChatCall,
  candidate: Candidate,
  wanted: ChatBound,
): Held | undefined {
  const { perChoice, computeMs, inputTokens } = wanted;
  const available = freeFor(gateway, call.caller);
  const { fits, fitsMs, smallest } = needWithin(available, call, candidate, wanted);
  if (fits < smallest) return undefined;
  const outputTokens = fits * call.request.choices;
  const most = mostCost(boundOf(inputTokens, outputTokens, fitsMs), chargedPrice(candidate));
  const hold = tryHold(gateway, call, most);
  return (
    hold && {
      hold,
      outputTokens,
      clampedTo: fits < perChoice ? fits : undefined,
      computeMs: fitsMs,
      isTimeClamped: fitsMs !== computeMs,
    }
  );
}

/**
 * Holds on all of the caller's buckets, in memory and at once; undefined, and nothing is held, where one has too
 * little free.
 */
export function tryHold(gateway: Gateway, call: Call, amount: NanoUsd): Hold | undefined {
  const now = gateway.clock.now();
  const expiresAt = now + gateway.limits.totalMs + HOLD_GRACE_MS;
  const answer = gateway.book.hold(call.caller.bucketIds, amount, now, expiresAt);
  return answer.ok ? answer.hold : undefined;
}
