/** Every task but chat, as one kind of request. */
import { TYPICAL_TASK_MS } from "../kernel/limits.js";
import { computeTime } from "../tasks/usage.js";
import { answerHeaders, type Facts } from "./answer-headers.js";
import type { Wish } from "./candidates.js";
import { withTime } from "./paid-time.js";
import type { Gateway } from "./parts.js";
import { type Kind, serve } from "./serve.js";
import { settle } from "./settle.js";
import { holdTaskAtOnce, holdTaskFor } from "./task-hold.js";
import type { TaskCall } from "./task-request.js";
import { sendTask, type TaskAnswer } from "./task-send.js";
import { usageOfTask } from "./task-usage.js";
import type { Turn } from "./turn.js";

/** Answers, or throws the RouterError that ends the request. */
export const serveTask = (gateway: Gateway, call: TaskCall): Promise<Response> =>
  serve(gateway, call, task);

const wish: Wish<TaskCall> = {
  tasks: ({ request }) => request.tasks,
  isServed: ({ tasks }, task) => tasks[task] !== undefined,
  fault: () => undefined,
  expectedUsage: ({ health }, { request: { expected } }, mapping) => {
    const ms = health.firstByteMs(mapping) ?? TYPICAL_TASK_MS;
    return { ...expected, measured: { ...expected.measured, ...computeTime(ms) } };
  },
};

const NOTHING_LEFT_OUT: readonly string[] = [];

const task: Kind<TaskCall, TaskAnswer> = {
  wish,
  holdAtOnce: holdTaskAtOnce,
  holdFor: holdTaskFor,
  send: sendTask,
  leftOut: () => NOTHING_LEFT_OUT,
  verdict: () => "succeeded",
  headOf: () => undefined,
  answer,
};

async function answer(
  gateway: Gateway,
  call: TaskCall,
  turn: Turn,
  facts: Facts,
  answered: TaskAnswer,
): Promise<Response> {
  const { candidate, held, deadline, sentAt, time } = turn;
  deadline.end();
  const { asked, input } = call.request;
  const result = { delivered: answered.looked, usage: answered.usage };
  const usage = withTime(await usageOfTask(asked, candidate, result, input.inputs), time);
  const upstreamMs = facts.answeredAt - sentAt;
  gateway.health.measured(candidate.mapping, usage.outputTokens, upstreamMs, upstreamMs);
  const cost = await settle(gateway, call, candidate, held, {
    usage,
    reported: answered.reported,
    status: 200,
    outcome: "served",
    firstByteMs: Math.round(upstreamMs),
    way: facts,
  });
  const written = call.request.write(answered.delivered, {
    id: call.id,
    model: candidate.mapping.modelId,
    at: call.at,
    usage,
    cost,
  });
  const headers = answerHeaders(gateway, call, { ...facts, cost });
  headers["content-type"] = written.type;
  Object.assign(headers, answered.headers);
  // Hugging Face's clients know requests by this name; where others have their own id, it is ours.
  if ("x-compute-type" in answered.headers) headers["x-inference-id"] = call.id;
  // Bun takes any bytes; its types want those of an ArrayBuffer, which a Buffer's are.
  return new Response(written.body as BodyInit, { headers });
}
