import { DAY_MS } from "../kernel/clock.js";
import { formatUsd } from "../kernel/money.js";
import { printTime } from "../kernel/print-time.js";
import { isNamed, type NameOf, printUsage, usageCsv } from "../store/books/print-usage.js";
import type { UsageOf, UsageRow } from "../store/books/usage-reports.js";
import { isDeleted } from "../tenants/forget.js";
import { fundsBucketOf } from "../tenants/payer.js";
import { parseUsageQuery, USAGE_BY } from "../wire/usage-query.js";
import { type CommonOptions, command } from "./command.js";
import { type Local, requirePayer, withLocal } from "./local.js";
import { show, table } from "./output.js";
import { readWhole } from "./read.js";

type Options = CommonOptions & {
  readonly user?: string;
  readonly org?: string;
  readonly by: string;
  readonly days?: string;
  readonly from?: string;
  readonly to?: string;
  readonly tag?: string;
  readonly paid: boolean;
  readonly csv: boolean;
};

export const usage = command("usage", "what a user used, or an organization paid for")
  .option("--user <name>")
  .option("--org <name>")
  .option("--by <what>", `${USAGE_BY.join(", ")}, or up to three of them`, "model")
  .option("--days <count>", "how far back (default 31)")
  .option("--from <day>", "from a day or time on, like 2027-01-31")
  .option("--to <day>", "before a day or time (default now)")
  .option("--tag <tag>", "only what was tagged name=value")
  .option("--paid", "what the user paid for, whoever did it", false)
  .option("--csv", "print a table for spreadsheets", false)
  .action((options: Options) =>
    withLocal(options, async (local) => {
      const now = Date.now();
      const query = parseUsageQuery(
        { ...options, from: options.from ?? daysAgo(options, now) },
        now,
      );
      const of = await usageOf(local, options);
      const { usage } = local.books;
      const rows = await usage.report(of, query);
      const nameOf = query.by.some(isNamed) ? await namesIn(local) : () => undefined;
      if (options.csv) {
        process.stdout.write(usageCsv(query.by, rows, nameOf));
        return;
      }
      const total = await usage.total(of, query);
      const named = (row: UsageRow) =>
        row.keys.map((key, i) => {
          const by = query.by[i];
          return (by && isNamed(by) && nameOf(by, key)) || key;
        });
      show(options, printUsage(query.by, rows, { total, nameOf }), () =>
        [
          table(
            [...query.by, "requests", "input", "output", "cost"],
            rows.map((row) => [
              ...named(row).slice(0, -1),
              row.isOwnKey ? `${named(row).at(-1)} (own key)` : (named(row).at(-1) ?? ""),
              String(row.requests),
              String(row.inputTokens),
              String(row.outputTokens),
              `$${formatUsd(row.charged)}`,
            ]),
          ),
          `Total $${formatUsd(total)}`,
        ].join("\n"),
      );
    }),
  );

/** No two things here have one id, so one list does for all kinds. */
async function namesIn({ tenants, organizations }: Local): Promise<NameOf> {
  const people = await tenants.loadAll();
  const users = people.users.filter((user) => !isDeleted(user));
  const orgs = await organizations.loadAll();
  const orgName = new Map(orgs.organizations.map(({ id, name }) => [id, name]));
  const names = new Map([
    ...[...users, ...people.tokens].map(({ id, name }) => [id, name] as const),
    ...[...users, ...orgs.organizations].map((each) => [fundsBucketOf(each), each.name] as const),
    ...orgs.groups.map(({ id, orgId, name }) => [id, `${orgName.get(orgId)}/${name}`] as const),
  ]);
  return (_, id) => names.get(id);
}

async function usageOf(local: Local, options: Options): Promise<UsageOf> {
  const payer = await requirePayer(local, options);
  const isAll = payer.kind === "org" || options.paid;
  return isAll ? { payer: fundsBucketOf(payer) } : { userId: payer.id };
}

function daysAgo({ days }: Options, now: number): string | undefined {
  if (days === undefined) return undefined;
  return printTime(now - readWhole("--days", days, [1, 1_100]) * DAY_MS);
}
