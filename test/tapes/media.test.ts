/** Recordings of pictures, films and sounds: what our adapters make of them, and what is plainly in them. */
import { describe, expect, test } from "bun:test";
import { builtInProviders } from "../../src/config/providers.js";
import type {
  Provider,
  ProviderReply,
  ProviderRequest,
  Step,
  TaskAdapter,
} from "../../src/providers/provider.js";
import { isThere } from "../../src/tasks/media.js";
import type { Json, TaskInput } from "../../src/tasks/task-call.js";
import { type OtherTask, taskAdapter, writtenRequest } from "../providers/exchange-files.js";
import { type Exchange, type Flow, flowsOf, hasTapes, NO_TAPES, tasksOf } from "./support.js";

const PROVIDERS = ["fal-ai", "replicate", "together", "hyperbolic", "nebius", "black-forest-labs"];

/** What a caller gets of an answer, read in the plainest way. Base64 stands for itself. */
const READERS: Readonly<Record<string, (answer: Answer) => unknown>> = {
  "fal-ai/text-to-image": ({ images }) => images.map(({ url }) => inPlace(url)),
  "fal-ai/text-to-video": ({ video }) => [video.url],
  "fal-ai/automatic-speech-recognition": ({ text, chunks }) => ({
    text,
    chunks: chunks.map((chunk) => ({ text: chunk.text, timestamp: chunk.timestamp })),
  }),
  "replicate/text-to-image": ({ output }) => [output].flat(),
  "replicate/text-to-speech": ({ output }) => [output].flat(),
  "replicate/text-to-video": ({ output }) => [output].flat(),
  "together/text-to-image": ({ data }) => data.map((one) => sameBase64(one.b64_json)),
  "nebius/text-to-image": ({ data }) => data.map((one) => sameBase64(one.b64_json)),
  "hyperbolic/text-to-image": ({ images }) => images.map((one) => sameBase64(one.image)),
  "black-forest-labs/text-to-image": ({ result }) => [result.sample],
};

type Answer = {
  readonly images: readonly { readonly url: string; readonly image: string }[];
  readonly video: { readonly url: string };
  readonly text: string;
  readonly chunks: readonly { readonly text: string; readonly timestamp: readonly number[] }[];
  readonly output: string | readonly string[];
  readonly data: readonly { readonly b64_json: string }[];
  readonly result: { readonly sample: string };
};

/** A recording may be cut off within a group of four, whose rest says nothing. */
const sameBase64 = (text: string): string => Buffer.from(text, "base64").toString("base64");

const inPlace = (url: string): string =>
  url.startsWith("data:") ? sameBase64(url.slice(url.indexOf(",") + 1)) : url;

/** What older clients sent besides, and what tells the model, which is not the caller's to say. */
const NOT_ASKED = ["inputs", "provider", "model", "model_name", "response_format", "loras"];

if (!hasTapes) test.skip(NO_TAPES, () => {});
else describe("recordings of media", testAll);

function testAll(): void {
  for (const id of PROVIDERS) {
    const provider = builtInProviders.find((one) => one.id === id);
    if (!provider) throw new Error(`no provider ${id}`);
    const tasks = tasksOf(id).filter(
      (task) => task in provider.tasks && `${id}/${task}` in READERS,
    );
    test(`${id} has some`, () => expect(tasks.length).toBeGreaterThan(0));
    for (const task of tasks as OtherTask[]) {
      for (const flow of flowsOf(id, task)) testFlow(provider, task, flow);
    }
  }
}

function testFlow(provider: Provider, task: OtherTask, flow: Flow): void {
  const name = `${provider.id}/${task}/${flow.id}`;
  const exchanges = flow.exchanges.filter(({ step }) => step === "inference" || step === "poll");
  const [call] = exchanges;
  const why = whyNot(exchanges);
  if (!call || why !== undefined) {
    test.skip(`${name}: ${why}`, () => {});
    return;
  }
  const adapter = taskAdapter(provider, task);
  if (call.request.body !== undefined && task !== "automatic-speech-recognition") {
    test(`${name} asks for the same`, () => expectSent(adapter, flow, call));
  }
  test(`${name} comes to what is in it`, () => expectOutput(adapter, task, flow, exchanges));
  if (provider.id === "fal-ai" && task !== "automatic-speech-recognition") {
    // The queue's results are what its other host answers at once.
    test(`${name} as the result of a job`, () => {
      const request = { method: "GET", path: "/fal-ai/app/requests/1", host: "queue" } as const;
      expectRead(adapter.next(replyOf(call, request), targetOf(flow)), call, "fal-ai", task);
    });
  }
}

