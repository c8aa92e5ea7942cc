/** The models that were added to a data folder: an index beside their files, which a running server reads again when it changes. */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { EMBEDDED_TASKS, type EmbeddedModel } from "./models.js";

export const modelsFolder = (dataFolder: string): string => join(dataFolder, "models");

const indexOf = (dataFolder: string): string => join(modelsFolder(dataFolder), "index.json");

const task = z.enum(EMBEDDED_TASKS);

const entrySchema = z.object({
  id: z.string(),
  engine: z.enum(["gguf", "onnx"]),
  tasks: z.tuple([task], task),
  /** Below the folder of models. */
  weights: z.string(),
  /** Where it came from, for people. */
  source: z.string(),
});

export type AddedModel = z.output<typeof entrySchema>;

const indexSchema = z.object({ models: z.array(entrySchema) });

const PACKAGE = { gguf: "node-llama-cpp", onnx: "@huggingface/transformers" } as const;

const toModel = (dataFolder: string, added: AddedModel): EmbeddedModel => ({
  id: added.id,
  tasks: added.tasks,
  engine: added.engine,
  weights: resolve(modelsFolder(dataFolder), added.weights),
  packages: [PACKAGE[added.engine]],
  licence: "see its source",
  about: `added from ${added.source}`,
});

/** What the index says now. Throws where it is damaged. */
function readIndex(dataFolder: string): AddedModel[] {
  try {
    return indexSchema.parse(JSON.parse(readFileSync(indexOf(dataFolder), "utf8"))).models;
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw new Error(`${indexOf(dataFolder)} cannot be read`, { cause: thrown });
  }
}

const isMissing = (thrown: unknown): boolean =>
  thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";

/** Adds a model, or replaces the one of its name. Readers see the old index or the new one, never half of it. */
export function recordModel(dataFolder: string, added: AddedModel): void {
  const models = [...readIndex(dataFolder).filter(({ id }) => id !== added.id), added];
  const fresh = `${indexOf(dataFolder)}.${process.pid}`;
  mkdirSync(modelsFolder(dataFolder), { recursive: true });
  writeFileSync(fresh, `${JSON.stringify({ models }, null, 2)}\n`);
  renameSync(fresh, indexOf(dataFolder));
}

/**
 * A function that answers the added models, and looks at the index only where it changed. Where that is damaged
 * `onDamage` is told once, and what was known before stays.
 */
export function addedModels(
  dataFolder: string,
  onDamage: (thrown: unknown) => void,
): () => readonly EmbeddedModel[] {
  let seen: { readonly stamp: string; readonly models: readonly EmbeddedModel[] } | undefined;
  const read = (): readonly EmbeddedModel[] => {
    try {
      return readIndex(dataFolder).map((each) => toModel(dataFolder, each));
    } catch (thrown) {
      onDamage(thrown);
      return seen?.models ?? [];
    }
  };
  return () => {
    const found = statSync(indexOf(dataFolder), { throwIfNoEntry: false });
    const stamp = found ? `${found.mtimeMs} ${found.ino} ${found.size}` : "none";
    if (seen?.stamp !== stamp) seen = { stamp, models: read() };
    return seen.models;
  };
}
