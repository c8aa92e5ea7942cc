import { Command } from "commander";
import { newId } from "../kernel/ids.js";
import { formatUsd, ZERO } from "../kernel/money.js";
import { periodAt } from "../kernel/period.js";
import { extraGrant } from "../ledger/account.js";
import { printCredit, printGrant } from "../ledger/credit.js";
import { fundsBucketOf } from "../tenants/payer.js";
import { type CommonOptions, command } from "./command.js";
import { type Local, requirePayer, withLocal } from "./local.js";
import { show, table } from "./output.js";
import { readAmountAboveZero, readFutureDate, readOneOf } from "./read.js";

const KINDS = ["promotional", "purchased"] as const;

type ShowOptions = CommonOptions & { readonly user?: string; readonly org?: string };
type GrantOptions = ShowOptions & {
  readonly amount: string;
  readonly kind: string;
  readonly expires?: string;
};

export const credit = new Command("credit")
  .description("what users and organizations may spend")
  .addCommand(
    command("grant", "give a user or an organization credit beside the plan's")
      .option("--user <name>")
      .option("--org <name>")
      .requiredOption("--amount <dollars>", "like 5.00")
      .option("--kind <kind>", KINDS.join(" or "), "promotional")
      .option("--expires <date>", "like 2027-01-31; never, when not given")
      .action((options: GrantOptions) => withLocal(options, (local) => grant(local, options))),
  )
  .addCommand(
    command("show", "what a user or an organization has left, as far as the store has heard")
      .option("--user <name>")
      .option("--org <name>")
      .action((options: ShowOptions) => withLocal(options, (local) => showCredit(local, options))),
  );

async function grant(local: Local, options: GrantOptions): Promise<void> {
  const payer = await requirePayer(local, options);
  const amount = readAmountAboveZero("--amount", options.amount);
  const kind = readOneOf("--kind", options.kind, KINDS);
  const expiresAt =
    options.expires === undefined ? undefined : readFutureDate("--expires", options.expires);
  const at = Date.now();
  const opening = extraGrant(fundsBucketOf(payer), { id: newId(), kind, amount, at, expiresAt });
  await local.ledger.grant(opening);
  show(
    options,
    { grant: printGrant(opening) },
    () => `Granted $${formatUsd(amount)} to ${payer.name}.`,
  );
}

async function showCredit(local: Local, options: ShowOptions): Promise<void> {
  const payer = await requirePayer(local, options);
  const now = Date.now();
  const bucket = fundsBucketOf(payer);
  const period = periodAt(payer.anchor, now);
  const view = await local.ledger.credit(bucket, now);
  const spent = await local.usage.chargedSince(bucket, period.start);
  // Holds live in the memory of the processes that serve; the store learns what they became.
  const printed = printCredit(view, { held: ZERO, spent, resetsAt: period.end });
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
