/** Moments as people write them. */

const WRITTEN = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/;
const DAY_CHARS = "2027-01-31".length;

export const DAY_OR_TIME_RULE = "a day like 2027-01-31 or a time like 2027-01-31T12:00:00Z";

/**
 * A day, which begins at midnight UTC, or a time; milliseconds UTC. Undefined for anything else, days that no
 * calendar has among it: dates take the 30th of February for the 2nd of March.
 */
export function parseDayOrTime(text: string): number | undefined {
  const at = WRITTEN.test(text) && isDay(text.slice(0, DAY_CHARS)) ? Date.parse(text) : Number.NaN;
  return Number.isFinite(at) ? at : undefined;
}

function isDay(text: string): boolean {
  const at = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(at) && new Date(at).toISOString().startsWith(text);
}
