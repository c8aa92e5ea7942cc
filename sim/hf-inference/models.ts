import type { TaskModel } from "../provider-facts.js";
import type { UnitPriceText } from "../units.js";

/** By the second of work on this hardware; hf-inference charges all its tasks so. */
const CPU: UnitPriceText = { compute_second: "0.000012", hardware: "cpu" };
const GPU: UnitPriceText = { compute_second: "0.00012", hardware: "2-a10-g" };

type Serving = {
  readonly price: UnitPriceText;
  readonly models: readonly string[];
};

/** What stands in for the thousands of models of the real one: those on recordings and in its documentation. */
const SERVED: { readonly [task: string]: Serving } = {
  "audio-classification": { price: CPU, models: ["superb/hubert-large-superb-er"] },
  "audio-to-audio": { price: CPU, models: ["speechbrain/sepformer-wham"] },
  "automatic-speech-recognition": {
    price: GPU,
    models: ["openai/whisper-large-v3", "facebook/wav2vec2-large-960h-lv60-self"],
  },
  "document-question-answering": {
    price: CPU,
    models: ["impira/layoutlm-document-qa", "naver-clova-ix/donut-base-finetuned-docvqa"],
  },
  "feature-extraction": {
    price: CPU,
    models: [
      "facebook/bart-base",
      "intfloat/multilingual-e5-large",
      "sentence-transformers/distilbert-base-nli-mean-tokens",
      "sentence-transformers/paraphrase-albert-small-v2",
    ],
  },
  "fill-mask": { price: CPU, models: ["google-bert/bert-base-uncased"] },
  "image-classification": { price: CPU, models: ["google/vit-base-patch16-224"] },
  "image-segmentation": { price: CPU, models: ["facebook/detr-resnet-50-panoptic"] },
  "image-to-image": {
    price: GPU,
    models: ["lllyasviel/sd-controlnet-canny", "lllyasviel/sd-controlnet-depth"],
  },
  "image-to-text": {
    price: CPU,
    models: ["nlpconnect/vit-gpt2-image-captioning", "Salesforce/blip-image-captioning-base"],
  },
  "object-detection": { price: CPU, models: ["facebook/detr-resnet-50"] },
  "question-answering": { price: CPU, models: ["deepset/roberta-base-squad2"] },
  "sentence-similarity": {
    price: CPU,
    models: [
      "sentence-transformers/all-MiniLM-L6-v2",
      "sentence-transformers/paraphrase-xlm-r-multilingual-v1",
    ],
  },
  summarization: {
    price: CPU,
    models: ["facebook/bart-large-cnn", "google/pegasus-xsum", "sshleifer/distilbart-cnn-12-6"],
  },
  "table-question-answering": { price: CPU, models: ["google/tapas-base-finetuned-wtq"] },
  "tabular-classification": { price: CPU, models: ["vvmnnnkv/wine-quality"] },
  "tabular-regression": { price: CPU, models: ["scikit-learn/Fish-Weight"] },
  "text-classification": {
    price: CPU,
    models: ["distilbert/distilbert-base-uncased-finetuned-sst-2-english"],
  },
  "text-generation": {
    price: GPU,
    models: [
      "openai-community/gpt2",
      "HuggingFaceH4/zephyr-7b-alpha",
      "google/flan-t5-large",
      "google/flan-t5-xxl",
      "OpenAssistant/oasst-sft-4-pythia-12b-epoch-3.5",
    ],
  },
  "text-to-audio": { price: GPU, models: ["facebook/musicgen-small"] },
  "text-to-image": {
    price: GPU,
    models: ["CompVis/stable-diffusion-v1-4", "stabilityai/stable-diffusion-2"],
  },
  "text-to-speech": { price: GPU, models: ["espnet/kan-bayashi_ljspeech_vits"] },
  "token-classification": {
    price: CPU,
    models: ["dbmdz/bert-large-cased-finetuned-conll03-english"],
  },
  translation: { price: CPU, models: ["google-t5/t5-base"] },
  "visual-question-answering": { price: CPU, models: ["dandelin/vilt-b32-finetuned-vqa"] },
  "zero-shot-classification": { price: CPU, models: ["facebook/bart-large-mnli"] },
  "zero-shot-image-classification": {
    price: CPU,
    models: ["openai/clip-vit-large-patch14-336"],
  },
};

/** What models were called before. */
const OLD_NAMES: { readonly [old: string]: string } = {
  "bert-base-uncased": "google-bert/bert-base-uncased",
  "distilbert-base-uncased-finetuned-sst-2-english":
    "distilbert/distilbert-base-uncased-finetuned-sst-2-english",
  gpt2: "openai-community/gpt2",
  "meta-llama/Meta-Llama-3.1-8B-Instruct": "meta-llama/Llama-3.1-8B-Instruct",
  "t5-base": "google-t5/t5-base",
};

export const taskModels: readonly TaskModel[] = Object.entries(SERVED).flatMap(
  ([task, { price, models }]) => models.map((id) => ({ id, hub: id, task, price })),
);

const TASKS: ReadonlyMap<string, string> = new Map(taskModels.map(({ id, task }) => [id, task]));

export const currentName = (model: string): string => OLD_NAMES[model] ?? model;

/** Undefined for a model that nobody serves here. */
export const taskOf = (model: string): string | undefined => TASKS.get(currentName(model));

export const hardwareOf = (task: string): string => SERVED[task]?.price.hardware ?? "cpu";
