/** Fields that many bodies have. */
import { z } from "zod";
import { DAY_MS } from "../kernel/clock.js";
import { DAY_OR_TIME_RULE, parseDayOrTime } from "../kernel/day-or-time.js";
import { RATE_MAX } from "../kernel/limits.js";
import { AMOUNT_RULE, type NanoUsd, parseAmount } from "../kernel/money.js";
import { ANCHOR_DAY_MAX } from "../kernel/period.js";
import { RATE_FIELDS } from "../tenants/rates.js";

const amount = (least: bigint, rule: string) =>
  z.string(`must be text: ${rule}`).transform((text, context): NanoUsd => {
    const read = parseAmount(text);
    if (read !== undefined && read >= least) return read;
    context.addIssue({ code: "custom", message: `must be ${rule}` });
    return z.NEVER;
  });

/** An amount that may be nothing. */
export const dollars = amount(0n, AMOUNT_RULE);
export const dollarsAboveZero = amount(1n, `above zero, ${AMOUNT_RULE}`);

const rate = z.int().min(1).max(RATE_MAX);

/** Limits that are set once. */
export const rateFields = {
  [RATE_FIELDS.requests]: rate.optional(),
  [RATE_FIELDS.tokens]: rate.optional(),
  [RATE_FIELDS.concurrent]: rate.optional(),
};

/** Limits that change; null takes one away. */
export const rateChangeFields = {
  [RATE_FIELDS.requests]: rate.nullable().optional(),
  [RATE_FIELDS.tokens]: rate.nullable().optional(),
  [RATE_FIELDS.concurrent]: rate.nullable().optional(),
};

export const anchorDay = z.int().min(1).max(ANCHOR_DAY_MAX);

/** A time that is still to come, in milliseconds UTC, at most `withinMs` from now. */
export const future = (now: number, withinMs = Number.POSITIVE_INFINITY) =>
  z.string(`must be text: ${DAY_OR_TIME_RULE}`).transform((text, context): number => {
    const at = parseDayOrTime(text);
    if (at !== undefined && at > now && at - now <= withinMs) return at;
    const days = Math.round(withinMs / DAY_MS);
    const over = (at ?? 0) > now ? `is more than ${days} days away` : "lies in the past";
    const message = at === undefined ? `must be ${DAY_OR_TIME_RULE}` : over;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
