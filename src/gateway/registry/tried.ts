/** What came of one probe that went the way of all requests: whether it was answered, and whether the answer will do. */
import type { CheckResult, Finding } from "../../catalog/validation.js";
import {
  type Answered,
  type Check,
  type Judgment,
  judged,
  PASSED,
  skipped,
} from "../../conformance/check.js";
import { REACHABLE } from "../../conformance/service-checks.js";
import { RouterError } from "../../kernel/errors.js";
import { PROBE_MS } from "../../kernel/limits.js";

export type Tried = {
  readonly check: Check;
  readonly judgment: Judgment;
  /** The part of it that is about the provider's being there and doing what it is asked. */
  readonly reached: Judgment;
  readonly answer: Answered | undefined;
};

export const answered = (check: Check, answer: Answered, judgment: Judgment): Tried => ({
  ...{ check, answer, judgment, reached: PASSED },
});

/** `thrown`: what the gateway ended it with; `isLate`: after all the time that a probe has. */
export function unanswered(check: Check, thrown: unknown, isLate: boolean): Tried {
  const judgment = judgmentOf(thrown, isLate);
  const isUnfit = judgment.verdict === "failed" && !isLate && hasBegun(thrown);
  return { check, judgment, reached: isUnfit ? PASSED : judgment, answer: undefined };
}

/** For a reason of our own. */
export function brokenOff(check: Check): Tried {
  const judgment = skipped("was broken off");
  return { check, judgment, reached: judgment, answer: undefined };
}

/** Our own shortages, and a provider that has no room at the moment, say nothing about the mapping. */
function judgmentOf(thrown: unknown, isLate: boolean): Judgment {
  if (isLate) return judged(`it was not over after ${PROBE_MS} ms`);
  if (!(thrown instanceof RouterError)) return judged("the answer broke off");
  const { code, message } = thrown;
  if (code.startsWith("provider_")) return judged(message);
  return skipped(message);
}

/** Why the gateway takes something of status 200 for no answer, in the words of `send.ts`. */
const UNFIT = ["html", "malformed", "empty_stream", "error_in_200", "no_choices", "too_large"];

/** An answer came, though none that will do. */
function hasBegun(thrown: unknown): boolean {
  if (!(thrown instanceof RouterError)) return true;
  const attempts = thrown.detail.extra?.attempts;
  const why = Array.isArray(attempts) ? String(attempts.at(-1)).split(":").at(-1) : undefined;
  return why !== undefined && UNFIT.includes(why);
}

/** Of all checks that a mapping needs to pass: one that failed decides, one that could not be made leaves it open. */
export function verdictOf(needed: readonly Tried[]): Finding["verdict"] {
  const verdicts = needed.map(({ judgment }) => judgment.verdict);
  if (verdicts.includes("failed")) return "failed";
  return verdicts.includes("skipped") ? "unknown" : "passed";
}

/** Undefined where it is not known. */
export const claimOf = (tried: Tried | undefined): boolean | undefined =>
  tried === undefined || tried.judgment.verdict === "skipped"
    ? undefined
    : tried.judgment.verdict === "passed";

/** What was tried first tells whether a mapping can be reached at all. */
export function resultsOf(first: Tried, more: readonly Tried[]): readonly CheckResult[] {
  const { check, reached, judgment } = first;
  const isReached = reached.verdict === "passed";
  return [
    resultOf(REACHABLE, reached),
    resultOf(check, isReached ? judgment : NOTHING_CAME),
    ...more.map((each) => resultOf(each.check, each.judgment)),
  ];
}

const NOTHING_CAME = skipped("there was no answer to look at");

const resultOf = (check: Check, judgment: Judgment): CheckResult => ({
  name: check.name,
  verdict: judgment.verdict === "failed" && check.isOptional ? "unsupported" : judgment.verdict,
  why: judgment.verdict === "passed" ? null : judgment.why,
});
