import { expect, test } from "bun:test";
import { Catalog } from "./catalog.js";
import { modelSchema, toModel } from "./entry.js";

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
  const catalog = new Catalog(
    [entry("org/m", "together"), entry("org/m", "groq")],
    [entry("org/m", "together", "0.5")],
  );
  const mappings = catalog.model("org/m")?.mappings ?? [];
  expect(mappings.map((m) => [m.provider, m.price?.input])).toEqual([
    ["together", 500_000_000n as never],
    ["groq", 180_000_000n as never],
  ]);
});

test("a slip of the finger finds the model that was meant", () => {
  const catalog = new Catalog([
    entry("meta-llama/Llama-3.1-8B-Instruct", "groq"),
    entry("Qwen/Qwen3-32B", "groq"),
  ]);
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
