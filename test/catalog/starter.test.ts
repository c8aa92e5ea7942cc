import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { buildStarter, STARTER_FILE } from "../../scripts/build-catalog.js";
import { modelSchema, toModel } from "../../src/catalog/entry.js";
import { priceFault } from "../../src/metering/priceable.js";

/** Every provider with a chat route. */
const CHAT_PROVIDERS =
  "baseten cerebras cohere deepinfra featherless-ai fireworks-ai groq hf-inference novita nscale openai ovhcloud publicai scaleway together zai-org".split(
    " ",
  );

const text = readFileSync(STARTER_FILE, "utf8");
const catalog = JSON.parse(text) as ReturnType<typeof buildStarter>["catalog"];
const mappings = catalog.models.flatMap((model) =>
  model.providers.map((offer) => ({ ...offer, model: model.id })),
);
const page = readFileSync(new URL("../../docs/catalog.md", import.meta.url), "utf8");

/** The rows of the docs table of providers without a starter model. */
const without = (page.split("## Providers without a starter model")[1]?.split("\n## ")[0] ?? "")
  .split("\n")
  .flatMap((line) => /^\| `([\w-]+)` +\|/.exec(line)?.[1] ?? []);

test("the committed starter catalog is what the script makes", () => {
  expect(buildStarter().text).toBe(text);
});

test("making it twice gives the same text", () => {
  expect(buildStarter().text).toBe(buildStarter().text);
});

test("every model is one the catalog can read", () => {
  for (const model of catalog.models) expect(modelSchema.safeParse(model).error).toBeUndefined();
});

test("every offer can be charged, or says that it is free", () => {
  for (const entry of catalog.models) {
    for (const { task, price, isFree } of toModel(modelSchema.parse(entry), "").mappings) {
      if (!isFree)
        expect({ id: entry.id, fault: priceFault(task, price) }).toEqual({
          id: entry.id,
          fault: undefined,
        });
    }
  }
  expect(mappings.filter((mapping) => mapping.is_free).map(({ model }) => model)).toEqual([
    "zai-org/GLM-4.7-Flash",
  ]);
});

test("every price is decimal text, not negative, with at most nine decimals", () => {
  for (const { model, provider, price } of mappings) {
    expect({ model, provider, units: Object.keys(price).slice(0, 2) }).toEqual({
      model,
      provider,
      units: ["input", "output"],
    });
    for (const amount of Object.values(price)) {
      expect(amount).toMatch(/^(0|[1-9]\d*)(\.\d{0,8}[1-9])?$/);
    }
  }
});

test("no price of a million tokens is above 100 dollars and no cached one above its input", () => {
  for (const { price } of mappings) {
    expect(Math.max(Number(price.input), Number(price.output))).toBeLessThanOrEqual(100);
    expect(Number(price.cached_input ?? price.input)).toBeLessThanOrEqual(Number(price.input));
  }
});

test("writing to a cache costs no less than reading it", () => {
  const written = mappings.filter(({ price }) => price.cache_write !== undefined);
  expect(written.length).toBeGreaterThan(0);
  for (const { price } of written) {
    expect(Number(price.cache_write)).toBeGreaterThanOrEqual(Number(price.cached_input));
  }
});

test("a reply never needs more than the context holds", () => {
  for (const { context_length, max_output_tokens } of mappings) {
    if (context_length !== undefined && max_output_tokens !== undefined) {
      expect(max_output_tokens).toBeLessThanOrEqual(context_length);
    }
  }
});

test("every offer says where it was read and on which day", () => {
  for (const { source, read } of mappings) {
    expect(source).not.toBe("");
    expect(read).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    expect(read <= catalog.read).toBe(true);
  }
});

test("every offer is of a known chat provider", () => {
  for (const { provider } of mappings) expect(CHAT_PROVIDERS).toContain(provider);
});

test("a provider offers a model once", () => {
  const pairs = mappings.map(({ model, provider }) => `${model} ${provider}`);
  expect(new Set(pairs).size).toBe(pairs.length);
  expect(new Set(catalog.models.map((model) => model.id)).size).toBe(catalog.models.length);
});

test("a provider has a starter model or the docs say that it has none", () => {
  const served = new Set(mappings.map(({ provider }) => provider));
  expect(CHAT_PROVIDERS.filter((provider) => !served.has(provider))).toEqual(without.toSorted());
});

test("the file stays small", () => {
  expect(text.length).toBeLessThan(400_000);
});
