import { formatUsd } from "../kernel/money.js";
import { printUsage, USAGE_BY } from "../store/usage.js";
import { type CommonOptions, command } from "./command.js";
import { requireUser, withLocal } from "./local.js";
import { show, table, UserError } from "./output.js";

type Options = CommonOptions & {
  readonly user: string;
  readonly by: string;
  readonly days: string;
};

const DAY_MS = 86_400_000;

export const usage = command("usage", "what a user used")
  .requiredOption("--user <name>")
  .option("--by <what>", USAGE_BY.join(", "), "model")
  .option("--days <count>", "how far back", "31")
  .action((options: Options) =>
    withLocal(options, async (local) => {
      const by = USAGE_BY.find((known) => known === options.by);
      if (!by) throw new UserError(`--by: expected one of ${USAGE_BY.join(", ")}`);
      if (!/^\d{1,4}$/.test(options.days)) throw new UserError("--days: expected a whole number");
      const user = await requireUser(local, options.user);
      const now = Date.now();
      const rows = await local.usage.summary(
        user.id,
        by,
        now - Number(options.days) * DAY_MS,
        now + 1,
      );
      const value = printUsage(by, rows);
      show(options, value, () =>
        [
          table(
            [by, "requests", "input", "output", "cost"],
            rows.map((row) => [
              row.isOwnKey ? `${row.key} (own key)` : row.key,
              String(row.requests),
              String(row.inputTokens),
              String(row.outputTokens),
              `$${formatUsd(row.cost - row.overrun)}`,
            ]),
          ),
          `Total $${formatUsd(BigInt(value.total_cost_nano_usd))}`,
        ].join("\n"),
      );
    }),
  );
