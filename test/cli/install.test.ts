/** What the launcher does in a fresh clone, with an npm that takes its time and writes down that it ran. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../support/app.js";
import { outcomeOf } from "../support/outcome.js";

const BIN = join(import.meta.dir, "..", "..", "bin");
const NODE = Bun.which("node") ?? "node";
/** More than any process id. */
const NOBODY = "4194305";

let clone: ReturnType<typeof tempFolder>;

beforeEach(() => {
  clone = tempFolder();
  cpSync(BIN, join(clone.path, "bin"), { recursive: true });
  writeFileSync(join(clone.path, "package.json"), '{"type":"module","dependencies":{"bun":"1"}}');
  writeFileSync(join(clone.path, "package-lock.json"), "{}");
  npmThat(`
    sleep 0.3
    mkdir -p node_modules/bun/bin
    printf '#!/bin/sh\\necho runs "$@"\\n' > node_modules/bun/bin/bun.exe
    chmod +x node_modules/bun/bin/bun.exe
    echo '{"packages":{"node_modules/bun":{}}}' > node_modules/.package-lock.json`);
});

afterEach(() => clone.remove());

/** Puts an npm in front of the real one. */
function npmThat(does: string): void {
  const npm = join(clone.path, "tools", "npm");
  mkdirSync(join(clone.path, "tools"), { recursive: true });
  writeFileSync(npm, `#!/bin/sh\necho "$@" >> npm.log\n${does}\n`);
  chmodSync(npm, 0o755);
}

const npmRuns = (): number =>
  existsSync(join(clone.path, "npm.log"))
    ? readFileSync(join(clone.path, "npm.log"), "utf8").trim().split("\n").length
    : 0;

const lock = (): string => join(clone.path, "node_modules", ".turnpike-installs");

async function launch() {
  const child = Bun.spawn([NODE, join(clone.path, "bin", "turnpike.mjs"), "--bun", "hello"], {
    env: { PATH: `${join(clone.path, "tools")}:${process.env.PATH}` },
    stdout: "pipe",
    stderr: "pipe",
  });
  return outcomeOf(child);
}

test("programs that are started at once in a fresh clone install once, and all of them run", async () => {
  const launched = await Promise.all([launch(), launch(), launch()]);
  for (const each of launched) expect(each).toMatchObject({ code: 0, printed: "runs hello\n" });
  expect(npmRuns()).toBe(1);
  expect(launched.filter(({ complaint }) => complaint.startsWith("Waiting"))).toHaveLength(2);
  expect(existsSync(lock())).toBe(false);
  await launch();
  expect(npmRuns()).toBe(1);
});

test("an installation that was broken off is begun anew by whoever comes next", async () => {
  mkdirSync(join(clone.path, "node_modules"));
  writeFileSync(lock(), NOBODY);
  expect(await launch()).toMatchObject({ code: 0, printed: "runs hello\n" });
  expect(npmRuns()).toBe(1);
});

test("an npm that fails is said to have, and leaves the way free for the next try", async () => {
  npmThat("exit 7");
  for (const run of [1, 2]) {
    const { code, complaint } = await launch();
    expect(code).toBe(1);
    expect(complaint).toContain("npm install failed");
    expect(npmRuns()).toBe(run);
  }
});
