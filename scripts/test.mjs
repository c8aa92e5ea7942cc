// Runs the tests with Bun and ends with the line "N passed, N failed". Arguments narrow what runs, as for `bun test`.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { root, tool } from "./tools.mjs";

await tool("typescript", "tsc");
const FAILED_FIRST = 1;
const args = process.argv.slice(2);
const runner = spawn(
  process.execPath,
  [join(root, "bin", "turnpike.mjs"), "--bun", "test", "--timeout", "60000", ...args],
  { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
);
const counts = { pass: 0, fail: 0, skip: 0 };
let isIncomplete = true;
const read = (out) => (chunk) => {
  const text = String(chunk);
  out.write(text);
  for (const [, count, kind] of text.matchAll(/^\s*(\d+) (pass|fail|skip)$/gm)) {
    counts[kind] = Number(count);
    isIncomplete = false;
  }
};
runner.stdout.on("data", read(process.stdout));
runner.stderr.on("data", read(process.stderr));
runner.on("close", (code) => {
  // A run that ended without its closing lines, or badly without a failed test, is a failure of its own.
  if (isIncomplete || (code !== 0 && counts.fail === 0)) counts.fail += FAILED_FIRST;
  const skipped = counts.skip > 0 ? `, ${counts.skip} skipped` : "";
  process.stdout.write(`${counts.pass} passed, ${counts.fail} failed${skipped}\n`);
  process.exit(counts.fail > 0 ? 1 : 0);
});
