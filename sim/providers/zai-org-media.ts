import { CREATED } from "../families/openai-images.js";
import { link } from "../media/make.js";
import { taskModel } from "../model-entry.js";
import type { Endpoint } from "../provider.js";
import type { TaskModel } from "../provider-facts.js";
import { badRequest, json, type TaskAnswer, unlogged } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import { type Drawn, draw, sizeOfInput } from "../task/draw.js";
import { outputOf, poll, reasonOf, submit, wordFor } from "../task/jobs.js";
import { prose, textOf } from "../tokens.js";

export const zaiOrgTasks: readonly TaskModel[] = [
  taskModel("text-to-image", "zai-org/GLM-Image", "glm-image", { image: "0.015" }),
  taskModel("image-to-text", "zai-org/GLM-OCR", "glm-ocr", { input: "0.03", output: "0.03" }),
];

const SIZE = { width: 1280, height: 1280 };

const urlsOf = (ask: TaskAsk, drawn: Drawn) =>
  drawn.pictures.map((picture, i) => ({ url: link(ask, picture, `image-${i}`) }));

function begin(ask: TaskAsk): TaskAnswer {
  const { call, model } = ask;
  if (model === "") return badRequest("model", "model is required");
  const drawn = draw(ask, ask.json, { size: SIZE, format: "png" });
  if ("refused" in drawn) return drawn;
  const output = urlsOf(ask, drawn);
  const { id } = submit(ask, { id: call.requestId, model, output, units: drawn.units });
  return unlogged({ id, request_id: id, model, task_status: "PROCESSING" });
}

const WORDS = {
  queued: "PROCESSING",
  running: "PROCESSING",
  succeeded: "SUCCESS",
  failed: "FAIL",
  canceled: "FAIL",
};

function asyncResult(ask: TaskAsk): TaskAnswer {
  const job = poll(ask, ask.params.id ?? "");
  if ("refused" in job) return job;
  const { id, model } = job;
  const head = { id, request_id: id, model, task_status: wordFor(ask, job, WORDS) };
  const image_result = outputOf(job);
  if (job.phase === "failed") return unlogged({ ...head, error: { message: reasonOf(job) } });
  return unlogged(image_result === undefined ? head : { ...head, image_result });
}

function atOnce(ask: TaskAsk): TaskAnswer {
  if (ask.model === "") return badRequest("model", "model is required");
  const drawn = draw(ask, ask.json, { size: SIZE, format: "png" });
  if ("refused" in drawn) return drawn;
  const { units } = drawn;
  return json({ created: CREATED, data: urlsOf(ask, drawn), content_filter: [] }, { units });
}

/** Tokens of a page that is read, and of what is written about it. */
const PAGE_TOKENS = 1_024;
const WORDS_READ = 24;

function readPage(ask: TaskAsk): TaskAnswer {
  if (ask.model === "") return badRequest("model", "model is required");
  const size = sizeOfInput(ask, ask.json.file, SIZE);
  if (!size) return badRequest("file", "file could not be decoded");
  const text = textOf(prose(ask.random, WORDS_READ, ask.dials.unicode === true));
  const { requestId } = ask.call;
  const usage = {
    prompt_tokens: PAGE_TOKENS,
    completion_tokens: WORDS_READ,
    total_tokens: PAGE_TOKENS + WORDS_READ,
  };
  return json(
    {
      id: requestId,
      created: CREATED,
      model: ask.model,
      md_results: `# ${text}\n`,
      layout_details: [[{ index: 0, label: "text", bbox_2d: [0, 0, 1, 1], content: text }]],
      data_info: { num_pages: 1, pages: [size] },
      usage,
      request_id: requestId,
    },
    { units: { images: 1, promptTokens: PAGE_TOKENS, completionTokens: WORDS_READ } },
  );
}

/** Z.ai's pictures and reading of pages. No recordings: its reference, and what Hugging Face's clients read. */
export const zaiOrgMedia: readonly Endpoint[] = [
  {
    kind: "task",
    method: "POST",
    path: "/api/paas/v4/async/images/generations",
    task: "text-to-image",
    answer: begin,
  },
  {
    kind: "task",
    method: "GET",
    path: "/api/paas/v4/async-result/{id}",
    task: "text-to-image",
    answer: asyncResult,
  },
  {
    kind: "task",
    method: "POST",
    path: "/api/paas/v4/images/generations",
    task: "text-to-image",
    answer: atOnce,
  },
  {
    kind: "task",
    method: "POST",
    path: "/api/paas/v4/layout_parsing",
    task: "image-to-text",
    answer: readPage,
  },
];
