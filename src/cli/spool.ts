import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { Command } from "commander";
import { type Adopted, adoptSpools, spoolFolders } from "../jobs/adopt.js";
import { systemClock } from "../kernel/clock.js";
import { noLog } from "../kernel/log.js";
import { tryLock } from "../store/sqlite/process-lock.js";
import { type CommonOptions, command } from "./command.js";
import { type Local, withLocal } from "./local.js";
import { show, UserError } from "./output.js";

export const spool = new Command("spool")
  .description("charges on their way into the store")
  .addCommand(
    command("adopt", "bring in what dead processes of a lost machine left in their spools")
      .argument("<folder>", "the data folder, its spool, or one process's folder in it")
      .action((folder: string, options: CommonOptions) =>
        withLocal(options, (local) => adopt(local, folder, options)),
      ),
  );

async function adopt({ ledger }: Local, path: string, options: CommonOptions): Promise<void> {
  if (!existsSync(path)) throw new UserError(`The folder ${path} does not exist.`);
  const folders = spoolFolders(resolve(path));
  if (folders.length === 0) throw new UserError(`There is no spool in ${path}.`);
  const adopted = await adoptSpools(folders, {
    ...{ node: "cli", store: ledger, tryLock, clock: systemClock, log: noLog },
    onWait: (nodes, ms) =>
      process.stderr.write(
        `Listening for ${nodes.join(", ")}, up to ${Math.ceil(ms / 1_000)} s: nobody has noticed yet that it is gone…\n`,
      ),
  });
  const rows = adopted.map(({ node, outcome }) =>
    typeof outcome === "string" ? { node, refused: outcome } : { node, ...outcome },
  );
  show(options, { spools: rows }, () => adopted.map(told).join("\n"));
  if (rows.some((row) => "refused" in row && row.refused !== "gone")) process.exitCode = 1;
}

function told({ node, outcome }: Adopted): string {
  if (typeof outcome === "string") return `${node}: left alone, ${WHY[outcome]}`;
  const { applied, interrupted } = outcome;
  return `${node}: ${applied} charges brought in, ${interrupted} requests closed as interrupted`;
}

const WHY = {
  alive: "its process still renews its claim; stop that first",
  in_use: "a process on this machine is using it",
  gone: "somebody else was faster",
  another_store: "this store has never heard of it",
} as const satisfies Record<Extract<Adopted["outcome"], string>, string>;
