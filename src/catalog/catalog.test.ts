import { expect, test } from "bun:test";
import type { PricePerMillion } from "../kernel/money.js";
import { Catalog } from "./catalog.js";
import { modelSchema, toModel } from "./entry.js";
import { type KnownModel, type StoredMapping, tagsSubject } from "./stored.js";

const entry = (id: string, provider: string, price = "0.18") =>
  toModel(
    modelSchema.parse({
      id,
      task: "conversational",
      providers: [{ provider, provider_model: "x", price: { input: price, output: price } }],
    }),
    "test",
  );

test("a later source overrides one provider's mapping and leaves the others", () => {
  const catalog = new Catalog({
    starter: [entry("org/m", "together"), entry("org/m", "groq")],
    file: [entry("org/m", "together", "0.5")],
  });
  const mappings = catalog.model("org/m")?.mappings ?? [];
  expect(mappings.map((m) => [m.provider, m.price?.input])).toEqual([
    ["together", 500_000_000n as never],
    ["groq", 180_000_000n as never],
  ]);
});

test("a slip of the finger finds the model that was meant", () => {
  const catalog = new Catalog({
    starter: [entry("meta-llama/Llama-3.1-8B-Instruct", "groq"), entry("Qwen/Qwen3-32B", "groq")],
  });
  expect(catalog.similar("meta-llama/Llama-3.1-8B-Instrct")).toEqual([
    "meta-llama/Llama-3.1-8B-Instruct",
  ]);
  expect(catalog.similar("qwen3-32b")).toEqual(["Qwen/Qwen3-32B"]);
  expect(catalog.similar("zzzzzzzz")).toEqual([]);
});

test("prices that are not decimal text are refused with the text in the message", () => {
  const written = { provider: "p", provider_model: "x", price: { input: "1e-3" } };
  const result = modelSchema.safeParse({ id: "a/b", task: "conversational", providers: [written] });
  expect(result.error?.issues[0]?.message).toContain('not "1e-3"');
});

const AT = Date.UTC(2026, 10, 28);
const row = (model: string, input: bigint, facts: Partial<StoredMapping> = {}): StoredMapping => ({
  ...{ id: "0".repeat(24), provider: "acme", task: "conversational" },
  ...{ subject: { kind: "model", model }, providerModel: "m-1", status: "live", facts: {} },
  price: {
    ...{ price: { input: input as PricePerMillion }, isFree: false },
    ...{ source: "a list", setBy: "ada", validFrom: AT },
  },
  ...{ createdAt: AT, changedAt: AT },
  ...facts,
});
const lora = (id: string, ...tags: string[]): KnownModel => ({
  ...{ id, pipelineTag: "text-to-image", tags: ["lora", ...tags], loraWeights: `${id}.st` },
  ...{ source: "the Hub", readAt: AT },
});
const pricesIn = (catalog: Catalog, id: string) =>
  catalog.model(id)?.mappings.map(({ provider, price }) => [provider, price?.input]);

test("the store overrides the starter catalog, and the file both", () => {
  const catalog = new Catalog({
    starter: [entry("org/m", "acme", "0.1"), entry("org/m", "groq", "0.2")],
    file: [entry("org/m", "groq", "0.3")],
  });
  catalog.loadStored("acme", [row("org/m", 7n), row("org/other", 8n)]);
  catalog.loadStored("groq", [row("org/m", 9n, { provider: "groq" })]);
  expect(pricesIn(catalog, "org/m")).toEqual([
    ["groq", 300_000_000n as never],
    ["acme", 7n as never],
  ]);
  expect(pricesIn(catalog, "org/other")).toEqual([["acme", 8n as never]]);
  catalog.loadAllStored([]);
  expect(pricesIn(catalog, "org/m")).toEqual([
    ["groq", 300_000_000n as never],
    ["acme", 100_000_000n as never],
  ]);
  expect(catalog.model("org/other")).toBeUndefined();
});

test("what a reload does not change stays the same object", () => {
  const catalog = new Catalog({ starter: [entry("org/m", "groq")] });
  const rows = () => [row("org/m", 7n), row("org/n", 8n)];
  catalog.loadStored("acme", rows());
  const [m, n] = [catalog.model("org/m"), catalog.model("org/n")];
  catalog.loadAllStored(rows());
  catalog.loadKnown({ models: [lora("org/lora")], renames: [] });
  expect(catalog.model("org/m")).toBe(m as never);
  expect(catalog.model("org/n")).toBe(n as never);
  catalog.loadStored("acme", [row("org/m", 7n), row("org/n", 9n)]);
  expect(catalog.model("org/m")).toBe(m as never);
  expect(catalog.model("org/n")?.mappings[0]).not.toBe(n?.mappings[0] as never);
  expect(n?.mappings[0]?.price?.input).toBe(8n as never);
});

