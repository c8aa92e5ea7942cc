import { Command } from "commander";
import { printRates } from "../tenants/rates.js";
import { DEFAULT_SCOPES, issueToken } from "../tenants/register.js";
import { BUDGET_PERIODS, type Budget, SCOPES, type Scope } from "../tenants/user.js";
import { type CommonOptions, command } from "./command.js";
import { type Local, requireUser, withLocal } from "./local.js";
import { show, table, UserError } from "./output.js";
import { type RateOptions, readRateOptions, withRates } from "./rates.js";
import { readAmountAboveZero, readFutureDate, readOneOf } from "./read.js";

type CreateOptions = CommonOptions &
  RateOptions & {
    readonly user: string;
    readonly name: string;
    readonly scopes?: string;
    readonly expires?: string;
    readonly budget?: string;
    readonly budgetPeriod: string;
  };
type ListOptions = CommonOptions & { readonly user: string };

export const token = new Command("token")
  .description("access tokens")
  .addCommand(
    withRates(command("create", "make a token and print it, once"))
      .requiredOption("--user <name>")
      .option("--name <name>", "what it is for", "cli")
      .option("--scopes <list>", `of ${SCOPES.join(",")} (default ${DEFAULT_SCOPES.join(",")})`)
      .option("--expires <date>", "when it stops working, like 2027-01-31")
      .option("--budget <dollars>", "the most it may spend")
      .option("--budget-period <period>", BUDGET_PERIODS.join(" or "), "month")
      .action((options: CreateOptions) => withLocal(options, (local) => create(local, options))),
  )
  .addCommand(
    command("list", "a user's tokens")
      .requiredOption("--user <name>")
      .action((options: ListOptions) => withLocal(options, (local) => list(local, options))),
  )
  .addCommand(
    command("revoke", "stop a token from working, everywhere within a second")
      .argument("<id>")
      .requiredOption("--user <name>")
      .action((id: string, options: ListOptions) =>
        withLocal(options, (local) => revoke(local, id, options)),
      ),
  );

async function create(local: Local, options: CreateOptions): Promise<void> {
  const user = await requireUser(local, options.user);
  const expiresAt =
    options.expires === undefined ? undefined : readFutureDate("--expires", options.expires);
  const scopes = readScopes(options.scopes);
  const budget = readBudget(options);
  const rates = readRateOptions(options);
  const wanted = { name: options.name, scopes, expiresAt, budget, rates };
  const issued = issueToken(user.id, wanted, Date.now());
  await local.tenants.addToken(issued.token);
  const value = {
    ...{ token: issued.secret, id: issued.token.id, name: options.name, scopes },
    ...printRates(rates),
  };
  show(options, value, () => `Token, shown this once: ${issued.secret}\nId: ${issued.token.id}`);
}

function readScopes(text: string | undefined): readonly Scope[] {
  if (text === undefined) return DEFAULT_SCOPES;
  return text.split(",").map((name) => {
    const scope = SCOPES.find((known) => known === name.trim());
    if (!scope) throw new UserError(`--scopes: "${name}" is not one of ${SCOPES.join(", ")}`);
    return scope;
  });
}

function readBudget(options: CreateOptions): Budget | undefined {
  if (options.budget === undefined) return undefined;
  const amount = readAmountAboveZero("--budget", options.budget);
  return { amount, period: readOneOf("--budget-period", options.budgetPeriod, BUDGET_PERIODS) };
}

async function list(local: Local, options: ListOptions): Promise<void> {
  const user = await requireUser(local, options.user);
  const rows = await local.tenants.loadUser(user.id);
  const tokens = (rows?.tokens ?? []).map((each) => ({
    id: each.id,
    name: each.name,
    token: each.mask,
    scopes: each.scopes,
    state: stateOf(each),
    ...printRates(each.rates),
  }));
  show(options, { tokens }, () =>
    table(
      ["id", "name", "token", "scopes", "state"],
      tokens.map((row) => [row.id, row.name, row.token, row.scopes.join(","), row.state]),
    ),
  );
}

function stateOf(each: { revokedAt: number | undefined; expiresAt: number | undefined }): string {
  if (each.revokedAt !== undefined) return "revoked";
  return each.expiresAt !== undefined && each.expiresAt <= Date.now() ? "expired" : "live";
}

async function revoke(local: Local, id: string, options: ListOptions): Promise<void> {
  const user = await requireUser(local, options.user);
  if (!(await local.tenants.revokeToken(user.id, id, Date.now()))) {
    throw new UserError(`${options.user} has no live token with the id ${id}.`);
  }
  show(options, { revoked: id }, () => "Revoked.");
}
