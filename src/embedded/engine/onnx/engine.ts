/** The engine for ONNX models of the Hub, by the optional package transformers.js. */
import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { EmbeddedModel, EmbeddedTask } from "../../models.js";
import { badInput } from "../../refusal.js";
import {
  type Answer,
  type Engine,
  jsonAnswer,
  type LoadedModel,
  type Question,
} from "../engine.js";
import type { Loaded, OnnxTask } from "./onnx-task.js";
import * as pictures from "./picture-tasks.js";
import { poolingOf } from "./pooling.js";
import * as sentences from "./sentence-tasks.js";
import { transcribe } from "./speech.js";
import * as texts from "./text-tasks.js";
import { importTransformers } from "./transformers.js";

const TASKS: { readonly [Task in EmbeddedTask]?: OnnxTask } = {
  "feature-extraction": sentences.features,
  "sentence-similarity": sentences.similarities,
  "text-classification": texts.classify,
  "token-classification": texts.findEntities,
  "fill-mask": texts.fillMask,
  "question-answering": texts.answerQuestion,
  "zero-shot-classification": texts.chooseLabels,
  summarization: texts.summarize,
  translation: texts.translate,
  "text-generation": texts.goOn,
  "image-classification": pictures.classify,
  "object-detection": pictures.detect,
  "image-to-text": pictures.describe,
  "automatic-speech-recognition": transcribe,
};

export const onnxEngine: Engine = { load };

async function load({ id, tasks, weights: folder }: EmbeddedModel): Promise<LoadedModel> {
  const module = await importTransformers();
  const owner = dirname(folder);
  // What runs was brought by whoever runs this server; nothing is fetched because somebody asked.
  Object.assign(module.env, {
    allowRemoteModels: false,
    localModelPath: dirname(owner),
    useFSCache: false,
  });
  const [task] = tasks;
  const name = `${basename(owner)}/${basename(folder)}`;
  // To the library, sentences are compared by what it extracts.
  const pipelineTask = task === "sentence-similarity" ? "feature-extraction" : task;
  const pipeline = await module.pipeline(pipelineTask, name, {
    dtype: typeOf(folder),
    device: "cpu",
  });
  const loaded: Loaded = { module, pipeline, pooling: poolingOf(folder) };
  return {
    answer: (question) => answer(id, loaded, question),
    unload: async () => {
      await pipeline.dispose();
    },
  };
}

const typeOf = (folder: string): "q8" | "fp32" =>
  readdirSync(join(folder, "onnx")).some((name) => name.endsWith("_quantized.onnx"))
    ? "q8"
    : "fp32";

async function answer(id: string, loaded: Loaded, question: Question): Promise<Answer> {
  const work = TASKS[question.task];
  if (!work || question.form !== "task") throw badInput(`Model ${id} is not asked in this form.`);
  return jsonAnswer(await work(loaded, question));
}
