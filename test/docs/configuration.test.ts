/** README.md names everything that the environment can set. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { builtInProviders } from "../../src/config/config.js";

const ROOT = join(import.meta.dir, "..", "..");
const readme = await Bun.file(join(ROOT, "README.md")).text();

test("every variable that the configuration reads is named in README.md", async () => {
  const source = await Bun.file(join(ROOT, "src", "config", "config.ts")).text();
  const variables = new Set(source.match(/\b(?:TURNPIKE_[A-Z_]+|DATABASE_URL)\b/g));
  expect(variables.size).toBeGreaterThan(5);
  expect([...variables].filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});

test("the key of every built-in provider is named in README.md", () => {
  const missing = builtInProviders.filter(
    ({ id, keyVariable }) =>
      !readme.includes(`\`${id}\``) || !readme.includes(`\`${keyVariable}\``),
  );
  expect(missing.map(({ id }) => id)).toEqual([]);
});
