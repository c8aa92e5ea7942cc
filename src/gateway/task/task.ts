/** Every task but chat, as one kind of request. */

import type { Mapping } from "../../catalog/model.js";
import { TYPICAL_TASK_MS } from "../../kernel/limits.js";
import type { Provider } from "../../providers/provider.js";
import { EMBEDDINGS, type Task } from "../../tasks/index.js";
import { computeTime } from "../../tasks/usage.js";
import { answerHeaders, type Facts } from "../answer-headers.js";
import { refusalOf } from "../chat/chat-wish.js";
import type { Kind } from "../kind.js";
import { withTime } from "../money/paid-time.js";
import { settle } from "../money/settle.js";
import type { Gateway } from "../parts.js";
import type { Reply } from "../reply.js";
import type { Wish } from "../route/eligible.js";
import { serve } from "../serve.js";
import { noteSpeed } from "../standing.js";
import { adapterOf, type Turn, targetFor } from "../turn.js";
import { holdTaskAtOnce, holdTaskFor, taskTokens, taskTokensMost } from "./task-hold.js";
import type { RoutedTask, TaskCall, TaskRequest } from "./task-request.js";
import { sendTask, type TaskAnswer } from "./task-send.js";
import { usageOfTask } from "./task-usage.js";

/** Answers, or throws the RouterError that ends the request. */
export const serveTask = (gateway: Gateway, call: TaskCall): Promise<Reply> =>
  serve(gateway, call, task);

export const taskWish: Wish<RoutedTask> = {
  tasks: ({ request }) => request.tasks,
  isServed: ({ tasks }, task) => tasks[task] !== undefined,
  fault: () => undefined,
  doubt: () => undefined,
  unmet: ({ request }, provider, mapping) => refusedBy(request, provider, mapping),
  expectedUsage: ({ statistics }, { request: { expected }, at }, mapping) => {
    const ms = statistics.evidenceOf(mapping, at).totalMs ?? TYPICAL_TASK_MS;
    return { ...expected, measured: { ...expected.measured, ...computeTime(ms) } };
  },
};

/** An adapter says by making the request whether it can. */
function refusedBy(
  { input, tasks }: TaskRequest,
  provider: Provider,
  mapping: Mapping,
): string | undefined {
  const [asked] = tasks;
  try {
    adapterOf(provider, mapping.task, asked).start(input, targetFor({ mapping }));
    return undefined;
  } catch (thrown) {
    return refusalOf(thrown);
  }
}

const taskOf = ({ tasks: [first] }: TaskRequest): Task => first ?? "text-generation";

const NOTHING_LEFT_OUT: readonly string[] = [];

const task: Kind<TaskCall, TaskAnswer> = {
  wish: taskWish,
  tokens: (_, { request }) => taskTokens(taskOf(request), request, request.input.inputs),
  tokensMost: (_, { request }) => taskTokensMost(taskOf(request), request),
  holdAtOnce: holdTaskAtOnce,
  holdFor: holdTaskFor,
  send: sendTask,
  leftOut: () => NOTHING_LEFT_OUT,
  verdict: () => "succeeded",
  headOf: () => undefined,
  isShort: (_, { request: { tasks, isStream } }) =>
    !isStream && tasks.every((one) => EMBEDDINGS.includes(one)),
  answer,
};

async function answer(
  gateway: Gateway,
  call: TaskCall,
  turn: Turn,
  facts: Facts,
  answered: TaskAnswer,
): Promise<Reply> {
  const { candidate, held, deadline, sentAt, time } = turn;
  deadline.end();
  const { asked, input } = call.request;
  const result = { delivered: answered.looked, usage: answered.usage };
  const usage = withTime(await usageOfTask(asked, candidate, result, input.inputs), time);
  const upstreamMs = facts.answeredAt - sentAt;
  const { isProbe } = call;
  noteSpeed(gateway, candidate, { tokens: usage.outputTokens, totalMs: upstreamMs, isProbe });
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
  const headers = answerHeaders(gateway, call, facts, cost);
  headers.set("content-type", written.type);
  for (const [name, value] of Object.entries(answered.headers)) headers.set(name, value);
  // Hugging Face's clients know requests by this name; where others have their own id, it is ours.
  if ("x-compute-type" in answered.headers) headers.set("x-inference-id", call.id);
  // Bun takes any bytes; its types want those of an ArrayBuffer, which a Buffer's are.
  return new Response(written.body as BodyInit, { headers });
}
