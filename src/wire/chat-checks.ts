/** What the members of a chat body have to be. */
import { badRequest } from "../kernel/errors.js";
import { CHOICES_MAX, MAX_TOKENS_MAX } from "../kernel/limits.js";
import type { JsonObject } from "../tasks/json-object.js";
import { isNull, memberValue, valueAt } from "./json-object.js";
import {
  CLOSE_BRACKET,
  LETTER_F,
  LETTER_T,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  skipSpace,
  ZERO,
} from "./json-scan.js";

/** Of the member that is the nth, and not null. */
type Check = {
  readonly expected: string;
  readonly accepts: (body: JsonObject, nth: number) => boolean;
};

const DIGITS = Array.from({ length: 10 }, (_, digit) => ZERO + digit);

/** What a value is, is told by its first letter: this is JSON. */
const beginsWith =
  (...letters: readonly number[]): Check["accepts"] =>
  (body, nth) =>
    letters.includes(body.bytes[body.valueStartOf(nth)] ?? 0);

const bool: Check = { expected: "true or false", accepts: beginsWith(LETTER_T, LETTER_F) };
const number: Check = { expected: "a number", accepts: beginsWith(MINUS, ...DIGITS) };
const object: Check = { expected: "an object", accepts: beginsWith(OPEN_BRACE) };
const array: Check = { expected: "an array", accepts: beginsWith(OPEN_BRACKET) };
const wholeFrom = (least: number, most: number): Check => ({
  expected: `a whole number from ${least} to ${most}`,
  accepts: (body, nth) => {
    const value = valueAt(body, nth);
    return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
  },
});
const texts: Check = {
  expected: "a string or an array of strings",
  accepts: (body, nth) => {
    const value = valueAt(body, nth);
    return (
      typeof value === "string" ||
      (Array.isArray(value) && value.every((each) => typeof each === "string"))
    );
  },
};

/** Members we read, or whose wrong type no provider could mean otherwise. All may be null or absent. */
export const CHECKS: ReadonlyMap<string, Check> = new Map(
  Object.entries<Check>({
    stream: bool,
    stream_options: object,
    max_tokens: wholeFrom(1, MAX_TOKENS_MAX),
    max_completion_tokens: wholeFrom(1, MAX_TOKENS_MAX),
    n: wholeFrom(1, CHOICES_MAX),
    temperature: number,
    top_p: number,
    presence_penalty: number,
    frequency_penalty: number,
    logprobs: bool,
    top_logprobs: wholeFrom(0, CHOICES_MAX),
    tools: array,
    response_format: object,
    stop: texts,
    provider: object,
  }),
);
/** There it is a number. */
export const COMPLETION_CHECKS = new Map([...CHECKS].filter(([name]) => name !== "logprobs"));

export function checkTypes(body: JsonObject, checks: ReadonlyMap<string, Check>): void {
  for (let nth = 0; nth < body.count; nth++) {
    const check = checks.get(body.nameOf(nth));
    if (!check || isNull(body, nth) || check.accepts(body, nth)) continue;
    const name = body.nameOf(nth);
    throw badRequest(`"${name}" must be ${check.expected}.`, name);
  }
  if (
    memberValue(body, "max_tokens") != null &&
    memberValue(body, "max_completion_tokens") != null
  ) {
    throw badRequest('Give "max_tokens" or "max_completion_tokens", not both.', "max_tokens");
  }
}

/** Whether a member is an array with something in it. */
export function hasEntries(body: JsonObject, name: string): boolean {
  const nth = body.indexOf(name);
  if (nth < 0 || !array.accepts(body, nth)) return false;
  return body.bytes[skipSpace(body.bytes, body.valueStartOf(nth) + 1)] !== CLOSE_BRACKET;
}
