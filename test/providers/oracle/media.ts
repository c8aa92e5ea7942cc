/** Pictures, films and sounds. */
import type { Media } from "../../../src/tasks/media.js";
import type { Json } from "../../../src/tasks/task-call.js";
import { falRows } from "./fal-ai.js";
import {
  alone,
  bare,
  bytes,
  type Case,
  extra,
  file,
  lora,
  more,
  mp3,
  night,
  picture,
  png,
  rowsOf,
  size,
  steps,
  text,
} from "./questions.js";
import { type OracleRow, type Sent, withJson } from "./row.js";

/** For APIs that look at `size` only. */
const sizeAdded: NonNullable<OracleRow["but"]> = {
  why: "with `size` too, as Python's client has it: the API looks at no other",
  ours: withJson((json) => ({ ...json, size: "768x512" })),
};

/** Replicate's models are `owner/name`, or one version of that. */
const versions = (cases: readonly Case[]): readonly Case[] => [
  ...cases,
  ...cases.map((one) => ({
    ...one,
    how: `${one.how}, by one version`,
    model: "org/model:5599ed30",
  })),
];

const replicate: readonly OracleRow[] = [
  ...rowsOf(
    "replicate",
    "text-to-image",
    versions([...text, { ...bare, how: "by an adapter", lora }]),
  ),
  ...rowsOf(
    "replicate",
    "image-to-image",
    versions([...picture, { ...picture[0], how: "by an adapter", lora }]),
  ),
  ...rowsOf("replicate", "text-to-video", versions(text)),
  ...rowsOf("replicate", "text-to-speech", versions(text)),
  ...rowsOf(
    "replicate",
    "automatic-speech-recognition",
    versions([
      { how: "a sound", media: mp3 },
      { how: "with options", media: file(""), parameters: { language: "en" }, extra },
    ]),
  ),
];

const transcriptions: readonly Case[] = [
  { how: "a sound", media: mp3 },
  ...[
    "audio/wav",
    "audio/mp3",
    "audio/mp4",
    "audio/x-m4a",
    "audio/x-flac",
    "audio/ogg",
    "audio/webm",
    "audio/aac",
  ].map((type) => ({ how: type, media: file(type) })),
  { how: "bytes without a type", media: file(""), args: { inputs: bytes.buffer } },
  {
    how: "with options",
    media: mp3,
    parameters: {
      language: "en",
      temperature: 0,
      diarize: true,
      chunking: { size: 1 },
      prompt: null,
    },
    extra,
  },
];

const recorder: Case = { how: "what a browser records", media: file("audio/webm;codecs=opus") };

/** The name of the file in a form. */
const named =
  (fileName: string) =>
  (theirs: Sent): Sent => ({
    ...theirs,
    form: (theirs.form ?? []).map((field) => ("text" in field ? field : { ...field, fileName })),
  });

const together: readonly OracleRow[] = [
  ...rowsOf("together", "text-to-image", [
    ...text,
    { ...bare, how: "of a size, in steps", parameters: { ...steps, ...size } },
  ]),
  ...rowsOf("together", "image-to-image", [
    ...picture,
    { how: "a picture without a type", media: file(""), parameters: { ...night, ...steps } },
    { how: "a picture without a text", media: png },
    { ...picture[0], how: "by Kontext", model: "black-forest-labs/FLUX.1-Kontext-pro" },
    { ...picture[0], how: "by what is called like it", model: "org/kontext-2" },
  ]),
  ...rowsOf("together", "text-to-video", [
    ...text,
    { ...bare, how: "of a size, in steps", parameters: { ...steps, target_size: size } },
    { ...bare, how: "of a width", parameters: { target_size: { width: 768 } } },
  ]),
  ...rowsOf("together", "image-to-video", [
    ...picture,
    { how: "of a size, in steps", media: file(""), parameters: { ...steps, target_size: size } },
  ]),
  ...rowsOf("together", "text-to-speech", [
    ...text,
    { ...bare, how: "by Kokoro", model: "hexgrad/Kokoro-82M" },
    { ...bare, how: "in a voice", model: "hexgrad/Kokoro-82M", parameters: { voice: "af_sky" } },
  ]),
  ...rowsOf("together", "automatic-speech-recognition", [
    ...transcriptions,
    { how: "a link", inputs: "https://example.com/a.mp3", parameters: { language: "en" } },
    {
      ...recorder,
      but: {
        why: "named after what it is, as for DeepInfra; the client takes the codec for part of the type",
        ours: named("audio.webm"),
      },
    },
  ]),
];

