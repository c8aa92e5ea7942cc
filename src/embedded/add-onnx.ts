/** Brings an ONNX model of the Hub into the data folder, laid out as transformers.js reads it. */
import { join } from "node:path";
import { type AddedModel, modelsFolder, recordModel } from "./added-models.js";
import { download, type Hub, HubError, type HubFile, listFiles, type Progress } from "./hub.js";
import { modelIdFrom } from "./model-id.js";
import { EMBEDDED_TASKS, type EmbeddedTask } from "./models.js";

/** Those that the engine knows how to ask. */
export const ONNX_TASKS = [
  "feature-extraction",
  "sentence-similarity",
  "text-classification",
  "token-classification",
  "fill-mask",
  "question-answering",
  "zero-shot-classification",
  "summarization",
  "translation",
  "text-generation",
  "image-classification",
  "object-detection",
  "image-to-text",
  "automatic-speech-recognition",
] as const satisfies readonly EmbeddedTask[];

export type AddOnnx = {
  readonly dataFolder: string;
  /** `owner/model` */
  readonly from: string;
  readonly task: string;
  readonly id: string | undefined;
  readonly hub: Hub;
  readonly progress: Progress;
};

/** Returns what was recorded. Throws a HubError for what whoever asked can mend. */
export async function addOnnx({
  dataFolder,
  from,
  task,
  hub,
  progress,
  ...options
}: AddOnnx): Promise<AddedModel> {
  const known = ONNX_TASKS.find((each) => each === task);
  if (!known) throw new HubError(`--task: expected one of ${ONNX_TASKS.join(", ")}.`);
  if (!/^[\w.-]+\/[\w.-]+$/.test(from))
    throw new HubError(`--onnx: expected owner/model, not "${from}".`);
  const id = modelIdFrom(options.id, from);
  const folder = join("onnx", from);
  for (const file of filesOf(await listFiles(hub, from), from)) {
    await download(hub, from, file, join(modelsFolder(dataFolder), folder, file.path), progress);
  }
  const added: AddedModel = {
    id,
    engine: "onnx",
    tasks: tasksOf(known),
    weights: folder,
    source: `hf:${from}`,
  };
  recordModel(dataFolder, added);
  return added;
}

/** Embeddings and their comparison are one thing to the clients. */
const tasksOf = (task: EmbeddedTask): AddedModel["tasks"] =>
  task === "feature-extraction" || task === "sentence-similarity"
    ? [task, ...EMBEDDED_TASKS.filter((each) => each !== task && EMBEDDING_TASKS.has(each))]
    : [task];

const EMBEDDING_TASKS = new Set<EmbeddedTask>(["feature-extraction", "sentence-similarity"]);

/** The smallest weights there are, of eight bits each, or else the full ones; and what belongs to them. */
function filesOf(all: readonly HubFile[], repository: string): HubFile[] {
  const weights = all.filter(({ path }) => /^onnx\/[^/]+\.onnx(_data)?$/.test(path));
  const small = weights.filter(({ path }) => /_quantized\.onnx(_data)?$/.test(path));
  const full = weights.filter(({ path }) => FULL.test(path));
  const chosen = small.length > 0 ? small : full;
  if (chosen.length === 0) {
    throw new HubError(
      `${repository} has no ONNX weights under onnx/. Look for a copy that has, like those of onnx-community.`,
    );
  }
  return [...all.filter(({ path }) => BELONGING.test(path)), ...chosen];
}

const FULL = /^onnx\/(model|encoder_model|decoder_model_merged)\.onnx(_data)?$/;
/** Configurations and vocabularies, and how the numbers of tokens become those of a sentence. */
const BELONGING = /^([^/]+\.(json|txt|model)|1_Pooling\/config\.json)$/;
