/** What somebody wants to know of past usage, as the API's query and the CLI's options say it. */
import { DAY_MS } from "../kernel/clock.js";
import { DAY_OR_TIME_RULE, parseDayOrTime } from "../kernel/day-or-time.js";
import { badRequest } from "../kernel/errors.js";
import { USAGE_DAYS_MAX } from "../kernel/limits.js";
import { parseTags } from "./tags.js";

/** By what usage can be told apart. `key` is whose provider key it was: `own` or `routed`. */
export const USAGE_BY = [
  ...(["model", "provider", "hour", "day", "token"] as const),
  ...(["member", "payer", "group", "tag", "key"] as const),
] as const;
export type UsageBy = (typeof USAGE_BY)[number];

export type UsageQuery = {
  readonly by: readonly UsageBy[];
  /** Milliseconds UTC; the hours that begin from `since` on, and before `until`. */
  readonly since: number;
  readonly until: number;
  /** `name=value`: only what was tagged so. `name`: of tags, only those of this name. */
  readonly tag: string | undefined;
};

/** As written; what is left out is undefined. */
export type WrittenQuery = {
  readonly by?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly tag?: string | undefined;
};

const TAG = { title: '"tag"', param: "tag" };
const BY_MAX = 3;
const DAYS_SHOWN = 31;

/** Without a word about time, the last 31 days. Throws a RouterError that names what cannot be read. */
export function parseUsageQuery(written: WrittenQuery, now: number): UsageQuery {
  const until = written.to === undefined ? now + 1 : parseTime("to", written.to);
  const since =
    written.from === undefined ? until - DAYS_SHOWN * DAY_MS : parseTime("from", written.from);
  if (since >= until) throw badRequest('"from" must lie before "to".', "from");
  if (until - since > USAGE_DAYS_MAX * DAY_MS) {
    throw badRequest(`From "from" to "to" it may be ${USAGE_DAYS_MAX} days at most.`, "from");
  }
  const by = parseBy(written.by ?? "model");
  return { by, since, until, tag: parseTag(written.tag, by) };
}

function parseTime(name: string, text: string): number {
  const at = parseDayOrTime(text);
  if (at !== undefined) return at;
  throw badRequest(`"${name}" must be ${DAY_OR_TIME_RULE}.`, name);
}

function parseBy(text: string): readonly UsageBy[] {
  const names = text.split(",");
  const by = names.map((name) => USAGE_BY.find((known) => known === name.trim()));
  if (by.includes(undefined)) {
    throw badRequest(`"by" must be one of ${USAGE_BY.join(", ")}, or up to three of them.`, "by");
  }
  if (names.length > BY_MAX) throw badRequest(`"by" may name ${BY_MAX} things at most.`, "by");
  if (new Set(by).size < by.length) throw badRequest('"by" names something twice.', "by");
  return by as UsageBy[];
}

/** A name alone makes sense only where tags are told apart. */
function parseTag(text: string | undefined, by: readonly UsageBy[]): string | undefined {
  if (text === undefined) return undefined;
  const isName = !text.includes("=") && by.includes("tag");
  const [tag] = parseTags(isName ? `${text}=any` : text, TAG);
  if (tag === undefined || text.includes(",")) {
    throw badRequest('"tag" must be one name=value.', "tag");
  }
  return isName ? text : tag;
}
