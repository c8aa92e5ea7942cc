import type { PathParams } from "../call.js";
import { isObject } from "../json.js";
import type { Endpoint, TaskEndpoint } from "../provider.js";
import type { TaskAnswer } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import { computed } from "./compute.js";
import {
  documentQuestionAnswering,
  imageClassification,
  imageSegmentation,
  objectDetection,
  visualQuestionAnswering,
  zeroShotImageClassification,
} from "./images.js";
import { taskOf } from "./models.js";
import { imageToImage, textToImage } from "./pictures.js";
import type { Given, Pipeline } from "./pipeline.js";
import { eitherKind, featureExtraction, sentenceSimilarity } from "./sentences.js";
import {
  audioClassification,
  audioToAudio,
  automaticSpeechRecognition,
  textToAudio,
  textToSpeech,
} from "./sounds.js";
import { tabularClassification, tabularRegression } from "./tables.js";
import { fillMask, questionAnswering, tableQuestionAnswering } from "./text-answers.js";
import { textClassification, tokenClassification, zeroShotClassification } from "./text-labels.js";
import { imageToText, summarization, translation } from "./written.js";

/** Every task but chat and text generation, by the name the Hub uses. */
const PIPELINES: { readonly [task: string]: Pipeline } = {
  "audio-classification": audioClassification,
  "audio-to-audio": audioToAudio,
  "automatic-speech-recognition": automaticSpeechRecognition,
  "document-question-answering": documentQuestionAnswering,
  "feature-extraction": featureExtraction,
  "fill-mask": fillMask,
  "image-classification": imageClassification,
  "image-segmentation": imageSegmentation,
  "image-to-image": imageToImage,
  "image-to-text": imageToText,
  "object-detection": objectDetection,
  "question-answering": questionAnswering,
  "sentence-similarity": sentenceSimilarity,
  summarization,
  "table-question-answering": tableQuestionAnswering,
  "tabular-classification": tabularClassification,
  "tabular-regression": tabularRegression,
  "text-classification": textClassification,
  "text-to-audio": textToAudio,
  "text-to-image": textToImage,
  "text-to-speech": textToSpeech,
  "token-classification": tokenClassification,
  translation,
  "visual-question-answering": visualQuestionAnswering,
  "zero-shot-classification": zeroShotClassification,
  "zero-shot-image-classification": zeroShotImageClassification,
};

/** By the path's task, for any model, in the newer and the older order. */
const byTask: readonly Endpoint[] = Object.entries(PIPELINES).flatMap(([task, pipeline]) => [
  endpoint(task, `/models/{model}/pipeline/${task}`, pipeline),
  endpoint(task, `/pipeline/${task}/{model}`, pipeline),
]);

/** The two that any model of either kind can do. */
const EITHER = ["feature-extraction", "sentence-similarity"];

/** By what the model is for. */
const byModel: readonly Endpoint[] = Object.entries(PIPELINES).map(([task, pipeline]) => ({
  ...endpoint(task, "/models/{model}", EITHER.includes(task) ? eitherKind : pipeline),
  serves: ({ model = "" }: PathParams) => taskOf(model) === task,
}));

const nobodys: TaskEndpoint = {
  kind: "task",
  method: "POST",
  path: "/models/{model}",
  task: "",
  answer: ({ model }) => ({ refused: { kind: "unknown_model", about: model } }),
};

export const pipelineEndpoints: readonly Endpoint[] = [...byTask, ...byModel, nobodys];

function endpoint(task: string, path: string, pipeline: Pipeline): TaskEndpoint {
  return { kind: "task", method: "POST", path, task, answer: (ask) => run(ask, task, pipeline) };
}

function run(ask: TaskAsk, task: string, pipeline: Pipeline): TaskAnswer {
  const given = givenIn(ask);
  const made = pipeline(given);
  if ("refused" in made) return made;
  const { seconds, headers } = computed(given, task, made.units?.audioSeconds);
  const units = { ...made.units, computeSeconds: seconds };
  if ("json" in made.body) return { body: made.body, headers, units };
  const { bytes, type } = made.body.media;
  return { body: { bytes, type }, headers, units };
}

/** JSON or the file itself: the content type tells, and a body without one is a file. */
function givenIn(ask: TaskAsk): Given {
  const { body, json } = ask;
  return {
    ask,
    inputs: json.inputs,
    parameters: isObject(json.parameters) ? json.parameters : {},
    bytes: body.kind === "bytes" ? body.bytes : undefined,
  };
}
