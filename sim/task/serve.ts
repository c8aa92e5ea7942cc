import { breakIn, breakingOff } from "../break-off.js";
import { type Call, refusal } from "../call.js";
import { play } from "../chat/play.js";
import { troubleFor } from "../chat/refuse.js";
import { errorBody, scriptFor } from "../chat/script.js";
import { isObject, type Json } from "../json.js";
import type { Outcome } from "../log.js";
import type { TaskEndpoint } from "../provider.js";
import { wait } from "../wait.js";
import type { Content, Given } from "./answer.js";
import { readTask, type TaskAsk } from "./ask.js";
import { recordTask } from "./record.js";

/** One call of a task from start to end. Every delivery and every refusal is one line in the log. */
export async function serveTask(call: Call, endpoint: TaskEndpoint): Promise<Response> {
  const { dials, request, provider } = call;
  let { task } = endpoint;
  const unanswered = (response: Response, model: string, outcome: Outcome = "failed") => {
    const { status } = response;
    recordTask(call, { task, model, status, units: {}, cost: undefined, outcome });
    return response;
  };
  const read = await readTask(call, endpoint.task).catch(() => undefined);
  if (!read) return unanswered(hungUp(), "", "aborted");
  const model = read.ok ? read.ask.model : "";
  const thinkingMs = (dials.latency_ms ?? 0) + (dials.first_token_ms ?? 0);
  if (thinkingMs > 0 && !(await wait(thinkingMs, request.signal))) {
    return unanswered(hungUp(), model, "aborted");
  }
  const trouble = troubleFor(call, model);
  if (trouble) return unanswered(trouble, model);
  if (!read.ok) {
    const failure = { kind: "bad_request", about: "body", message: read.why } as const;
    return unanswered(refusal(call, failure), model);
  }
  if (dials.models && model !== "" && !dials.models.includes(model)) {
    return unanswered(refusal(call, { kind: "unknown_model", about: model }), model);
  }
  const answer = await endpoint.answer(read.ask);
  task = answer.task ?? task;
  if ("refused" in answer) {
    return unanswered(refusal(call, answer.refused), answer.model ?? model);
  }
  if (request.signal.aborted) return unanswered(hungUp(), model, "aborted");
  const headers = {
    ...typeOf(answer.body),
    [provider.requestIdHeader]: call.requestId,
    ...answer.headers,
  };
  return deliver(read.ask, answer, headers);
}

/** Nobody reads this answer; the status is the one that proxies log. */
const hungUp = (): Response => new Response(null, { status: 499 });

type Headers = { readonly [name: string]: string };

function typeOf(body: Content): Headers {
  if ("json" in body) return { "content-type": "application/json" };
  if ("events" in body) return { "content-type": "text/event-stream; charset=utf-8" };
  return { "content-type": body.type ?? "text/plain; charset=utf-8" };
}

/** Sends what was made, whole or broken as the dials say, and writes down what became of it. */
function deliver(ask: TaskAsk, answer: Given, headers: Headers): Response {
  const { call, dials } = ask;
  const { body, status = 200, units = {}, cost, model = ask.model, task = ask.task } = answer;
  const stream = "events" in body;
  const ended = (outcome: Outcome) => {
    if (answer.logged === false) return;
    recordTask(call, { task, model, status, stream, units, cost, outcome });
  };
  const { signal } = call.request;
  if ("events" in body) {
    const script = scriptFor(body.events, call, model);
    return new Response(play({ script, dials, signal, ended }), { status, headers });
  }
  if (dials.error_in_200) {
    ended("failed");
    return Response.json(errorBody(call, model), { status: 200 });
  }
  const made = "json" in body ? textOf(body.json, dials.missing_usage) : bodyOf(body);
  const half = made.slice(0, made.length >> 1);
  if (dials.malformed_after_events !== undefined) {
    ended("failed");
    return new Response(half, { status, headers });
  }
  const ending = breakIn(dials);
  if (ending) return new Response(breakingOff(half, ending, signal, ended), { status, headers });
  ended("complete");
  return new Response(made, { status, headers });
}

const bodyOf = (body: Exclude<Content, { json: Json } | { events: unknown }>) =>
  "bytes" in body ? body.bytes : body.text;

const textOf = (value: Json, withoutUsage = false): string =>
  JSON.stringify(withoutUsage && isObject(value) ? { ...value, usage: undefined } : value);
