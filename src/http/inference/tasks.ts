/** Hugging Face's own routes: a task in its own form, for whichever provider can do it, and hf-inference's. */

import { findModel } from "../../catalog/find.js";
import { serveChat } from "../../gateway/chat/chat.js";
import { Deadline } from "../../gateway/deadline.js";
import { ForbiddenUrlError } from "../../gateway/registry/public-address.js";
import type { Reply } from "../../gateway/reply.js";
import { DownloadError, download } from "../../gateway/task/download.js";
import { serveTask } from "../../gateway/task/task.js";
import { badRequest, RouterError } from "../../kernel/errors.js";
import { spanOf } from "../../kernel/span.js";
import type { RouteControls } from "../../tasks/chat-completion.js";
import { EMBEDDINGS, TASKS, type Task } from "../../tasks/index.js";
import type { TaskInput } from "../../tasks/task-call.js";
import type { Caller } from "../../tenants/caller.js";
import { parseChatRequest, splitModel } from "../../wire/chat-request.js";
import { DOORS } from "../../wire/doors/doors.js";
import { parseGenerationRequest } from "../../wire/generation-request.js";
import { NO_CONTROLS } from "../../wire/route-controls.js";
import { taskAnswer } from "../../wire/task-answer.js";
import { parseTaskPayload, type TaskPayload } from "../../wire/task-payload.js";
import { readBytes } from "../body.js";
import type { Handler, Site, Visit } from "../parts.js";
import { serveDoor } from "./doors.js";
import { callOf, inferenceCaller, serveCall } from "./inference.js";
import { taskRequest } from "./task-request.js";
import { passedOn } from "./upload.js";

type PayloadTask = Exclude<Task, "conversational">;

/** What a path below `/models/` says. */
type Named = {
  /** With its suffix. */
  readonly model: string;
  readonly task: PayloadTask | undefined;
  readonly controls: RouteControls;
};

/** The embedded provider plays the part of hf-inference for the models that it has. */
const HF_INFERENCE: RouteControls = { ...NO_CONTROLS, only: ["hf-inference", "embedded"] };

/** POST /models/{model} */
export const anyTask: Handler = (site, visit) =>
  serveNamed(site, visit, visit.rest.join("/"), NO_CONTROLS);

/** POST /hf-inference/models/{model}, with all that may stand behind it. */
export const hfInference: Handler = (site, visit) =>
  serveNamed(site, visit, visit.rest.join("/"), HF_INFERENCE);

/** POST /hf-inference/pipeline/{task}/{model}, which older clients use. */
export const hfPipeline: Handler = (site, visit) => {
  const [task, model] = visit.rest;
  return serveNamed(site, visit, `${model}/pipeline/${task}`, HF_INFERENCE);
};

const PIPELINE = /^(.+)\/pipeline\/([a-z-]+)$/;
const CHAT = /^(.+)\/v1\/chat\/completions$/;
const COMPLETIONS = /^(.+)\/v1\/completions$/;

async function serveNamed(
  site: Site,
  visit: Visit,
  path: string,
  controls: RouteControls,
): Promise<Reply> {
  const caller = await inferenceCaller(site, visit);
  const passed = passedOn(site, visit, path, controls);
  if (passed) {
    // A file that goes to its provider while it comes in.
    const { task, upload } = passed;
    const input = { inputs: undefined, media: undefined, upload, parameters: {}, extra: {} };
    return serveInput(site, visit, caller, { model: path, controls, tasks: [task], input });
  }
  const bytes = await readBytes(visit.request, site.gateway.limits.bodyBytesMax, visit);
  const chat = CHAT.exec(path)?.[1];
  if (chat !== undefined) return chatAt(site, visit, caller, { model: chat, controls }, bytes);
  const completions = COMPLETIONS.exec(path)?.[1];
  if (completions !== undefined) {
    const door = DOORS["/v1/completions"];
    if (door) return serveDoor(site, visit, caller, door, bytes, { model: completions, controls });
  }
  const [, model = path, task] = PIPELINE.exec(path) ?? [];
  return serveTaskAt(site, visit, caller, { model, task: taskNamed(task), controls }, bytes);
}

function taskNamed(name: string | undefined): PayloadTask | undefined {
  if (name === undefined) return undefined;
  const task = TASKS.find((each) => each === name);
  if (task && task !== "conversational") return task;
  throw badRequest(`"${name}" is no task that is served here.`, "task");
}

