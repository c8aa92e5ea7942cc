/** Running scripts with the Python that has the clients' packages. A script reads JSON and prints JSON. */
import { existsSync } from "node:fs";
import { join } from "node:path";

const OWN_PYTHON = join(import.meta.dir, "../../.venv/bin/python");

/** The first Python that has these packages: the one of the repository's own `.venv`, or the system's. */
export function findPython(packages: readonly string[]): string | undefined {
  const places = existsSync(OWN_PYTHON) ? [OWN_PYTHON, "python3"] : ["python3"];
  return places.find((place) => {
    if (!Bun.which(place)) return false;
    return Bun.spawnSync([place, "-c", `import ${packages.join(", ")}`]).exitCode === 0;
  });
}

/** `script` beside this file; what it printed. */
export async function runPython<Answer>(
  python: string | undefined,
  script: string,
  input: object,
  env: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const child = Bun.spawn([python ?? "", join(import.meta.dir, script)], {
    stdin: Buffer.from(JSON.stringify(input)),
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH: process.env.PATH, HF_HUB_DISABLE_TELEMETRY: "1", NO_PROXY: "*", ...env },
  });
  const [out, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`${script} failed:\n${errors}`);
  return JSON.parse(out) as Answer;
}
