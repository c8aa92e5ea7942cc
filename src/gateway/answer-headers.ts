import type { NanoUsd } from "../kernel/money.js";
import type { Profile } from "../ledger/profile.js";
import type { Candidate, Policy } from "../routing/policy.js";
import { policyName } from "../routing/policy.js";
import { balanceFor } from "./money/funds.js";
import { profileFor } from "./money/profiles.js";
import type { Call, Gateway } from "./parts.js";
import type { RateTexts } from "./rates/rate-window.js";

/** What is told about an answer besides its body: in headers, and for streams in part at their end. */
export type Facts = {
  readonly policy: Policy;
  /** The provider that was tried first to be measured, if one was. */
  readonly explored: string | undefined;
  readonly tried: readonly string[];
  readonly candidate: Candidate;
  /** What the balance lowered: `max_tokens=412`, `compute_ms=8333`; empty when nothing. */
  readonly clamped: string;
  readonly leftOut: readonly string[];
  /** By `clock.elapsed()`. */
  readonly sentAt: number;
  readonly answeredAt: number;
  /** How long attempts took that failed before. */
  readonly failedMs: number;
};

/** Our id of a request, also under the name that OpenAI's and Hugging Face's clients look for and show. */
export const idHeaders = (id: string) => ({ "inference-id": id, "x-request-id": id });

/** `cost` is known before a plain answer's body, and only at the end of a stream. */
export function answerHeaders(gateway: Gateway, call: Call, facts: Facts, cost?: NanoUsd): Headers {
  const remaining = balanceFor(gateway, call.caller);
  // The clock was asked when the answer came, a moment ago.
  const rates = call.admission?.textsAt(call.at + facts.answeredAt - call.startedAt);
  const areLasting = rates?.policy === "";
  const headers = new Headers(lastingHeaders(call, facts, areLasting ? rates.left : ""));
  headers.set("inference-id", call.id);
  headers.set("x-request-id", call.id);
  headers.set("x-turnpike-credits-remaining-nano-usd", String(remaining));
  headers.set("server-timing", serverTiming(gateway, call, facts));
  if (cost !== undefined) headers.set("x-turnpike-cost-nano-usd", String(cost));
  if (cost) headers.set("x-turnpike-calls-left", callsLeft(remaining, cost));
  if (rates && !areLasting) addRates(headers, rates);
  if (!isUsual(facts)) headers.set("x-turnpike-route", routeText(facts));
  if (facts.clamped !== "") headers.set("x-turnpike-clamped", facts.clamped);
  if (facts.leftOut.length > 0) headers.set("x-turnpike-left-out", facts.leftOut.join(","));
  return headers;
}

/** Whether the first candidate answered. */
const isUsual = ({ tried, explored }: Facts): boolean =>
  tried.length === 1 && explored === undefined;

function addRates(headers: Headers, { policy, left }: RateTexts): void {
  headers.set("ratelimit-policy", policy);
  if (left !== "") headers.set("ratelimit", left);
}

type Lasting = {
  readonly isStream: boolean;
  readonly policy: string;
  readonly ratesLeft: string;
  readonly headers: Headers;
};

/** By profile, which is made anew whenever its caller or its mapping changes; about 1 KB each. */
const lasting = new WeakMap<Profile, Lasting>();

/**
 * What one answer after the other says in its headers. To make a list of headers costs several times what it costs to
 * copy one, so it is made once, and each answer sets in its copy what is its alone.
 */
function lastingHeaders(call: Call, facts: Facts, ratesLeft: string): Headers {
  const { isStream } = call.request;
  const policy = policyName(facts.policy);
  const profile = profileFor(call.caller, facts.candidate);
  const there = lasting.get(profile);
  if (there?.isStream === isStream && there.policy === policy && there.ratesLeft === ratesLeft) {
    return there.headers;
  }
  const { provider } = facts.candidate.mapping;
  const headers = new Headers({
    "content-type": isStream ? "text/event-stream; charset=utf-8" : "application/json",
    "x-inference-provider": provider,
    "x-turnpike-route": routeText({ ...facts, tried: [`${provider}:200`], explored: undefined }),
    "x-turnpike-billed-to": billedTo(call, facts.candidate),
    ...(ratesLeft !== "" && { ratelimit: ratesLeft }),
  });
  lasting.set(profile, { isStream, policy, ratesLeft, headers });
  return headers;
}

/** Where a request went, and why. */
export function routeText({
  policy,
  tried,
  explored,
}: Pick<Facts, "policy" | "tried" | "explored">): string {
  const text = `policy=${policyName(policy)}; tried=${tried.join(",")}`;
  return explored === undefined ? text : `${text}; explored=${explored}`;
}

/** What a stream tells in its last comment, when all is known. */
export function closingComment(
  gateway: Gateway,
  call: Call,
  candidate: Candidate,
  end: {
    readonly cost: NanoUsd;
    readonly isEstimated: boolean;
    readonly stopped: string | undefined;
    /** Where another provider's part of the answer ended. */
    readonly joint?: object | undefined;
  },
): string {
  const remaining = balanceFor(gateway, call.caller);
  const facts = {
    inference_id: call.id,
    provider: candidate.mapping.provider,
    cost_nano_usd: String(end.cost),
    credits_remaining_nano_usd: String(remaining),
    ...(end.cost > 0n && { calls_left: Number(callsLeft(remaining, end.cost)) }),
    billed_to: billedTo(call, candidate),
    ...(end.isEstimated && { estimated: true }),
    ...(end.stopped !== undefined && { stopped: end.stopped }),
    ...(end.joint && { continued_from: end.joint }),
  };
  return `: turnpike ${JSON.stringify(facts)}\n\n`;
}

const billedTo = (call: Call, candidate: Candidate): string =>
  candidate.keySource === "operator" ? call.caller.billedTo : "provider-key";

const callsLeft = (remaining: NanoUsd, cost: NanoUsd): string => String(remaining / cost);

function serverTiming(
  gateway: Gateway,
  call: Call,
  { sentAt, answeredAt, failedMs }: Facts,
): string {
  const upstream = answeredAt - sentAt;
  const own = gateway.clock.elapsed() - call.startedAt - upstream - failedMs;
  const timing = `turnpike;dur=${own.toFixed(2)}, upstream;dur=${upstream.toFixed(2)}`;
  return failedMs === 0 ? timing : `${timing}, failed;dur=${failedMs.toFixed(2)}`;
}
