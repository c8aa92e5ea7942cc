/** What options and arguments say, or a sentence about what they should. */
import { DAY_OR_TIME_RULE, parseDayOrTime } from "../kernel/day-or-time.js";
import { AMOUNT_RULE, type NanoUsd, parseAmount } from "../kernel/money.js";
import { UserError } from "./output.js";

export function readAmount(what: string, text: string): NanoUsd {
  const amount = parseAmount(text);
  if (amount === undefined) throw new UserError(`${what}: "${text}" is not ${AMOUNT_RULE}`);
  return amount;
}

export function readAmountAboveZero(what: string, text: string): NanoUsd {
  const amount = readAmount(what, text);
  if (amount === 0n) throw new UserError(`${what}: expected more than zero`);
  return amount;
}

/** A date that is still to come, in milliseconds UTC. */
export function readFutureDate(what: string, text: string): number {
  const at = parseDayOrTime(text);
  if (at === undefined) throw new UserError(`${what}: "${text}" is not ${DAY_OR_TIME_RULE}`);
  if (at <= Date.now()) throw new UserError(`${what}: ${text} lies in the past`);
  return at;
}

export function readWhole(what: string, text: string, [least, most]: [number, number]): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UserError(`${what}: expected a whole number from ${least} to ${most}, not "${text}"`);
}

export function readOneOf<Word extends string>(
  what: string,
  text: string,
  words: readonly Word[],
): Word {
  const word = words.find((known) => known === text);
  if (word === undefined) throw new UserError(`${what}: expected ${words.join(" or ")}`);
  return word;
}
