import { Command } from "commander";
import { formatUsd } from "../kernel/money.js";
import { type Payment, printPayment } from "../ledger/payment.js";
import { fundsBucketOf } from "../tenants/user.js";
import { type CommonOptions, command } from "./command.js";
import { type Local, requireUser, withLocal } from "./local.js";
import { show, table, UserError } from "./output.js";

type ListOptions = CommonOptions & { readonly user?: string; readonly limit: string };

export const payment = new Command("payment")
  .description("credit that was bought, and what went back of it")
  .addCommand(
    command("list", "payments, newest first")
      .option("--user <name>", "of this user only")
      .option("--limit <count>", "how many at most", "100")
      .action((options: ListOptions) => withLocal(options, (local) => list(local, options))),
  );

async function list(local: Local, options: ListOptions): Promise<void> {
  if (!/^[1-9]\d{0,5}$/.test(options.limit)) {
    throw new UserError("--limit: expected a whole number from 1 to 999999");
  }
  const user = options.user === undefined ? undefined : await requireUser(local, options.user);
  const payments = await local.payments.list(user && fundsBucketOf(user), Number(options.limit));
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

/** Users by name; any other payer by their bucket. */
async function payerNames({ tenants }: Local): Promise<(payment: Payment) => string> {
  const { users } = await tenants.loadAll();
  const names = new Map(users.map((user) => [fundsBucketOf(user), user.name]));
  return ({ bucket }) => names.get(bucket) ?? bucket;
}
