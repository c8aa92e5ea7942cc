/** …/invoices: the statements of a payer, month by month, for programs, spreadsheets and printers. */
import { RouterError } from "../../kernel/errors.js";
import { parseMonth } from "../../kernel/period.js";
import type { MonthSum, Statement } from "../../ledger/statement.js";
import { fundsBucketOf, type Payer } from "../../tenants/payer.js";
import type { User } from "../../tenants/user.js";
import { authenticate } from "../authenticate.js";
import { formatOf } from "../formats.js";
import { type Handler, json, type Site, type Visit } from "../parts.js";
import { printStatement, statementCsv } from "./statement.js";
import { statementPage } from "./statement-page.js";

export const listInvoices: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "read");
  return json(await invoicesOf(site, visit, user));
};

export const showInvoice: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "read");
  return invoiceOf(site, visit, user, visit.rest[0] ?? "");
};

/** Of anybody, deleted users too: their books are still kept. */
export const listUserInvoices: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  return json(await invoicesOf(site, visit, await anyUser(site, visit.rest[0])));
};

export const showUserInvoice: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  return invoiceOf(site, visit, await anyUser(site, visit.rest[0]), visit.rest[1] ?? "");
};

async function anyUser({ tenants }: Site, name = ""): Promise<User> {
  const user = (await tenants.findUserByName(name)) ?? (await tenants.findUserById(name));
  if (user) return user;
  throw new RouterError("not_found", `There is no user "${name}".`);
}

/** The months in which anything moved, newest first. */
export async function invoicesOf(site: Site, visit: Visit, payer: Payer) {
  const months = await site.books.statements.months(fundsBucketOf(payer));
  return { invoices: months.map((sum) => printMonth(sum, visit.at)) };
}

const printMonth = ({ month, charged, due }: MonthSum, now: number) => ({
  month: month.name,
  state: stateOf(month, now),
  charged_nano_usd: String(charged),
  due_nano_usd: String(due),
});

/** A month that is not over yet may still change. */
export const stateOf = ({ end }: Statement["month"], now: number): "open" | "closed" =>
  now < end ? "open" : "closed";

/** One month, as what was asked for. */
export async function invoiceOf(
  site: Site,
  visit: Visit,
  payer: Payer,
  name: string,
): Promise<Response> {
  const format = formatOf(visit, ["json", "csv", "html"]);
  const month = parseMonth(name);
  if (!month || month.start > visit.at) {
    throw new RouterError(
      "not_found",
      `There is no statement "${name.slice(0, 40)}": a month that has begun is written like 2026-11.`,
    );
  }
  const statement = await site.books.statements.statement(fundsBucketOf(payer), month);
  const facts = { name: payer.name, at: visit.at, state: stateOf(month, visit.at) };
  if (format === "csv") return statementCsv(statement);
  return format === "html"
    ? statementPage(statement, facts)
    : json(printStatement(statement, facts));
}