/** Why a recording cannot be replayed here. */
function whyNot(exchanges: readonly Exchange[]): string | undefined {
  const [call] = exchanges;
  if (!call) return "the call itself was not recorded";
  const { status } = call.response;
  if (status >= 300) return `a ${status} reaches no adapter`;
  const isKept = exchanges.every(({ response }) => /^\s*[{[]/.test(response.body ?? ""));
  return isKept ? undefined : "an answer was not recorded";
}

const targetOf = ({ model, provider }: Flow) => ({
  // Recorded by version alone, where there is one.
  providerModel: provider === "replicate" && !model?.includes("/") ? `a/b:${model}` : (model ?? ""),
  modelId: "org/model",
  loraWeights: undefined,
});

const noInput: TaskInput = { inputs: "", media: undefined, parameters: {}, extra: {} };

function expectSent(adapter: TaskAdapter, flow: Flow, { request }: Exchange): void {
  const body = JSON.parse(request.body ?? "") as Json;
  const asked = (flow.provider === "replicate" ? body.input : body) as Json;
  const { prompt, text, ...parameters } = Object.fromEntries(
    Object.entries(asked).filter(([name]) => !NOT_ASKED.includes(name)),
  );
  const ours = adapter.start(
    { ...noInput, inputs: prompt ?? text ?? "", parameters },
    targetOf(flow),
  );
  expect(ours.method).toBe("POST");
  expect<unknown>(ours.path).toBe(request.upstreamPath);
  const sent = writtenRequest(ours).body as Json;
  expect(flow.provider === "replicate" ? sent.input : sent).toMatchObject({
    ...parameters,
    ...(prompt !== undefined && { prompt }),
    ...(text !== undefined && { text }),
  });
}

function expectOutput(
  adapter: TaskAdapter,
  task: OtherTask,
  flow: Flow,
  exchanges: readonly Exchange[],
): void {
  let request: ProviderRequest = { method: "POST", path: exchanges[0]?.request.upstreamPath ?? "" };
  for (const [i, exchange] of exchanges.entries()) {
    const step = adapter.next(replyOf(exchange, request), targetOf(flow));
    if (i === exchanges.length - 1) {
      expectRead(lookedAgain(adapter, flow, step, exchange), exchange, flow.provider, task);
      return;
    }
    if (step.kind !== "send") throw new Error(`${step.kind} after ${i + 1} of ${exchanges.length}`);
    request = step.request;
    expect<unknown>(request.path.split("?")[0]).toBe(exchanges[i + 1]?.request.upstreamPath);
  }
}

/** Replicate is asked once more than the recorded clients did; nothing says it would have answered anything else. */
function lookedAgain(adapter: TaskAdapter, flow: Flow, step: Step, exchange: Exchange): Step {
  if (step.kind !== "send") return step;
  return adapter.next(replyOf(exchange, step.request), targetOf(flow));
}

function expectRead(step: Step, exchange: Exchange, provider: string, task: OtherTask): void {
  if (step.kind !== "done") throw new Error(`${step.kind} instead of the end`);
  const read = READERS[`${provider}/${task}`];
  const wanted = read?.(JSON.parse(exchange.response.body) as Answer);
  const { output } = step;
  if (output.kind === "json") {
    expect(output.json).toEqual(wanted);
    return;
  }
  for (const one of output.media) if (isThere(one)) expect(one.type).toBe(kindOf(one.bytes));
  expect<unknown>(
    output.media.map((one) => (isThere(one) ? Buffer.from(one.bytes).toString("base64") : one.url)),
  ).toEqual(wanted);
}

const kindOf = (bytes: Uint8Array): string =>
  ({ 137: "image/png", 255: "image/jpeg", 82: "image/webp" })[bytes[0] ?? 0] ?? "unknown";

function replyOf({ response }: Exchange, request: ProviderRequest): ProviderReply {
  const [type = ""] = (response.headers["content-type"] ?? "").split(";");
  return {
    request,
    status: response.status,
    header: (name) => response.headers[name],
    type,
    bytes: Buffer.from(response.body),
    json: JSON.parse(response.body),
  };
}
