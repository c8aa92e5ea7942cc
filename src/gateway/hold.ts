/** Holding the most a request can cost, clamping it to the balance, or refusing it. */
import { SMALLEST_ANSWER_TOKENS, SMALLEST_COMPUTE_MS } from "../kernel/limits.js";
import type { NanoUsd } from "../kernel/money.js";
import type { Hold } from "../ledger/lease-book.js";
import { mostCost, timesWithin } from "../metering/cost.js";
import type { Candidate } from "../routing/policy.js";
import { boundOf, type ChatBound, chatBound } from "./bound.js";
import { estimateInput } from "./estimate-usage.js";
import { chargedPrice, coverAndTake, freeFor, learnBalance } from "./funds.js";
import type { ChatCall, Gateway } from "./parts.js";
import { refusal } from "./shortage.js";

/** How long after its last possible moment a request's hold is released by itself. */
const HOLD_GRACE_MS = 60_000;

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
  if (most === 0n && !call.caller.bucketIds.every((id) => gateway.book.has(id))) return undefined;
  const hold = tryHold(gateway, call, most);
  return hold && heldFor(hold, bound);
}

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
  const covered = await coverAndTake(gateway, caller, most, () => tryHold(gateway, call, most));
  if (covered) return heldFor(covered, bound);

  const inputTokens = Math.min(await estimateInput(request), request.inputTokensMost);
  const counted = { ...bound, inputTokens };
  const hold = tryHold(gateway, call, mostCost(counted, chargedPrice(candidate)));
  return hold ? heldFor(hold, bound) : clamp(gateway, call, candidate, counted);
}

/** Lowers the output to what is affordable, then the time for it. */
function clamp(gateway: Gateway, call: ChatCall, candidate: Candidate, wanted: ChatBound): Held {
  const { choices } = call.request;
  const { inputTokens, perChoice, computeMs } = wanted;
  const price = chargedPrice(candidate);
  const available = freeFor(gateway, call.caller);
  const smallest = Math.min(perChoice, SMALLEST_ANSWER_TOKENS);
  const smallestMs = computeMs && Math.min(computeMs, SMALLEST_COMPUTE_MS);
  const least = boundOf(inputTokens, 0, smallestMs);
  const fits = Math.min(timesWithin(available, least, boundOf(0, choices), price), perChoice);
  const outputTokens = fits * choices;
  const time = timesWithin(available, boundOf(inputTokens, outputTokens), boundOf(0, 0, 1), price);
  const fitsMs = computeMs && Math.min(time, computeMs);
  const need = { inputTokens, smallest, smallestMs, fits, fitsMs };
  if (fits < smallest) throw refusal(gateway, call, candidate, need);
  const hold = tryHold(gateway, call, mostCost(boundOf(inputTokens, outputTokens, fitsMs), price));
  if (!hold) throw refusal(gateway, call, candidate, need);
  return {
    hold,
    outputTokens,
    clampedTo: fits < perChoice ? fits : undefined,
    computeMs: fitsMs,
    isTimeClamped: fitsMs !== computeMs,
  };
}

function tryHold(gateway: Gateway, call: ChatCall, amount: NanoUsd): Hold | undefined {
  const now = gateway.clock.now();
  const expiresAt = now + gateway.limits.totalMs + HOLD_GRACE_MS;
  const answer = gateway.book.hold(call.caller.bucketIds, amount, now, expiresAt);
  return answer.ok ? answer.hold : undefined;
}
