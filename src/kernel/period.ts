/** A payer's months, in UTC: they begin on its anchor day, or on the last day of a month that is too short. */
import { printDay } from "./print-time.js";

export type Anchor = {
  /** 1 to 31. */
  readonly day: number;
  /** The period that was under way when the day was last changed: it stays as it was. Both 0: never changed. */
  readonly keptStart: number;
  readonly keptEnd: number;
};

export const ANCHOR_DAY_MAX = 31;

export const anchorOn = (day: number): Anchor => ({ day, keptStart: 0, keptEnd: 0 });

/** Calendar months: what limits are counted by, whoever pays. */
export const CALENDAR: Anchor = anchorOn(1);

export type Period = {
  readonly start: number;
  /** The next one's start. */
  readonly end: number;
  /** "2026-11", or "2026-11-15" where it begins in the middle of a month: names it in ids. */
  readonly name: string;
};

/** The period that holds `at`. Periods follow each other without a gap, also where the day was changed. */
export function periodAt({ day, keptStart, keptEnd }: Anchor, at: number): Period {
  if (keptStart <= at && at < keptEnd) return named(keptStart, keptEnd);
  const date = new Date(at);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const isThisMonth = at >= dayOf(year, month, day);
  const first = isThisMonth ? month : month - 1;
  const start = dayOf(year, first, day);
  return named(at < keptEnd ? start : Math.max(start, keptEnd), dayOf(year, first + 1, day));
}

/** A calendar month by its name, "2026-11"; undefined for anything else. */
export function parseMonth(name: string): Period | undefined {
  const at = /^\d{4}-\d\d$/.test(name) ? Date.parse(`${name}-01T00:00:00Z`) : Number.NaN;
  const period = Number.isNaN(at) ? undefined : periodAt(CALENDAR, at);
  // Dates of the first hundred years are taken for those of the twentieth century.
  return period?.name === name ? period : undefined;
}

/** Calendar months since 1970. */
export function monthNumber(at: number): number {
  const date = new Date(at);
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
}

/** A new anchor day counts from the end of the period under way; what follows then is a shorter one. */
export function moveAnchor(anchor: Anchor, day: number, now: number): Anchor {
  const { start, end } = periodAt(anchor, now);
  return { day, keptStart: start, keptEnd: end };
}

/** First millisecond of a day of a month, or of its last day where it is shorter. */
function dayOf(year: number, month: number, day: number): number {
  const daysInMonth = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return Date.UTC(year, month, Math.min(day, daysInMonth));
}

function named(start: number, end: number): Period {
  const day = printDay(start);
  return { start, end, name: day.endsWith("-01") ? day.slice(0, 7) : day };
}
