/** Commands as an operator types them, on a data folder of their own. */
import { join } from "node:path";
import { tempFolder } from "../support/app.js";
import { outcomeOf } from "../support/outcome.js";

const MAIN = join(import.meta.dir, "..", "..", "src", "cli", "main.ts");

export function commandLine(env: Readonly<Record<string, string>> = {}) {
  const folder = tempFolder();
  /** Exit code, what was printed, and what was complained of. */
  const run = async (...args: readonly string[]) => {
    const child = Bun.spawn([process.execPath, MAIN, ...args], {
      cwd: folder.path,
      env: { PATH: process.env.PATH ?? "", HOME: folder.path, ...env },
      stdout: "pipe",
      stderr: "pipe",
    });
    return outcomeOf(child);
  };
  return {
    folder: folder.path,
    run,
    /** What a command that must succeed prints for programs. */
    json: async (...args: readonly string[]) => {
      const { code, printed, complaint } = await run(...args, "--json");
      if (code !== 0) throw new Error(`turnpike ${args.join(" ")}: ${complaint}`);
      return JSON.parse(printed);
    },
    remove: folder.remove,
  };
}
