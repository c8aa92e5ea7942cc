import { parseUsage } from "../tasks/openai-usage.js";
import { askFor, PACES } from "./families/jobs.js";
import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { mediaUriOf, textOf, withSize } from "./families/task-input.js";
import { doneWithMedia, failed, mediaAt } from "./families/task-output.js";
import { bearer, type Provider, type Step, type TaskAdapter } from "./provider.js";
import { at, MalformedReply, textAt } from "./reply.js";
import { doneWith, flat, modelRoute, postJson } from "./request.js";

const IMAGES = "/api/paas/v4/async/images/generations";
const RESULT = "/api/paas/v4/async-result";
const LAYOUT = "/api/paas/v4/layout_parsing";

const textToImage: TaskAdapter = {
  start: (input, { providerModel }) =>
    postJson(IMAGES, {
      ...withSize(flat(input)),
      model: providerModel,
      prompt: textOf(input),
    }),
  next: ({ json }) => afterLook(json),
};

/** It reads pages, and takes no options. */
const imageToText: TaskAdapter = {
  start: (input, { providerModel }) =>
    postJson(LAYOUT, { model: providerModel, file: mediaUriOf(input, "image/png") }),
  next: ({ json }) => {
    const text = at(json, "md_results");
    if (typeof text !== "string") throw new MalformedReply("no md_results");
    return doneWith([{ generated_text: text }], parseUsage(at(json, "usage")));
  },
};

export const zaiOrg = {
  id: "zai-org",
  name: "Z.ai",
  origin: "https://api.z.ai",
  auth: bearer,
  headers: { "x-source-channel": "hugging_face", "accept-language": "en-US,en" },
  keyVariable: "ZAI_API_KEY",
  needsKey: true,
  listing: modelList("/api/paas/v4/models"),
  tasks: {
    conversational: openAiChat({ path: "/api/paas/v4/chat/completions" }),
    "text-to-image": textToImage,
    "image-to-text": imageToText,
  },
  routes: [
    modelRoute(IMAGES, "text-to-image"),
    { method: "GET", path: `${RESULT}/{job}`, tasks: [] },
    modelRoute(LAYOUT, "image-to-text"),
  ],
} as const satisfies Provider;

function afterLook(json: unknown): Step {
  const status = textAt(json, "task_status");
  if (status === "SUCCESS") return doneWithMedia([mediaAt(json, "image_result", 0, "url")]);
  if (status === "FAIL") return failed(at(json, "error") ?? status);
  const job = textAt(json, "id");
  return askFor({ path: `${RESULT}/${encodeURIComponent(job)}`, job }, PACES["zai-org"].everyMs);
}
