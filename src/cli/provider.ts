import { Command } from "commander";
import { DAY_MS } from "../kernel/clock.js";
import { formatUsd } from "../kernel/money.js";
import { printDrift } from "../ledger/credit.js";
import { type CommonOptions, command } from "./command.js";
import { withLocal } from "./local.js";
import { show, table, UserError } from "./output.js";
import { providerList } from "./provider-list.js";
import {
  providerPromote,
  providerRegister,
  providerShow,
  providerWithdraw,
} from "./provider-register.js";
import { providerTest } from "./provider-test.js";

const DAYS_MAX = 3_660;

const drift = command("drift", "our count of what requests cost, next to what providers say")
  .option("--days <number>", "how far back", "30")
  .action((options: CommonOptions & { readonly days: string }) =>
    withLocal(options, async ({ lateCosts }) => {
      const days = /^\d+$/.test(options.days) ? Number(options.days) : 0;
      if (days < 1 || days > DAYS_MAX) {
        throw new UserError(`--days: expected a whole number from 1 to ${DAYS_MAX}`);
      }
      const rows = await lateCosts.drift(Date.now() - days * DAY_MS);
      show(options, printDrift(rows), () =>
        table(
          ["provider", "requests", "counted", "reported", "drift", "above", "below", "unbilled"],
          rows.map((row) => [
            row.provider,
            String(row.requests),
            `$${formatUsd(row.counted)}`,
            `$${formatUsd(row.reported)}`,
            percent(row.reported - row.counted, row.counted),
            String(row.above),
            String(row.below),
            String(row.unbilled),
          ]),
        ),
      );
    }),
  );

/** To a hundredth of a percent. */
function percent(part: bigint, whole: bigint): string {
  if (whole === 0n) return "-";
  const hundredths = Number((part * 10_000n) / whole);
  return `${hundredths < 0 ? "" : "+"}${(hundredths / 100).toFixed(2)}%`;
}

export const provider = new Command("provider")
  .description("whom requests can go to")
  .addCommand(providerList)
  .addCommand(providerTest)
  .addCommand(providerRegister)
  .addCommand(providerShow)
  .addCommand(providerPromote)
  .addCommand(providerWithdraw)
  .addCommand(drift);