const openAiShaped: readonly OracleRow[] = [
  ...(["deepinfra", "nscale"] as const).flatMap((provider) =>
    rowsOf(provider, "text-to-image", [
      ...text,
      { ...bare, how: "of a size", parameters: { ...steps, ...size }, but: sizeAdded },
      { ...bare, how: "of a size in one word", parameters: { ...steps, size: "1024x1024" } },
    ]),
  ),
  ...rowsOf("deepinfra", "text-to-speech", text),
  ...rowsOf("deepinfra", "automatic-speech-recognition", [...transcriptions, recorder]),
];

const wavespeed: readonly OracleRow[] = [
  ...(["text-to-image", "text-to-video"] as const).flatMap((task) =>
    rowsOf("wavespeed", task, [
      ...text,
      {
        ...bare,
        how: "with pictures that have no meaning",
        parameters: { images: ["a"], ...size },
      },
      { ...bare, how: "by an adapter", lora, parameters: more },
    ]),
  ),
  ...(["image-to-image", "image-to-video"] as const).flatMap((task) =>
    rowsOf("wavespeed", task, [
      ...picture,
      { how: "a picture without a text", media: png },
      {
        how: "a picture and more",
        media: png,
        parameters: { ...night, images: ["https://a/b.png"] },
      },
      { how: "a picture and nonsense", media: png, parameters: { ...night, images: [1] } },
      { ...picture[0], how: "by an adapter", lora },
    ]),
  ),
  ...(["image-text-to-image", "image-text-to-video"] as const).flatMap((task) =>
    rowsOf("wavespeed", task, [...picture, alone]),
  ),
];

const minimax = (how: string, parameters: Json, media?: Media): Case => ({
  how,
  model: "MiniMax-H3",
  ...(media && { media }),
  parameters: { ...night, ...parameters },
});

const sizes = [
  [1920, 1080],
  [1104, 1104],
  [1105, 1105],
  [1440, 2560],
  [3440, 1440],
  [600, 800],
].map(([width, height]) => minimax(`${width} by ${height}`, { target_size: { width, height } }));

const novita: readonly OracleRow[] = [
  ...rowsOf("novita", "text-to-video", [...text, { ...bare, how: "in steps", parameters: steps }]),
  ...rowsOf("novita", "image-text-to-video", [
    minimax("a picture", {}, png),
    minimax("a picture without a type", { target_size: size }, file("")),
    minimax("a text alone", { ...steps, watermark: false }),
    minimax("in its own words", { resolution: "2K", duration: 6, ratio: "4:3" }),
    ...[0, 95, 108, 109, 240, 1_000].map((num_frames) =>
      minimax(`${num_frames} frames`, { num_frames }),
    ),
    ...sizes,
  ]),
];

const zai: readonly OracleRow[] = [
  ...rowsOf("zai-org", "text-to-image", [
    ...text,
    { ...bare, how: "of a size", parameters: size, but: sizeAdded },
  ]),
  ...rowsOf("zai-org", "image-to-text", [
    { how: "a page", media: png },
    { how: "a page without a type", media: file("") },
  ]),
];

export const mediaRows: readonly OracleRow[] = [
  ...falRows,
  ...replicate,
  ...together,
  ...openAiShaped,
  ...wavespeed,
  ...novita,
  ...zai,
];
