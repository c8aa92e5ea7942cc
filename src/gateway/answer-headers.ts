import type { NanoUsd } from "../kernel/money.js";
import type { Candidate, Policy } from "../routing/policy.js";
import { policyName } from "../routing/policy.js";
import { balanceFor } from "./money/funds.js";
import type { Call, Gateway } from "./parts.js";

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
export function answerHeaders(
  gateway: Gateway,
  call: Call,
  facts: Facts,
  cost?: NanoUsd,
): Record<string, string> {
  const { candidate } = facts;
  const remaining = balanceFor(gateway, call.caller);
  const headers: Record<string, string> = {
    "content-type": call.request.isStream ? "text/event-stream; charset=utf-8" : "application/json",
    "inference-id": call.id,
    "x-request-id": call.id,
    "x-inference-provider": candidate.mapping.provider,
    "x-turnpike-route": routeText(facts),
    "x-turnpike-credits-remaining-nano-usd": String(remaining),
    "x-turnpike-billed-to": billedTo(call, candidate),
    "server-timing": serverTiming(gateway, call, facts),
  };
  if (cost !== undefined) headers["x-turnpike-cost-nano-usd"] = String(cost);
  if (cost) headers["x-turnpike-calls-left"] = callsLeft(remaining, cost);
  if (facts.clamped !== "") headers["x-turnpike-clamped"] = facts.clamped;
  if (facts.leftOut.length > 0) headers["x-turnpike-left-out"] = facts.leftOut.join(",");
  // The clock was asked when the answer came, a moment ago.
  call.admission?.addHeaders(headers, call.at + facts.answeredAt - call.startedAt);
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
