/** hf-inference's tasks but those of text generation. */
import { type Media, toBase64 } from "../../../src/tasks/media.js";
import type { Json } from "../../../src/tasks/task-call.js";
import { type OtherTask, writtenMedia } from "../exchange-files.js";
import { type OracleRow, withJson } from "./row.js";

const picture: Media = { bytes: new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1, 2]), type: "image/png" };
const sound: Media = { bytes: new Uint8Array([0x66, 0x4c, 0x61, 0x43, 3, 4]), type: "audio/flac" };
const blob = new Blob([new Uint8Array(picture.bytes)], { type: picture.type });

type Row = Omit<OracleRow, "provider" | "task">;
const rowsOf = (task: OtherTask, ...rows: readonly Row[]): OracleRow[] =>
  rows.map((row) => ({ provider: "hf-inference", task, ...row }));

const parameters = { top_k: 2 };
const textRows = (task: OtherTask, inputs: unknown, given: Json = parameters): OracleRow[] =>
  rowsOf(
    task,
    { how: "plain", inputs },
    { how: "with parameters", inputs, parameters: given },
    { how: "with more", inputs, parameters: given, extra: { options: { use_cache: false } } },
  );

const inJson = (media: Media, given: Json): NonNullable<OracleRow["but"]> => ({
  why: "the client drops parameters where it sends the bare file; we send both, as Python's does",
  ours: ({ bytes, headers, ...theirs }) => ({
    ...theirs,
    headers: { ...headers, "content-type": "application/json" },
    json: { inputs: writtenMedia(media).base64, parameters: given },
  }),
});

/** The bare file without parameters, base64 with them. */
const fileRows = (task: OtherTask, media: Media, given: Json = parameters): OracleRow[] =>
  rowsOf(
    task,
    { how: "plain", media },
    { how: "with parameters", media, parameters: given, but: inJson(media, given) },
  );

const question = { question: "How many?" };
const labels = { candidate_labels: ["cat", "dog"] };
const table = { Repo: ["A", "B"], Stars: ["10", "20"] };

export const hfInferenceRows: readonly OracleRow[] = [
  ...rowsOf(
    "feature-extraction",
    { how: "one text", inputs: "a" },
    { how: "texts", inputs: ["a", "b"], extra: { normalize: true, truncate: true } },
    {
      how: "with parameters",
      inputs: "a",
      parameters: { normalize: true },
      but: {
        why: "the options of embeddings stand beside `inputs` on this wire",
        ours: withJson(({ parameters: nested, ...json }) => ({ ...json, ...(nested as Json) })),
      },
    },
  ),
  ...textRows("sentence-similarity", { source_sentence: "a", sentences: ["b", "c"] }),
  ...textRows("text-classification", "I like it"),
  ...textRows("token-classification", "I am Ada", { aggregation_strategy: "simple" }),
  ...textRows("zero-shot-classification", ["refund please"], labels),
  ...textRows("question-answering", { ...question, context: "Two." }),
  ...textRows("table-question-answering", { query: "How many?", table }, { padding: "longest" }),
  ...textRows("fill-mask", "[MASK] world"),
  ...textRows("summarization", "A long story."),
  ...textRows("translation", ["Hallo", "Welt"], { src_lang: "de", tgt_lang: "en" }),
  ...textRows("tabular-classification", { data: { x: ["1", "2"] } }),
  ...textRows("tabular-regression", { data: { x: ["1", "2"] } }),
  ...textRows("text-to-image", "a fox", { num_inference_steps: 4, width: 256 }),
  ...textRows("text-to-speech", "hello", { generation_parameters: { top_k: 1 } }),
  ...textRows("text-to-audio", "rain", { generation_parameters: { top_k: 1 } }),
  ...fileRows("audio-classification", sound),
  ...fileRows("audio-to-audio", sound),
  ...fileRows("automatic-speech-recognition", sound, { return_timestamps: true }),
  ...fileRows("image-classification", picture),
  ...fileRows("object-detection", picture, { threshold: 0.9 }),
  ...fileRows("image-to-text", picture, { max_new_tokens: 5 }),
  ...rowsOf(
    "image-to-image",
    { how: "plain", media: picture },
    { how: "with parameters", media: picture, parameters: { prompt: "night" } },
  ),
  ...rowsOf(
    "image-segmentation",
    { how: "plain", media: picture },
    { how: "with parameters", media: picture, parameters: { threshold: 0.9 } },
  ),
  ...rowsOf("zero-shot-image-classification", {
    how: "with labels",
    media: picture,
    parameters: labels,
  }),
  ...(["document-question-answering", "visual-question-answering"] as const).flatMap((task) =>
    rowsOf(task, {
      how: "with parameters",
      inputs: { ...question, image: toBase64(picture) },
      parameters,
      args: { inputs: { ...question, image: blob }, parameters },
    }),
  ),
];
