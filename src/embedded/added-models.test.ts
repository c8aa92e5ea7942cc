import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AddedModel, addedModels, recordModel } from "./added-models.js";

const data = mkdtempSync(join(tmpdir(), "turnpike-models-"));
afterAll(() => rmSync(data, { recursive: true }));

const never = (thrown: unknown): never => {
  throw thrown;
};

const toy: AddedModel = {
  id: "local/toy",
  engine: "gguf",
  tasks: ["conversational", "text-generation"],
  weights: "gguf/toy.gguf",
  source: "toy.gguf",
};

test("who reads the index sees what was added meanwhile, each name once", () => {
  const models = addedModels(data, never);
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

test("a damaged index is told once and not taken for an empty one, and nothing is written over it", () => {
  const other = join(data, "other");
  recordModel(other, toy);
  const told: unknown[] = [];
  const models = addedModels(other, (thrown) => told.push(thrown));
  const before = models();
  writeFileSync(join(other, "models/index.json"), "{");
  expect([models(), models()]).toEqual([before, before]);
  expect(told.map(String)).toEqual([expect.stringContaining("index.json cannot be read")]);
  expect(() => recordModel(other, toy)).toThrow("index.json cannot be read");
});
