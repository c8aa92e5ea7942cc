/** fal's two ways to call an app: at once on its main host, and through its queue. */
import type { Json, TaskInput, TaskOutput } from "../../tasks/task-call.js";
import type { ProviderReply, ProviderRequest, Step, Target, TaskAdapter } from "../provider.js";
import { at, textAt } from "../reply.js";
import { billableUnits } from "../reported.js";
import { postJson } from "../request.js";
import { askFor, ownPath, PACES } from "./jobs.js";
import { failed } from "./task-output.js";

type Call = {
  readonly body: (input: TaskInput, target: Target) => Json;
  readonly read: (json: unknown) => TaskOutput;
  /** The app's, unless it depends on the input. */
  readonly path?: (input: TaskInput, target: Target) => string;
};

export const falQueued = (call: Call): TaskAdapter => ({
  start: (input, target) => ({ ...startOf(call, input, target), host: QUEUE }),
  next: (reply, target) => {
    const { request, json } = reply;
    if (request.method === "POST") return afterSubmit(call, reply, target);
    return isStatus(request) ? afterStatus(request, json) : resultOf(call, json);
  },
  reported: billableUnits,
});

/** Such apps take jobs too, which only callers on fal's own wire begin. */
export const falSync = (call: Call): TaskAdapter => ({
  ...falQueued(call),
  start: (input, target) => startOf(call, input, target),
});

const QUEUE = "queue";

const startOf = ({ path, body }: Call, input: TaskInput, target: Target): ProviderRequest =>
  postJson(path ? path(input, target) : `/${target.providerModel}`, body(input, target));

/** An app that was called on the main host has answered already. */
function afterSubmit(call: Call, { json }: ProviderReply, { providerModel }: Target): Step {
  if (at(json, "response_url") === undefined) return resultOf(call, json);
  const [owner] = providerModel.split("/");
  const path = ownPath(textAt(json, "response_url"), `/${owner}/`);
  return afterLook(json, { path, job: textAt(json, "request_id") });
}

const STATUS = /\/status$/;

const pathOf = ({ path }: ProviderRequest): string => path.split("?")[0] ?? "";

const isStatus = (request: ProviderRequest): boolean => STATUS.test(pathOf(request));

function afterStatus(request: ProviderRequest, json: unknown): Step {
  const path = pathOf(request).replace(STATUS, "");
  return afterLook(json, { path, job: path.slice(path.lastIndexOf("/") + 1) });
}

/** A failed job is `COMPLETED` too. All states but that one are on the way to it, known or not. */
function afterLook(json: unknown, { path, job }: { path: string; job: string }): Step {
  if (at(json, "status") !== "COMPLETED") {
    return askFor({ host: QUEUE, path: `${path}/status`, job }, PACES["fal-ai"].everyMs);
  }
  const error = at(json, "error");
  return error ? failed(error) : askFor({ host: QUEUE, path, job }, 0);
}

function resultOf({ read }: Call, json: unknown): Step {
  const error = at(json, "error") || at(json, "detail");
  return error ? failed(error) : { kind: "done", output: read(json) };
}
