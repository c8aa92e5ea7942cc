import { type CommonOptions, command } from "./command.js";
import { withLocal } from "./local.js";
import { show } from "./output.js";

export const audit = command("audit", "replay the whole ledger and prove that it balances").action(
  (options: CommonOptions) =>
    withLocal(options, async ({ ledger }) => {
      const report = await ledger.audit();
      show(options, report, () =>
        report.balanced
          ? `balanced: ${report.transfers} transfers over ${report.accounts} accounts`
          : `NOT balanced:\n${report.faults.join("\n")}`,
      );
      if (!report.balanced) process.exitCode = 1;
    }),
);
