import { afterAll, expect, test } from "bun:test";
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
