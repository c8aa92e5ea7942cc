import type { Json } from "../../../src/tasks/task-call.js";
import {
  alone,
  bare,
  bytes,
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
  text,
} from "./questions.js";
import { type OracleRow, withJson } from "./row.js";

const falSize: NonNullable<OracleRow["but"]> = {
  why: "with `image_size` too, as Python's client has it: fal looks at no other",
  ours: withJson((json) => ({ ...json, image_size: size })),
};

export const falRows: readonly OracleRow[] = [
  ...rowsOf("fal-ai", "text-to-image", [
    ...text,
    { ...bare, how: "of a size", parameters: { ...more, ...size }, but: falSize },
    { ...bare, how: "by an adapter", model: "fal-ai/flux-lora", lora, parameters: more },
    { ...bare, how: "by an adapter of any model", model: "fal-ai/lora", lora },
  ]),
  ...rowsOf("fal-ai", "image-to-image", [
    ...picture,
    { ...picture[0], how: "by an adapter", lora },
    { how: "bytes without a type", media: file(""), args: { inputs: bytes.buffer } },
    { how: "of a size", media: png, parameters: { ...night, target_size: size }, but: falSize },
  ]),
  ...rowsOf("fal-ai", "image-text-to-image", [
    ...picture,
    { ...alone, model: "fal-ai/flux-2/edit" },
    { ...alone, how: "a text alone, by an adapter", model: "fal-ai/flux-2/lora/edit", lora },
  ]),
  ...rowsOf("fal-ai", "text-to-video", [...text, { ...bare, how: "by an adapter", lora }]),
  ...rowsOf("fal-ai", "image-to-video", [
    ...picture,
    { ...picture[0], how: "by an adapter", lora },
  ]),
  ...rowsOf("fal-ai", "image-text-to-video", [
    ...picture,
    { ...alone, model: "fal-ai/wan/v2/image-to-video" },
    { ...alone, how: "a text alone, by an adapter", model: "fal-ai/wan/v2/lora", lora },
  ]),
  ...rowsOf("fal-ai", "image-segmentation", picture),
  ...rowsOf("fal-ai", "automatic-speech-recognition", [
    { how: "a sound", media: mp3, extra },
    ...[
      "audio/mp3",
      "audio/wav",
      "audio/wave",
      "audio/x-wav",
      "audio/webm;codecs=opus",
      "video/webm",
    ].map((type) => ({ how: type, media: file(type) })),
    {
      how: "with options",
      media: mp3,
      parameters: { language: "en" },
      extra,
      but: {
        why: "with parameters beside the sound, as Python's client has them: fal looks nowhere else",
        ours: withJson(({ parameters, ...json }) => ({ ...json, ...(parameters as Json) })),
      },
    },
  ]),
  ...rowsOf("fal-ai", "text-to-speech", text),
  ...rowsOf("fal-ai", "text-to-audio", text),
  ...rowsOf("fal-ai", "audio-to-audio", [
    { how: "a sound", media: mp3 },
    { how: "with options", media: file("audio/wav"), parameters: { prompt: "be kind" }, extra },
  ]),
];
