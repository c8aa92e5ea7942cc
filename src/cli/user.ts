import { Command } from "commander";
import { ANCHOR_DAY_MAX } from "../kernel/period.js";
import { forgetUser } from "../tenants/forget.js";
import { printRates } from "../tenants/rates.js";
import { registerUser, USER_NAME, USER_NAME_RULE } from "../tenants/register.js";
import { type CommonOptions, command } from "./command.js";
import { type Local, requirePlan, requireUser, withLocal } from "./local.js";
import { show, table, UserError } from "./output.js";
import { saySeatless, saySpendingLimit } from "./plan-words.js";
import { type RateOptions, requireRateChanges, sayRates, withRates } from "./rates.js";
import { readAmount, readWhole } from "./read.js";

type PlanOption = CommonOptions & { readonly plan: string };
type AnchorOption = CommonOptions & { readonly anchorDay?: string };

export const user = new Command("user")
  .description("people who may call")
  .addCommand(
    command("add", "add a user and print their first token, once")
      .argument("<name>")
      .option("--plan <plan>", "free, pro, …", "free")
      .action((name: string, options: PlanOption) =>
        withLocal(options, (local) => add(local, name, options)),
      ),
  )
  .addCommand(
    command("list", "all users").action((options: CommonOptions) =>
      withLocal(options, (local) => list(local, options)),
    ),
  )
  .addCommand(
    command("plan", "change a user's plan")
      .argument("<name>")
      .argument("<plan>")
      .option("--anchor-day <day>", "the day of the month on which their periods begin, 1 to 31")
      .action((name: string, plan: string, options: AnchorOption) =>
        withLocal(options, (local) => changePlan(local, name, plan, options)),
      ),
  )
  .addCommand(
    command(
      "spending-limit",
      "what a user may spend each period beyond their credit (pay-as-you-go)",
    )
      .argument("<name>")
      .argument("<dollars>", 'like 25.00; or "plan" for what the plan says')
      .action((name: string, dollars: string, options: CommonOptions) =>
        withLocal(options, (local) => changeLimit(local, name, dollars, options)),
      ),
  )
  .addCommand(
    withRates(command("limit", "how much a user may ask for, whoever pays"), ', or "none"')
      .argument("<name>")
      .action((name: string, options: CommonOptions & RateOptions) =>
        withLocal(options, (local) => changeRates(local, name, options)),
      ),
  )
  .addCommand(
    command("delete", "forget a user: name, tokens, keys; the books keep an id")
      .argument("<name>")
      .action((name: string, options: CommonOptions) =>
        withLocal(options, (local) => forget(local, name, options)),
      ),
  );

async function add(local: Local, name: string, options: PlanOption): Promise<void> {
  if (!USER_NAME.test(name)) throw new UserError(`"${name}" cannot be a name: ${USER_NAME_RULE}.`);
  requirePlan(local, options.plan);
  const wanted = { name, plan: options.plan, role: "user" } as const;
  const { user: added, issued } = await registerUser(local.tenants, wanted, Date.now());
  const value = { user: { id: added.id, name, plan: added.plan }, token: issued.secret };
  show(
    options,
    value,
    () =>
      `Added ${name} (${added.plan}).${saySeatless(local, added)}\nToken, shown this once: ${issued.secret}`,
  );
}

async function list(local: Local, options: CommonOptions): Promise<void> {
  const { users, tokens } = await local.tenants.loadAll();
  const rows = users.map((each) => ({
    id: each.id,
    name: each.name,
    plan: each.plan,
    role: each.role,
    tokens: tokens.filter((token) => token.userId === each.id && token.revokedAt === undefined)
      .length,
  }));
  show(options, { users: rows }, () =>
    table(
      ["name", "plan", "role", "live tokens"],
      rows.map((row) => [row.name, row.plan, row.role, String(row.tokens)]),
    ),
  );
}

async function changePlan(
  local: Local,
  name: string,
  plan: string,
  options: AnchorOption,
): Promise<void> {
  requirePlan(local, plan);
  const found = await requireUser(local, name);
  const { anchorDay: day } = options;
  const anchorDay =
    day === undefined ? undefined : readWhole("--anchor-day", day, [1, ANCHOR_DAY_MAX]);
  await local.tenants.setTerms(found.id, { plan, anchorDay });
  show(
    options,
    { user: { id: found.id, name, plan } },
    () => `${name} is on ${plan} now.${saySeatless(local, { name, plan })}`,
  );
}

async function changeLimit(
  local: Local,
  name: string,
  text: string,
  options: CommonOptions,
): Promise<void> {
  const found = await requireUser(local, name);
  const amount = text === "plan" ? null : readAmount("<dollars>", text);
  await local.tenants.setTerms(found.id, { spendingLimit: amount });
  const value = {
    id: found.id,
    name,
    spending_limit_nano_usd: amount === null ? null : String(amount),
  };
  show(options, { user: value }, () => saySpendingLimit(local, found, amount));
}

async function changeRates(
  local: Local,
  name: string,
  options: CommonOptions & RateOptions,
): Promise<void> {
  const found = await requireUser(local, name);
  const rates = requireRateChanges(options);
  await local.tenants.setTerms(found.id, { rates });
  const changed = await requireUser(local, name);
  const value = { user: { id: found.id, name, ...printRates(changed.rates) } };
  show(options, value, () => `${name}: ${sayRates(rates)}.`);
}

async function forget(local: Local, name: string, options: CommonOptions): Promise<void> {
  const found = await requireUser(local, name);
  await forgetUser(local, found, Date.now());
  show(options, { deleted: found.id }, () => `${name} is forgotten; the books know ${found.id}.`);
}
