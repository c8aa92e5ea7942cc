/** POST /v1/images/generations and /v1/images/edits. Source: OpenAI API reference, Images. */
import { IMAGE_SIDE_MAX, IMAGES_MAX } from "../../kernel/limits.js";
import { isThere, type MediaSource, toBase64, toDataUri } from "../../tasks/media.js";
import type { Json } from "../../tasks/task-call.js";
import type { Asked, Door } from "./door.js";
import {
  allBut,
  flag,
  given,
  mustBe,
  number,
  oneOf,
  PLAIN,
  routing,
  someText,
  text,
  unsupported,
  whole,
} from "./fields.js";
import { fieldsOf, jsonOf, onlyFile } from "./form.js";
import { jsonAnswer, unreadable, usageOf } from "./print.js";

const READ_HERE = ["prompt", "n", "size", "response_format", "stream"];
const FORM = {
  lists: [],
  numbers: ["n", "seed", "num_inference_steps", "guidance_scale"],
  flags: ["stream"],
};

export const imageGenerations: Door = {
  parse: (body) => {
    const json = jsonOf(body);
    return {
      ...askedOf(json),
      tasks: ["text-to-image"],
      input: {
        inputs: someText(json, "prompt"),
        media: undefined,
        parameters: { ...parametersOf(json), ...sizeOf(json) },
        extra: {},
      },
    };
  },
  print,
};

export const imageEdits: Door = {
  parse: (body) => {
    const media = onlyFile(body, "image");
    const fields = fieldsOf(body, FORM);
    const size = sizeOf(fields);
    // Models that enlarge or clean up want no words; those that do refuse by name.
    const prompt = fields.prompt === undefined ? undefined : someText(fields, "prompt");
    return {
      ...askedOf(fields),
      tasks: ["image-to-image", "image-text-to-image"],
      input: {
        inputs: undefined,
        media,
        parameters: { ...parametersOf(fields), ...given({ prompt, target_size: size }) },
        extra: {},
      },
    };
  },
  print,
};

function askedOf(body: Json): Omit<Asked, "tasks" | "input"> {
  if (flag(body, "stream")) throw unsupported("stream", "images come whole");
  const format = oneOf(body, "response_format", ["b64_json", "url"]) ?? "b64_json";
  const count = whole(body, "n", 1, IMAGES_MAX) ?? 1;
  return { ...PLAIN, ...routing(body), count, wantsUrls: format === "url", format };
}

/** What image models know of besides (`num_inference_steps`, `guidance_scale`, `style`) goes on by its own name. */
function parametersOf(body: Json): Json {
  whole(body, "num_inference_steps", 1, Number.MAX_SAFE_INTEGER);
  number(body, "guidance_scale", 0, Number.MAX_VALUE);
  whole(body, "seed", 0, Number.MAX_SAFE_INTEGER);
  for (const name of ["negative_prompt", "quality", "style"]) text(body, name);
  const n = whole(body, "n", 1, IMAGES_MAX) ?? 1;
  return { ...allBut(body, READ_HERE), ...(n > 1 && { n }) };
}

const SIZE = /^(\d{1,6})x(\d{1,6})$/;

type Size = { readonly width: number; readonly height: number };

/** Undefined where the model may choose. */
function sizeOf(body: Json): Size | undefined {
  const size = text(body, "size");
  if (size === undefined || size === "auto") return undefined;
  const [width = 0, height = 0] = (SIZE.exec(size) ?? []).slice(1).map(Number);
  const isSide = (pixels: number) => pixels >= 1 && pixels <= IMAGE_SIDE_MAX;
  if (isSide(width) && isSide(height)) return { width, height };
  throw mustBe("size", `"auto" or like "1024x768", each side up to ${IMAGE_SIDE_MAX} pixels`);
}

function print(...[asked, delivered, facts]: Parameters<Door["print"]>) {
  if (delivered.kind !== "media" || delivered.media.length === 0) {
    throw unreadable("it holds no image");
  }
  const { inputTokens, outputTokens } = facts.usage;
  const total_tokens = inputTokens + outputTokens;
  const counts = { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens };
  const data = delivered.media.map((source) =>
    asked.format === "url" ? { url: urlOf(source) } : { b64_json: base64Of(source) },
  );
  return jsonAnswer(
    { created: Math.floor(facts.at / 1000), data },
    usageOf(total_tokens > 0 ? counts : {}, facts),
  );
}

/** Not every provider has a place for its images; the bytes themselves are a URL too. */
const urlOf = (source: MediaSource): string => (isThere(source) ? toDataUri(source) : source.url);

function base64Of(source: MediaSource): string {
  if (isThere(source)) return toBase64(source);
  throw unreadable("its image was not fetched");
}
