/** Every exchange of a task other than chat: what is asked, what the provider is then sent, and what its replies become. */
import { describe, expect, test } from "bun:test";
import { getProviderHelper, PROVIDERS } from "@huggingface/inference";
import { builtInProviders } from "../../src/config/providers.js";
import { RouterError } from "../../src/kernel/errors.js";
import { openAiCompatible } from "../../src/providers/openai-compatible.js";
import type {
  Provider,
  ProviderReply,
  ProviderRequest,
  Step,
  Target,
} from "../../src/providers/provider.js";
import { MalformedReply } from "../../src/providers/reply.js";
import { isThere } from "../../src/tasks/media.js";
import type { TaskInput, TaskOutput } from "../../src/tasks/task-call.js";
import { noUsage, type Usage } from "../../src/tasks/usage.js";
import {
  mediaOf,
  type OtherTask,
  type TaskExchange,
  taskAdapter,
  taskExchanges,
  type WrittenOutput,
  type WrittenReply,
  writtenMedia,
  writtenRequest,
} from "./exchange-files.js";

/** The last stands for any server of one's own. */
const providers: readonly Provider[] = [
  ...builtInProviders,
  openAiCompatible("openai-compatible", "http://127.0.0.1/v1"),
];
const exchanges = taskExchanges();

describe("exchanges of tasks", () => {
  for (const exchange of exchanges) test(exchange.name, () => expectExchange(exchange));

  test("are there for every task of every provider", () => {
    const known = new Set(exchanges.map(({ provider, task }) => `${provider}/${task}`));
    const wanted = providers.flatMap(({ id, tasks }) =>
      Object.keys(tasks)
        .filter((task) => task !== "conversational")
        .map((task) => `${id}/${task}`),
    );
    expect(wanted.filter((name) => !known.has(name))).toEqual([]);
  });
});

const LAST_POLL = 100;

async function expectExchange(exchange: TaskExchange): Promise<void> {
  const provider = providers.find(({ id }) => id === exchange.provider);
  if (!provider) throw new Error(`no provider ${exchange.provider}`);
  const adapter = taskAdapter(provider, exchange.task);
  const { input, refused } = exchange;
  if (refused) return expectRefused(() => adapter.start(inputOf(input), targetOf(input)), refused);
  let request = adapter.start(inputOf(input), targetOf(input));
  expect<unknown>(writtenRequest(request)).toEqual(exchange.sent);
  const replies = [exchange.reply, ...(exchange.polls ?? []).map(({ reply }) => reply)];
  for (const [i, written] of replies.entries()) {
    if (!written) throw new Error("an exchange without a reply");
    const reply = replyOf(written, request);
    const poll = exchange.polls?.[i];
    if (exchange.malformed !== undefined && !poll) {
      expect(() => adapter.next(reply, targetOf(input))).toThrow(MalformedReply);
      expect(() => adapter.next(reply, targetOf(input))).toThrow(exchange.malformed);
      return;
    }
    const step = adapter.next(reply, targetOf(input));
    if (!poll) {
      await expectEnd(step, exchange);
      expectReported(adapter.reported?.(factsOf(reply)), exchange);
      return;
    }
    if (step.kind !== "send" || i > LAST_POLL) throw new Error(`${step.kind} before the last poll`);
    const { afterMs, job } = step;
    expect<unknown>({ afterMs, job, sent: writtenRequest(step.request) }).toEqual({
      afterMs: poll.afterMs,
      job: poll.job,
      sent: poll.sent,
    });
    request = step.request;
  }
}

const inputOf = ({ inputs, media, parameters, extra }: TaskExchange["input"]): TaskInput => ({
  inputs,
  media: media && mediaOf(media),
  parameters: parameters ?? {},
  extra: extra ?? {},
});

const targetOf = ({ model, modelId, loraWeights }: TaskExchange["input"]): Target => ({
  providerModel: model,
  modelId: modelId ?? model,
  loraWeights,
});

function replyOf(written: WrittenReply, request: ProviderRequest): ProviderReply {
  const { status, headers, body, base64 } = written;
  const type = written.type ?? (base64 === undefined ? "application/json" : "");
  const isText = typeof body === "string" && type !== "application/json";
  return {
    request,
    status,
    header: (name) => headers?.[name],
    type,
    bytes: Buffer.from(
      base64 ?? (isText ? body : JSON.stringify(body)),
      base64 ? "base64" : "utf8",
    ),
    json: base64 !== undefined || isText ? undefined : body,
  };
}

const factsOf = ({ header, json }: ProviderReply) => ({
  header,
  member: (name: string): unknown =>
    typeof json === "object" && json !== null ? Reflect.get(json, name) : undefined,
});

function expectRefused(start: () => unknown, { code, message }: { code: string; message: string }) {
  expect(start).toThrow(RouterError);
  expect(start).toThrow(message);
  try {
    start();
  } catch (thrown) {
    expect<string>(thrown instanceof RouterError ? thrown.code : "").toBe(code);
  }
}

async function expectEnd(step: Step, { failed, output, usage, task }: TaskExchange): Promise<void> {
  if (failed !== undefined) {
    expect<unknown>(step).toEqual({ kind: "failed", message: failed });
    return;
  }
  if (step.kind !== "done") throw new Error(`${step.kind} instead of the end`);
  const ours = outputOf(step.output, output);
  expect<unknown>(ours).toEqual(output);
  expect(step.usage).toEqual(usage && usageOf(usage));
  if (ours.json !== undefined) await expectAccepted(task, ours.json);
}

function outputOf(output: TaskOutput, wanted: WrittenOutput | undefined): WrittenOutput {
  if (output.kind === "json") return { json: output.json };
  const media = output.media.map((one) => (isThere(one) ? writtenMedia(one) : one));
  if (output.kind === "media") return { media };
  const fetched = wanted?.fetched ?? [];
  return { media, fetched, json: output.toJson(fetched.map(mediaOf)) };
}

const usageOf = (usage: NonNullable<TaskExchange["usage"]>): Usage => ({
  ...noUsage,
  inputTokens: usage.input ?? 0,
  outputTokens: usage.output ?? 0,
  cachedInputTokens: usage.cachedInput ?? 0,
  ...(usage.measured && { measured: usage.measured }),
});

function expectReported(reported: unknown, exchange: TaskExchange): void {
  const plain: unknown = JSON.parse(
    JSON.stringify(reported ?? null, (_, value) =>
      typeof value === "bigint" ? String(value) : value,
    ),
  );
  expect(plain).toEqual(exchange.reported ?? null);
}

/** Hugging Face's client reads completions instead, and an object where everyone else has a list. */
const NOT_READ: readonly OtherTask[] = ["text-generation", "image-to-text"];

/** Our JSON is in hf-inference's shape, whoever answered: what the client makes sure of must be so. */
async function expectAccepted(task: OtherTask, json: unknown): Promise<void> {
  if (!(task in PROVIDERS["hf-inference"]) || NOT_READ.includes(task)) return;
  await getProviderHelper(
    "hf-inference",
    task as keyof (typeof PROVIDERS)["hf-inference"],
  ).getResponse(json);
}
