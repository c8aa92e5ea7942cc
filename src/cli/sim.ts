import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { followParent } from "./lifeline.js";
import { UserError } from "./output.js";

/** The simulator stands beside the product, so it runs as a program of its own. */
export const sim = new Command("sim")
  .description(
    "stand in for every provider on this machine: --port, --seed, --config, --print-config",
  )
  .allowUnknownOption()
  .helpOption(false)
  .argument("[args...]")
  .action(async (args: readonly string[]) => {
    followParent(process.env);
    const main = join(import.meta.dir, "..", "..", "sim", "main.ts");
    if (!existsSync(main))
      throw new UserError("The simulator is only in a source checkout of Turnpike.");
    const child = Bun.spawn([process.execPath, main, ...args], {
      stdio: ["inherit", "inherit", "inherit"],
    });
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.on(signal, () => child.kill(signal));
    process.exit(await child.exited);
  });
