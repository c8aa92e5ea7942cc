import { Command } from "commander";
import { nextMonthStart } from "../kernel/clock.js";
import { newId } from "../kernel/ids.js";
import { formatUsd, nanoUsd, parseUsd, ZERO } from "../kernel/money.js";
import { extraGrant, planGrant } from "../ledger/account.js";
import { printCredit } from "../ledger/credit.js";
import { fundsBucketOf } from "../tenants/user.js";
import { type CommonOptions, command } from "./command.js";
import { type Local, requireUser, withLocal } from "./local.js";
import { show, table, UserError } from "./output.js";

const KINDS = ["promotional", "purchased"] as const;

type ShowOptions = CommonOptions & { readonly user: string };
type GrantOptions = ShowOptions & {
  readonly amount: string;
  readonly kind: string;
  readonly expires?: string;
};

export const credit = new Command("credit")
  .description("what users may spend")
  .addCommand(
    command("grant", "give a user credit beside the plan's")
      .requiredOption("--user <name>")
      .requiredOption("--amount <dollars>", "like 5.00")
      .option("--kind <kind>", KINDS.join(" or "), "promotional")
      .option("--expires <date>", "like 2027-01-31; never, when not given")
      .action((options: GrantOptions) => withLocal(options, (local) => grant(local, options))),
  )
  .addCommand(
    command("show", "what a user has left, as far as the store has heard")
      .requiredOption("--user <name>")
      .action((options: ShowOptions) => withLocal(options, (local) => showCredit(local, options))),
  );

async function grant(local: Local, options: GrantOptions): Promise<void> {
  const user = await requireUser(local, options.user);
  const amount = parseUsd(options.amount);
  if (amount === undefined || amount === 0n) {
    throw new UserError(`--amount: "${options.amount}" is not dollars above zero, like 5.00`);
  }
  const kind = KINDS.find((known) => known === options.kind);
  if (!kind) throw new UserError(`--kind: expected ${KINDS.join(" or ")}`);
  const expiresAt = options.expires === undefined ? undefined : Date.parse(options.expires);
  const at = Date.now();
  if (Number.isNaN(expiresAt)) throw new UserError(`--expires: "${options.expires}" is no date`);
  if (expiresAt !== undefined && expiresAt <= at) {
    throw new UserError(`--expires: ${options.expires} lies in the past`);
  }
  const opening = extraGrant(fundsBucketOf(user), { id: newId(), kind, amount, at, expiresAt });
  await local.ledger.grant(opening);
  const value = {
    id: opening.id,
    amount_nano_usd: String(amount),
    kind,
    expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
  };
  show(options, { grant: value }, () => `Granted $${formatUsd(amount)} to ${user.name}.`);
}

async function showCredit(local: Local, options: ShowOptions): Promise<void> {
  const user = await requireUser(local, options.user);
  const now = Date.now();
  const bucket = fundsBucketOf(user);
  const included = local.config.plans.get(user.plan)?.monthlyCredit ?? nanoUsd(0n);
  const due = planGrant(bucket, user.plan, included, now);
  const view = await local.ledger.credit({ id: bucket, due }, now);
  // Holds live in the memory of the processes that serve; the store learns what they became.
  const printed = printCredit(view, ZERO, nextMonthStart(now));
  show(options, printed, () =>
    [
      `Spendable  $${formatUsd(BigInt(printed.spendable_nano_usd))}`,
      `Spent      $${formatUsd(BigInt(printed.spent_this_period_nano_usd))}`,
      "",
      table(
        ["kind", "granted", "left", "expires"],
        printed.buckets.map((row) => [
          row.kind,
          `$${formatUsd(BigInt(row.granted_nano_usd))}`,
          `$${formatUsd(BigInt(row.left_nano_usd))}`,
          row.expires_at?.slice(0, 10) ?? "never",
        ]),
      ),
    ].join("\n"),
  );
}
