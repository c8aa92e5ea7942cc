import { isObject, isString, type Json, type JsonObject } from "../json.js";
import type { Size } from "../media/picture.js";
import { below, pick, type Random } from "../random.js";
import { numberAt } from "../task/read.js";
import { WORDS } from "../words.js";
import { imageIn } from "./files.js";
import { candidatesIn, classes, guessed, softmaxed } from "./labels.js";
import { type Area, maskOf } from "./mask.js";
import { type Given, type Pipeline, required, says } from "./pipeline.js";

const THINGS = "cat,dog,person,car,tree,bicycle,chair,bird,boat,clock".split(",");
const CLASSES = [
  "cheetah, chetah, Acinonyx jubatus",
  "leopard, Panthera pardus",
  "jaguar, panther, Panthera onca, Felis onca",
  "lion, king of beasts, Panthera leo",
  "tiger, Panthera tigris",
  "tabby, tabby cat",
];

export const imageClassification: Pipeline = (given) => {
  const image = imageIn(given, given.inputs);
  if ("refused" in image) return image;
  return says(classes(CLASSES, guessed(CLASSES, given.ask.random), given.parameters));
};

export const zeroShotImageClassification: Pipeline = (given) => {
  const { inputs, parameters } = given;
  const image = imageIn(given, isObject(inputs) ? inputs.image : inputs);
  if ("refused" in image) return image;
  const labels = candidatesIn(parameters);
  if (labels.length === 0) return required("parameters.candidate_labels");
  return says(softmaxed(labels, guessed(labels, given.ask.random)));
};

export const objectDetection: Pipeline = (given) => {
  const image = imageIn(given, given.inputs);
  if ("refused" in image) return image;
  const { random } = given.ask;
  const least = numberAt(given.parameters, "threshold") ?? 0.5;
  const found = Array.from({ length: 2 + below(random, 4) }, () => {
    const { left, top, right, bottom } = areaIn(image, random);
    const box = { xmin: left, ymin: top, xmax: right, ymax: bottom };
    return { score: 0.5 + random() * 0.4999, label: pick(random, THINGS), box };
  });
  return says(found.filter(({ score }) => score >= least));
};

/** Masks of the picture's own size, white where the thing is. */
export const imageSegmentation: Pipeline = (given) => {
  const image = imageIn(given, given.inputs);
  if ("refused" in image) return image;
  const { random } = given.ask;
  const semantic = given.parameters.subtask === "semantic";
  return says(
    Array.from({ length: 1 + below(random, 3) }, (_, at) => ({
      score: semantic ? null : 0.9 + random() * 0.0999,
      label: THINGS[(at * 3 + below(random, 3)) % THINGS.length],
      mask: maskOf(image, areaIn(image, random)),
    })),
  );
};

function areaIn({ width, height }: Size, random: Random): Area {
  const left = below(random, Math.ceil(width / 2));
  const top = below(random, Math.ceil(height / 2));
  const right = Math.min(width, left + 1 + below(random, Math.ceil(width / 2)));
  const bottom = Math.min(height, top + 1 + below(random, Math.ceil(height / 2)));
  return { left, top, right, bottom };
}

/** The question and the picture; Python's client puts both beside `inputs` as well. */
function asked({ ask, inputs }: Given): JsonObject {
  if (isObject(inputs)) return inputs;
  return { question: ask.json.question, image: ask.json.image ?? inputs };
}

/** Models of the donut kind read the page as a whole and know no place. */
export const documentQuestionAnswering: Pipeline = (given) => {
  const { question, image: file } = asked(given);
  if (!isString(question)) return required("inputs.question");
  const image = imageIn(given, file);
  if ("refused" in image) return image;
  const { random } = given.ask;
  const answer = `${pick(random, WORDS)}-${String(below(random, 1000)).padStart(3, "0")}`;
  if (given.ask.model.includes("donut")) return says([{ answer }]);
  const start = below(random, 40);
  return says([{ score: 0.5 + random() * 0.49, answer, start, end: start }]);
};

export const visualQuestionAnswering: Pipeline = (given) => {
  const { question, image: file } = asked(given);
  if (!isString(question)) return required("inputs.question");
  const image = imageIn(given, file);
  if ("refused" in image) return image;
  const { random } = given.ask;
  const top = numberAt(given.parameters, "top_k") ?? 5;
  const answers: Json[] = softmaxed(ANSWERS, guessed(ANSWERS, random)).map(({ label, score }) => ({
    score,
    answer: label,
  }));
  return says(answers.slice(0, top));
};

const ANSWERS = ["yes", "no", "1", "2", "3", "blue"];
