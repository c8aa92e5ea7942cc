/** …/usage: what was used, told apart by whatever was asked for. */
import { printTime } from "../../kernel/print-time.js";
import { type Named, type NameOf, printUsage, usageCsv } from "../../store/books/print-usage.js";
import type { UsageOf } from "../../store/books/usage-reports.js";
import { isDeleted } from "../../tenants/forget.js";
import { parseUsageQuery, type UsageBy } from "../../wire/usage-query.js";
import { authenticate } from "../authenticate.js";
import { caughtUp } from "../caught-up.js";
import { csvFile, formatOf } from "../formats.js";
import { type Handler, json, type Site, type Visit } from "../parts.js";
import { queryOf } from "../query.js";

export const showUsage: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "read");
  return usageOf(site, visit, { userId: user.id });
};

/** What somebody is called; undefined once they were deleted. */
export function nameOfUser({ gateway }: Site, userId: string): string | undefined {
  const user = gateway.directory.user(userId);
  return user && !isDeleted(user) ? user.name : undefined;
}

export async function usageOf(site: Site, visit: Visit, of: UsageOf): Promise<Response> {
  const given = queryOf(visit, ["by", "from", "to", "tag", "format"]);
  const asked = (name: string) => given.get(name) ?? undefined;
  const written = { by: asked("by"), from: asked("from"), to: asked("to"), tag: asked("tag") };
  const query = parseUsageQuery(written, visit.at);
  const format = formatOf(visit, ["json", "csv"]);
  await caughtUp(site);
  const { usage } = site.books;
  const rows = await usage.report(of, query);
  const nameOf = await namesFor(site, of, query.by);
  if (format === "csv") {
    return csvFile(usageCsv(query.by, rows, nameOf), `usage-by-${query.by.join("-")}`);
  }
  return json({
    from: printTime(query.since),
    to: printTime(query.until),
    ...printUsage(query.by, rows, { total: await usage.total(of, query), nameOf }),
  });
}

/** Of tokens only their own user hears the names. */
async function namesFor(site: Site, of: UsageOf, by: readonly UsageBy[]): Promise<NameOf> {
  const { organizations } = site.gateway.directory;
  const isOwn = "userId" in of && by.includes("token");
  const tokens = (isOwn && (await site.tenants.loadUser(of.userId))?.tokens) || [];
  const namers: Readonly<Record<Named, (id: string) => string | undefined>> = {
    member: (id) => nameOfUser(site, id),
    payer: (id) => nameOfPayer(site, id),
    group: (id) => organizations.groupName(id),
    token: (id) => tokens.find((token) => token.id === id)?.name,
  };
  return (kind, id) => namers[kind](id);
}

function nameOfPayer(site: Site, payer: string): string | undefined {
  const [kind, id = ""] = payer.split(":");
  const { organizations } = site.gateway.directory;
  return kind === "org" ? organizations.withId(id)?.name : nameOfUser(site, id);
}