/** The path names the model; what the body calls it is for engines that have but one. */
function chatAt(
  site: Site,
  visit: Visit,
  caller: Caller,
  { model, controls }: Pick<Named, "model" | "controls">,
  bytes: Uint8Array,
): Promise<Reply> {
  const request = parseChatRequest(spanOf(bytes));
  const pinned = { ...request, ...splitModel(model), controls };
  const call = callOf(site, visit, caller, pinned);
  return serveCall(site, visit, call, serveChat);
}

async function serveTaskAt(
  site: Site,
  visit: Visit,
  caller: Caller,
  named: Named,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Reply> {
  const { tasks, payload } = payloadFor(site, visit, named, bytes);
  const [task] = tasks;
  if (payload.input.extra.stream === true) {
    if (task !== "text-generation") throw noStream();
    const text = new TextDecoder().decode(bytes);
    const request = parseGenerationRequest(text, named.model, payload.input);
    const call = callOf(site, visit, caller, { ...request, controls: named.controls });
    return serveCall(site, visit, call, serveChat);
  }
  const input = await withMedia(site, visit, payload);
  return serveInput(site, visit, caller, { ...named, tasks, input });
}

type Wanted = Pick<Named, "model" | "controls"> & {
  readonly tasks: Understood["tasks"];
  readonly input: TaskInput;
};

/** A task whose input is known by now, all of it or as it comes. */
async function serveInput(
  site: Site,
  visit: Visit,
  caller: Caller,
  { model: named, controls, tasks, input }: Wanted,
): Promise<Reply> {
  const [task] = tasks;
  const userAgent = visit.request.headers.get("user-agent");
  const request = await taskRequest({
    ...{ ...splitModel(named), controls, tasks, input, wantsUrls: false, count: 1 },
    write: (delivered) => taskAnswer(task, delivered, userAgent),
  });
  const call = callOf(site, visit, caller, request);
  return serveCall(site, visit, call, serveTask);
}

type Understood = {
  readonly tasks: readonly [PayloadTask, ...(readonly Task[])];
  readonly payload: TaskPayload;
};

/** Where a model has several tasks, the first one that the body makes sense for. */
function payloadFor(
  { gateway }: Site,
  { request }: Visit,
  { model: named, task }: Named,
  bytes: Uint8Array<ArrayBuffer>,
): Understood {
  const { model } = splitModel(named);
  const type = request.headers.get("content-type");
  if (task) {
    const either = EMBEDDINGS.includes(task) ? EMBEDDINGS : [];
    return { tasks: [task, ...either], payload: parseTaskPayload(task, type, bytes) };
  }
  const { mappings } = findModel(gateway.catalog, model);
  const known = new Set(mappings.map((mapping) => mapping.task));
  known.delete("conversational");
  let refused: RouterError | undefined;
  for (const each of known as Set<PayloadTask>) {
    try {
      return { tasks: [each], payload: parseTaskPayload(each, type, bytes) };
    } catch (thrown) {
      if (!(thrown instanceof RouterError)) throw thrown;
      refused ??= thrown;
    }
  }
  throw refused ?? chatOnly(model);
}

const noStream = (): RouterError =>
  new RouterError(
    "unsupported_parameter",
    'Only text generation is streamed in this form; "stream" means nothing for other tasks.',
    { param: "stream" },
  );

const chatOnly = (model: string): RouterError =>
  badRequest(`${model} is for chat: send its messages to /v1/chat/completions.`, "model");

/** A picture or sound at a URL is fetched here, so that no provider is sent where only we could go. */
async function withMedia(
  { gateway }: Site,
  visit: Visit,
  { input, mediaUrl }: TaskPayload,
): Promise<TaskInput> {
  if (mediaUrl === undefined) return input;
  const { clock, limits } = gateway;
  const endsAt = visit.startedAt + limits.totalMs;
  const deadline = new Deadline(clock, visit.request, endsAt, limits.totalMs);
  try {
    const media = await download(gateway, { url: mediaUrl, trustedOrigin: undefined, deadline });
    return { ...input, media };
  } catch (thrown) {
    const isTold = thrown instanceof DownloadError || thrown instanceof ForbiddenUrlError;
    const why = isTold ? thrown.message : "nothing answers there";
    throw badRequest(`What "inputs" points to cannot be fetched: ${why}.`, "inputs");
  } finally {
    deadline.end();
  }
}
