/** `@huggingface/inference`, unmodified: how each task is asked for, and what must come of it. */
import { InferenceClient, type InferenceProvider, PROVIDERS } from "@huggingface/inference";
import { typeOfMedia } from "../../../src/tasks/media-type.js";
import { picture, sound } from "./files.js";
import type { Outcome, Row } from "./rows.js";

type Target = { readonly provider: InferenceProvider; readonly model: string };
type Ask = (client: InferenceClient, target: Target) => Promise<unknown>;

const TABLE = { Repo: ["Transformers", "Datasets"], Stars: ["36542", "4512"] };
const COLUMNS = { data: { alcohol: ["9.4", "9.8"], pH: ["3.51", "3.2"] } };

const isEmbedded = ({ model }: Target): boolean => model.startsWith("embedded/");

const ASKS: Readonly<Record<string, Ask>> = {
  "text-generation": (client, target) =>
    client.textGeneration({ ...target, inputs: "Paris is", parameters: { max_new_tokens: 8 } }),
  "feature-extraction": (client, target) =>
    client.featureExtraction({ ...target, inputs: ["a fox", "a dog"] }),
  "text-to-image": (client, target) =>
    client.textToImage({ ...target, inputs: "a fox" }, { outputType: "blob" }),
  "image-to-image": (client, target) =>
    client.imageToImage({
      ...target,
      inputs: picture,
      // One that enlarges has no use for words, and says so.
      parameters: isEmbedded(target) ? {} : { prompt: "at night" },
    }),
  "image-text-to-image": (client, target) =>
    client.imageTextToImage({ ...target, inputs: picture, parameters: { prompt: "at night" } }),
  "text-to-video": (client, target) => client.textToVideo({ ...target, inputs: "a fox runs" }),
  "image-to-video": (client, target) =>
    client.imageToVideo({ ...target, inputs: picture, parameters: { prompt: "it runs" } }),
  "image-text-to-video": (client, target) =>
    client.imageTextToVideo({ ...target, inputs: picture, parameters: { prompt: "it runs" } }),
  "image-segmentation": (client, target) =>
    client.imageSegmentation({ ...target, inputs: picture }),
  "automatic-speech-recognition": (client, target) =>
    client.automaticSpeechRecognition({ ...target, data: sound }),
  "text-to-speech": (client, target) => client.textToSpeech({ ...target, inputs: "Hello there" }),
  "text-to-audio": (client, target) => client.textToAudio({ ...target, inputs: "rain" }),
  "audio-to-audio": (client, target) => client.audioToAudio({ ...target, inputs: sound }),
  "image-to-text": (client, target) => client.imageToText({ ...target, inputs: picture }),
  "sentence-similarity": (client, target) =>
    client.sentenceSimilarity({
      ...target,
      inputs: { source_sentence: "a fox", sentences: ["a dog", "a car"] },
    }),
  "text-classification": (client, target) =>
    client.textClassification({ ...target, inputs: "I like it" }),
  "token-classification": (client, target) =>
    client.tokenClassification({ ...target, inputs: "My name is Ada and I live in London" }),
  "zero-shot-classification": (client, target) =>
    client.zeroShotClassification({
      ...target,
      inputs: "I want my money back",
      parameters: { candidate_labels: ["refund", "faq"] },
    }),
  "question-answering": (client, target) =>
    client.questionAnswering({ ...target, inputs: { question: "Where?", context: "In Paris." } }),
  "table-question-answering": (client, target) =>
    client.tableQuestionAnswering({
      ...target,
      inputs: { query: "How many?", question: "How many?", table: TABLE },
    }),
  "fill-mask": (client, target) => client.fillMask({ ...target, inputs: "[MASK] world!" }),
  summarization: (client, target) =>
    client.summarization({ ...target, inputs: "The tower is 324 metres tall. It is in Paris." }),
  translation: (client, target) => client.translation({ ...target, inputs: "My name is Ada" }),
  "audio-classification": (client, target) =>
    client.audioClassification({ ...target, data: sound }),
  "image-classification": (client, target) =>
    client.imageClassification({ ...target, data: picture }),
  "object-detection": (client, target) => client.objectDetection({ ...target, data: picture }),
  "zero-shot-image-classification": (client, target) =>
    client.zeroShotImageClassification({
      ...target,
      inputs: { image: picture },
      parameters: { candidate_labels: ["cat", "dog"] },
    }),
  "document-question-answering": (client, target) =>
    client.documentQuestionAnswering({
      ...target,
      inputs: { question: "Invoice number?", image: picture },
    }),
  "visual-question-answering": (client, target) =>
    client.visualQuestionAnswering({ ...target, inputs: { question: "Who?", image: picture } }),
  "tabular-classification": (client, target) =>
    client.tabularClassification({ ...target, inputs: COLUMNS }),
  "tabular-regression": (client, target) =>
    client.tabularRegression({ ...target, inputs: COLUMNS }),
};

/** What a task's file must be by its bytes: some of the client's helpers call everything a JPEG. */
const FILES: readonly (readonly [task: RegExp, kind: string])[] = [
  [/to-image$/, "image/"],
  [/to-video$/, "video/mp4"],
  [/^text-to-(speech|audio)$/, "audio/"],
];

/** JSON has been checked by the client. */
async function faultIn(task: string, result: unknown): Promise<string | undefined> {
  const kind = FILES.find(([tasks]) => tasks.test(task))?.[1];
  if (kind !== undefined) {
    const type = result instanceof Blob ? typeOfMedia(await result.bytes(), undefined) : "no file";
    return type.startsWith(kind) ? undefined : `${type} instead of ${kind}`;
  }
  const isEmpty = result === undefined || result === null || JSON.stringify(result).length < 3;
  return isEmpty ? "nothing came" : undefined;
}

/** Whether the client knows the task of that provider; `PROVIDERS` has a helper for each. */
const knows = ({ provider, task }: Row): boolean =>
  provider !== "openai" &&
  task in ((PROVIDERS as Readonly<Record<string, object>>)[provider] ?? {});

export async function askJavaScript(row: Row, token: string): Promise<Outcome> {
  const ask = ASKS[row.task];
  if (!ask || !knows(row)) return "none";
  const target = { provider: row.provider as InferenceProvider, model: row.model };
  try {
    const fault = await faultIn(row.task, await ask(new InferenceClient(token), target));
    return fault === undefined ? "ok" : { fault };
  } catch (thrown) {
    return { fault: thrown instanceof Error ? thrown.message.slice(0, 300) : String(thrown) };
  }
}
