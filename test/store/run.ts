import { join } from "node:path";

/** Runs a script of this folder in a process of its own; what it printed. */
export async function run(script: string, ...args: readonly string[]): Promise<string> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, script), ...args], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [printed, complaints] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (child.exitCode !== 0)
    throw new Error(`${script} ended with ${child.exitCode}: ${complaints}`);
  return printed;
}
