import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandLine } from "./support.js";

const cli = commandLine();
afterAll(cli.remove);

test("a provider that has a model for several tasks is listed once", async () => {
  const { models } = await cli.json("model", "list");
  const several = models.find(
    ({ id }: { id: string }) => id === "embedded/universal-sentence-encoder-lite",
  );
  expect(several.providers).toEqual(["embedded"]);
});

test("a model that nobody can be charged for is not listed as callable", async () => {
  writeFileSync(
    join(cli.folder, "turnpike.yaml"),
    `providers: { mine: { type: openai-compatible, base_url: "http://127.0.0.1:9" } }
models:
  - { id: my/free, task: conversational, providers: [{ provider: mine, provider_model: m, is_free: true }] }
  - { id: my/unpriced, task: conversational, providers: [{ provider: mine, provider_model: m }] }
`,
  );
  const idsOf = async (...more: readonly string[]): Promise<readonly string[]> =>
    (await cli.json("model", "list", ...more)).models.map(({ id }: { id: string }) => id);
  const callable = await idsOf();
  expect(callable).toContain("my/free");
  expect(callable).not.toContain("my/unpriced");
  expect(await idsOf("--all")).toContain("my/unpriced");
});
