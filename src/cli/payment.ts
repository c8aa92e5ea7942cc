import { Command } from "commander";
import { formatUsd } from "../kernel/money.js";
import { type Payment, printPayment } from "../ledger/payment.js";
import { fundsBucketOf } from "../tenants/payer.js";
import { type CommonOptions, command } from "./command.js";
import { type Local, requirePayer, withLocal } from "./local.js";
import { show, table, UserError } from "./output.js";

type ListOptions = CommonOptions & {
  readonly user?: string;
  readonly org?: string;
  readonly limit: string;
};

export const payment = new Command("payment")
  .description("credit that was bought, and what went back of it")
  .addCommand(
    command("list", "payments, newest first")
      .option("--user <name>", "of this user only")
      .option("--org <name>", "of this organization only")
      .option("--limit <count>", "how many at most", "100")
      .action((options: ListOptions) => withLocal(options, (local) => list(local, options))),
  );

async function list(local: Local, options: ListOptions): Promise<void> {
  if (!/^[1-9]\d{0,5}$/.test(options.limit)) {
    throw new UserError("--limit: expected a whole number from 1 to 999999");
  }
  const isOne = options.user !== undefined || options.org !== undefined;
  const bucket = isOne ? fundsBucketOf(await requirePayer(local, options)) : undefined;
  const payments = await local.payments.list(bucket, Number(options.limit));
  const nameOf = await payerNames(local);
  const rows = payments.map((each) => ({
    payer: nameOf(each),
    session: each.sessionId,
    ...printPayment(each),
  }));
  show(options, { payments: rows }, () =>
    table(
      ["id", "payer", "amount", "state", "taken back", "lost", "outstanding", "created"],
      rows.map((row) => [
        row.id,
        row.payer,
        dollars(row.amount_nano_usd),
        row.state,
        dollars(row.taken_back_nano_usd),
        dollars(row.lost_nano_usd),
        dollars(row.outstanding_nano_usd),
        row.created_at.slice(0, 16),
      ]),
    ),
  );
}

const dollars = (nanoUsd: string): string => `$${formatUsd(BigInt(nanoUsd))}`;

/** Payers by name; one that nobody knows by their bucket. */
async function payerNames(local: Local): Promise<(payment: Payment) => string> {
  const { users } = await local.tenants.loadAll();
  const { organizations } = await local.organizations.loadAll();
  const names = new Map(
    [...users, ...organizations].map((each) => [fundsBucketOf(each), each.name]),
  );
  return ({ bucket }) => names.get(bucket) ?? bucket;
}
