import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AddedModel, addedModels, recordModel } from "./added-models.js";

const data = mkdtempSync(join(tmpdir(), "turnpike-models-"));
afterAll(() => rmSync(data, { recursive: true }));

const toy: AddedModel = {
  id: "local/toy",
  engine: "gguf",
  tasks: ["conversational", "text-generation"],
  weights: "gguf/toy.gguf",
  source: "toy.gguf",
};

test("who reads the index sees what was added meanwhile, each name once", () => {
  const models = addedModels(data);
  expect(models()).toEqual([]);
  recordModel(data, toy);
  expect(models()).toMatchObject([
    { id: "local/toy", weights: join(data, "models/gguf/toy.gguf") },
  ]);
  recordModel(data, { ...toy, weights: "gguf/other.gguf" });
  recordModel(data, { ...toy, id: "local/second" });
  expect(models().map(({ id, weights }) => [id, weights.endsWith("other.gguf")])).toEqual([
    ["local/toy", true],
    ["local/second", false],
  ]);
  expect(models()).toBe(models());
});

test("a damaged index is named rather than taken for an empty one", () => {
  const damaged = join(data, "damaged");
  mkdirSync(join(damaged, "models"), { recursive: true });
  writeFileSync(join(damaged, "models/index.json"), "{");
  expect(() => addedModels(damaged)()).toThrow("index.json cannot be read");
  expect(() => recordModel(damaged, toy)).toThrow("index.json cannot be read");
});