test("a tag filter is for each known model with all of its tags, unless one has a mapping of its own", () => {
  const catalog = new Catalog({});
  const subject = tagsSubject(["lora", "base:flux"]);
  const filter = row("", 5n, { subject, task: "text-to-image", providerModel: "flux-lora" });
  const own = row("org/b", 6n, { task: "text-to-image" });
  catalog.loadStored("acme", [filter, own]);
  expect([...catalog.all()].map(({ id }) => id)).toEqual(["org/b"]);
  const models = [lora("org/a", "base:flux"), lora("org/b", "base:flux"), lora("org/c")];
  catalog.loadKnown({ models, renames: [] });
  expect(catalog.model("org/a")?.mappings).toEqual([
    expect.objectContaining({
      modelId: "org/a",
      providerModel: "flux-lora",
      loraWeights: "org/a.st",
      tags: ["base:flux", "lora"],
    }),
  ]);
  expect(pricesIn(catalog, "org/b")).toEqual([["acme", 6n as never]]);
  expect(catalog.model("org/c")).toBeUndefined();
  const before = catalog.model("org/a")?.mappings[0];
  catalog.loadKnown({ models: models.toReversed(), renames: [] });
  expect(catalog.model("org/a")?.mappings[0]).toBe(before as never);
});

test("a renamed model answers to both names, with the offers that are written under either", () => {
  const catalog = new Catalog({
    starter: [entry("old/m", "groq"), entry("older/m", "together")],
    renames: [{ from: "older/m", to: "old/m" }],
  });
  catalog.loadStored("acme", [row("new/m", 7n)]);
  catalog.loadKnown({ models: [], renames: [{ from: "old/m", to: "new/m" }] });
  for (const id of ["new/m", "old/m", "older/m"]) {
    const model = catalog.model(id);
    expect(model?.id).toBe("new/m");
    expect(model?.mappings.map(({ provider, modelId }) => [provider, modelId])).toEqual([
      ["acme", "new/m"],
      ["groq", "new/m"],
      ["together", "new/m"],
    ]);
  }
  expect([...catalog.all()].map(({ id }) => id)).toEqual(["new/m"]);
  const moved = catalog.model("old/m")?.mappings[1];
  catalog.loadStored("acme", [row("new/m", 8n)]);
  expect(catalog.model("old/m")?.mappings[1]).toBe(moved as never);
  catalog.loadKnown({ models: [], renames: [] });
  expect(catalog.model("new/m")?.mappings).toHaveLength(1);
  expect(catalog.model("older/m")?.id).toBe("old/m");
});

test("offers are found by their provider's own names, and by the version at the end of one", () => {
  const catalog = new Catalog({ starter: [entry("org/m", "groq")] });
  catalog.loadStored("acme", [row("org/m", 1n, { providerModel: "owner/m:v1" })]);
  const idsOf = (provider: string, name: string) =>
    catalog.named(provider, name).map(({ modelId, provider: by }) => `${modelId} by ${by}`);
  expect(idsOf("groq", "x")).toEqual(["org/m by groq"]);
  expect(idsOf("acme", "owner/m:v1")).toEqual(["org/m by acme"]);
  expect(idsOf("acme", "v1")).toEqual(["org/m by acme"]);
  expect(idsOf("acme", "owner/m")).toEqual([]);
  catalog.loadStored("acme", [row("org/m", 1n, { providerModel: "owner/m:v2" })]);
  expect(idsOf("acme", "v1")).toEqual([]);
  expect(idsOf("acme", "v2")).toEqual(["org/m by acme"]);
});

test("what is known of models comes, changes and goes without touching the others", () => {
  const catalog = new Catalog({ starter: [entry("org/m", "groq"), entry("org/n", "groq")] });
  const known = (...models: KnownModel[]) => catalog.loadKnown({ models, renames: [] });
  const before = catalog.model("org/n");
  known(lora("org/m", "a"));
  expect(catalog.model("org/m")?.tags).toEqual(["lora", "a"]);
  const tagged = catalog.model("org/m");
  known(lora("org/m", "a"), lora("org/unserved"));
  expect(catalog.model("org/m")).toBe(tagged as never);
  known(lora("org/m", "b"));
  expect(catalog.model("org/m")?.tags).toEqual(["lora", "b"]);
  expect(catalog.known("org/unserved")).toBeUndefined();
  known();
  expect(catalog.model("org/m")?.tags).toBeUndefined();
  expect(catalog.model("org/n")).toBe(before as never);
});

test("names that go round in a circle are names of their own", () => {
  const catalog = new Catalog({
    starter: [entry("a/m", "groq"), entry("b/m", "groq")],
    renames: [
      { from: "a/m", to: "b/m" },
      { from: "b/m", to: "a/m" },
    ],
  });
  expect(catalog.model("a/m")?.id).toBe("a/m");
  expect(catalog.model("b/m")?.id).toBe("b/m");
});

test("a provider that tells its offers itself offers nothing else", () => {
  const catalog = new Catalog({ file: [entry("org/m", "embedded"), entry("org/m", "groq")] });
  catalog.loadStored("embedded", [row("org/n", 1n, { provider: "embedded" })]);
  catalog.offer("embedded", [entry("org/own", "embedded")]);
  expect(catalog.model("org/m")?.mappings.map(({ provider }) => provider)).toEqual(["groq"]);
  expect(catalog.model("org/n")).toBeUndefined();
  catalog.offer("embedded", []);
  expect(catalog.model("org/own")).toBeUndefined();
});
