import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { install } from "../bin/install.mjs";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** The script behind a package's command, for Node to run; installs everything first when it is missing. */
export async function tool(name, command) {
  const description = join(root, "node_modules", name, "package.json");
  await install(root, () => existsSync(description));
  const { bin } = JSON.parse(readFileSync(description, "utf8"));
  return join(dirname(description), typeof bin === "string" ? bin : bin[command]);
}

/** Runs a program in the root folder and ends with its exit code when it fails. */
export function run(name, program, args) {
  const isScript = program.startsWith(root);
  const started = Date.now();
  const result = spawnSync(
    isScript ? process.execPath : program,
    isScript ? [program, ...args] : args,
    {
      cwd: root,
      stdio: "inherit",
      shell: process.platform === "win32",
    },
  );
  if (result.status !== 0) {
    process.stderr.write(`${name} failed\n`);
    process.exit(result.status ?? 1);
  }
  process.stdout.write(`${name}: ok (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
}
