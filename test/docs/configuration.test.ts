/** README.md names everything that the environment can set. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { builtInProviders } from "../../src/config/providers.js";

const ROOT = join(import.meta.dir, "..", "..");
const readme = await Bun.file(join(ROOT, "README.md")).text();

test("every variable that the configuration reads is named in README.md", async () => {
  const files = ["config.ts", "environment.ts", "payments.ts"].map((name) =>
    join(ROOT, "src", "config", name),
  );
  const source = (await Promise.all(files.map((file) => Bun.file(file).text()))).join("\n");
  const named = source.match(/\bTURNPIKE_[A-Z_]+\b|\bDATABASE_URL\b|(?<=")STRIPE_[A-Z_]+(?=")/g);
  const variables = new Set(named);
  expect(variables.size).toBeGreaterThan(7);
  expect([...variables].filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});

test("the key of every built-in provider is named in README.md", () => {
  const missing = builtInProviders.filter(
    ({ id, keyVariable }) =>
      !readme.includes(`\`${id}\``) || !readme.includes(`\`${keyVariable}\``),
  );
  expect(missing.map(({ id }) => id)).toEqual([]);
});
