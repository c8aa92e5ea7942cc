import type { Json, JsonObject } from "../json.js";
import { base64, link, type Media } from "../media/make.js";
import type { TaskEndpoint } from "../provider.js";
import { badRequest, type Given, json, type TaskAnswer } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import { type DrawingHabits, type Drawn, draw } from "../task/draw.js";

type Form = "b64_json" | "url";

/** One provider's way of OpenAI's image generation. */
export type ImagesHabits = DrawingHabits & {
  readonly path: string;
  /** What each `response_format` means here; the first is the usual one. */
  readonly forms: { readonly [name: string]: Form };
  /** A field of the request this provider needs or refuses. */
  readonly refuse?: (ask: TaskAsk) => TaskAnswer | undefined;
  /** Where one path serves several. */
  readonly task?: (ask: TaskAsk) => string;
  readonly entry?: (picture: JsonObject, index: number, drawn: Drawn) => JsonObject;
  readonly whole?: (data: readonly JsonObject[], ask: TaskAsk) => Json;
};

/** Seconds since 1970, fixed for a run: simulated answers repeat. */
export const CREATED = 1_767_225_600;

export const openAiImages = (habits: ImagesHabits): TaskEndpoint => ({
  kind: "task",
  method: "POST",
  path: habits.path,
  task: "text-to-image",
  answer: (ask) => habits.refuse?.(ask) ?? generate(ask, habits),
});

function generate(ask: TaskAsk, habits: ImagesHabits): TaskAnswer {
  if (ask.model === "") return badRequest("model", "model is required");
  const [usual = "b64_json"] = Object.keys(habits.forms);
  const form = habits.forms[String(ask.json.response_format ?? usual)];
  if (!form) return badRequest("response_format", "response_format is not of a known kind");
  const drawn = draw(ask, ask.json, habits);
  if ("refused" in drawn) return drawn;
  const answer = imagesAnswer(ask, habits, drawn, form);
  return habits.task ? { ...answer, task: habits.task(ask) } : answer;
}

export function imagesAnswer(
  ask: TaskAsk,
  { entry = (picture) => picture, whole = created }: Pick<ImagesHabits, "entry" | "whole">,
  drawn: Drawn,
  form: Form,
): Given {
  const data = drawn.pictures.map((picture, index) =>
    entry({ [form]: shown(ask, picture, form, index) }, index, drawn),
  );
  return json(whole(data, ask), { units: drawn.units });
}

const shown = (ask: TaskAsk, picture: Media, form: Form, index: number): string =>
  form === "url" ? link(ask, picture, `image-${index}`) : base64(picture);

const created = (data: readonly JsonObject[]): Json => ({ created: CREATED, data });
