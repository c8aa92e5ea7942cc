import type { Part } from "../kernel/byte-writer.js";
import type { NanoUsd } from "../kernel/money.js";
import type { Profile } from "../ledger/profile.js";
import type { Candidate, Policy } from "../routing/policy.js";
import { policyName } from "../routing/policy.js";
import { balanceFor } from "./money/funds.js";
import { profileFor } from "./money/profiles.js";
import type { Call, Gateway } from "./parts.js";
import type { RateTexts } from "./rates/rate-window.js";
import { headerLine, headersOf } from "./reply.js";

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

/**
 * The headers of an answer but for its content type, as `WholeReply` has them. `cost` is known before a plain answer's
 * body, and only at the end of a stream.
 */
export function answerLines(gateway: Gateway, call: Call, facts: Facts, cost?: NanoUsd): Part[] {
  const { id, admission, at, startedAt } = call;
  const remaining = balanceFor(gateway, call.caller);
  // The clock was asked when the answer came, a moment ago.
  const rates = admission?.textsAt(at + facts.answeredAt - startedAt);
  const areLasting = rates?.policy === "";
  const { sentAt, answeredAt, failedMs } = facts;
  const upstream = hundredths(answeredAt - sentAt);
  const own = hundredths(gateway.clock.elapsed() - startedAt - answeredAt + sentAt - failedMs);
  // Made in one go: an array that grows is copied again and again.
  const lines: Part[] = [
    lastingLines(call, facts, areLasting ? rates.left : ""),
    "inference-id: ",
    id,
    "\r\nx-request-id: ",
    id,
    "\r\nx-turnpike-credits-remaining-nano-usd: ",
    partOf(remaining),
    "\r\nserver-timing: turnpike;dur=",
    Math.floor(own / 100),
    pointIn(own),
    own % 100,
    ", upstream;dur=",
    Math.floor(upstream / 100),
    pointIn(upstream),
    upstream % 100,
  ];
  if (failedMs > 0) addFailed(lines, hundredths(failedMs));
  lines.push(LINE_END);
  if (cost !== undefined) addCost(lines, remaining, cost);
  if (!isUsual(facts) || (rates && !areLasting)) lines.push(rareLines(facts, rates));
  return lines;
}

/** All headers of an answer, whose content type is that of chat where nobody sets another. */
export function answerHeaders(gateway: Gateway, call: Call, facts: Facts, cost?: NanoUsd): Headers {
  const headers = headersOf(answerLines(gateway, call, facts, cost));
  const { isStream } = call.request;
  headers.set("content-type", isStream ? "text/event-stream; charset=utf-8" : "application/json");
  return headers;
}

function addCost(lines: Part[], remaining: NanoUsd, cost: NanoUsd): void {
  lines.push("x-turnpike-cost-nano-usd: ", partOf(cost), LINE_END);
  if (cost === 0n) return;
  lines.push("x-turnpike-calls-left: ", partOf(callsLeft(remaining, cost)), LINE_END);
}

/** A number, unless a double would not hold it. */
const partOf = (amount: bigint): Part =>
  amount <= Number.MAX_SAFE_INTEGER && amount >= 0n ? Number(amount) : String(amount);

const LINE_END = "\r\n";

/** Whether the first candidate answered, just as it was asked to. */
const isUsual = ({ tried, explored, clamped, leftOut }: Facts): boolean =>
  isDirect({ tried, explored }) && clamped === "" && leftOut.length === 0;

const isDirect = ({ tried, explored }: Pick<Facts, "tried" | "explored">): boolean =>
  tried.length === 1 && explored === undefined;

/** What few answers have to tell. */
function rareLines(facts: Facts, rates: RateTexts | undefined): string {
  const { clamped, leftOut } = facts;
  let lines = "";
  if (rates && rates.policy !== "") {
    lines += headerLine("ratelimit-policy", rates.policy);
    if (rates.left !== "") lines += headerLine("ratelimit", rates.left);
  }
  if (!isDirect(facts)) lines += headerLine(ROUTE, routeText(facts));
  if (clamped !== "") lines += headerLine("x-turnpike-clamped", clamped);
  if (leftOut.length > 0) lines += headerLine("x-turnpike-left-out", leftOut.join(","));
  return lines;
}

const ROUTE = "x-turnpike-route";

type Lasting = {
  readonly policy: string;
  readonly isDirect: boolean;
  readonly ratesLeft: string;
  readonly lines: Uint8Array;
};

/** By profile, which is made anew whenever its caller or its mapping changes. */
const lasting = new WeakMap<Profile, Lasting>();

/** What one answer after the other says: it is made once. */
function lastingLines(call: Call, facts: Facts, ratesLeft: string): Uint8Array {
  const policy = policyName(facts.policy);
  const profile = profileFor(call.caller, facts.candidate);
  const there = lasting.get(profile);
  const isRoutedSo = there?.policy === policy && there.isDirect === isDirect(facts);
  if (isRoutedSo && there.ratesLeft === ratesLeft) return there.lines;
  const { provider } = facts.candidate.mapping;
  let text = headerLine("x-inference-provider", provider);
  text += headerLine("x-turnpike-billed-to", billedTo(call, facts.candidate));
  if (isDirect(facts)) text += headerLine(ROUTE, routeText(facts));
  if (ratesLeft !== "") text += headerLine("ratelimit", ratesLeft);
  const lines = Buffer.from(text);
  lasting.set(profile, { policy, isDirect: isDirect(facts), ratesLeft, lines });
  return lines;
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

const callsLeft = (remaining: NanoUsd, cost: NanoUsd): bigint => remaining / cost;

function addFailed(lines: Part[], failed: number): void {
  lines.push(", failed;dur=", Math.floor(failed / 100), pointIn(failed), failed % 100);
}

/** Whole numbers are printed many times faster than others. */
const hundredths = (ms: number): number => Math.max(0, Math.round(ms * 100));

/** What stands between whole milliseconds and the rest. */
const pointIn = (hundredths: number): string => (hundredths % 100 < 10 ? ".0" : ".");
