/**
 * Every file under `exchanges/`: what a caller asks, what the provider is then sent, what it replies, and what
 * becomes of that. And the requests again, held against what Hugging Face's own client would send directly.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  getProviderHelper,
  type InferenceProvider,
  makeRequestOptionsFromResolvedModel,
  PROVIDERS,
} from "@huggingface/inference";
import type { ChatCompletionOutput } from "@huggingface/tasks";
import { builtInProviders } from "../src/config/providers.js";
import { chatUpstreamRequest } from "../src/gateway/chat/upstream-request.js";
import { bytesOf } from "../src/kernel/content.js";
import { spanOf } from "../src/kernel/span.js";
import { parseChatRequest } from "../src/wire/chat-request.js";
import { chat, type TestApp, type TestUser, testApp } from "./support/app.js";
import { type FakeProvider, fakeProvider, streamed } from "./support/provider.js";

type Json = Readonly<Record<string, unknown>>;

type Exchange = {
  readonly name: string;
  readonly provider: string;
  readonly source: {
    readonly kind: "documented" | "invented";
    readonly where: string;
    readonly read: string;
  };
  readonly input: Json & { readonly model: string };
  readonly sent: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body: Json & { readonly model: string };
  };
  /** `lines` are those of a stream, joined with line feeds. */
  readonly reply: {
    readonly status: number;
    readonly body?: unknown;
    readonly lines?: readonly string[];
  };
  readonly output?: {
    readonly text: string;
    readonly finish: string;
    /** Where the provider does not say it, we do. */
    readonly model?: string;
    readonly toolCalls?: readonly { readonly name: string; readonly arguments: string }[];
  };
  readonly usage?: {
    readonly input: number;
    readonly output: number;
    readonly cachedInput?: number;
    readonly cacheWrite?: number;
    readonly reasoning?: number;
    readonly estimated?: boolean;
  };
  readonly error?: { readonly status: number; readonly code: string; readonly message: string };
};

const FOLDER = join(import.meta.dir, "exchanges");
/** Stands for any server configured with `type: openai-compatible`. */
const COMPATIBLE = "openai-compatible";
const PRICE = { input: "1", cached_input: "0.5", cache_write: "1.25", output: "2" };

/** The same in nano-USD per token. */
const costOf = (usage: NonNullable<Exchange["usage"]>): bigint => {
  const { input, cachedInput = 0, cacheWrite = 0, output } = usage;
  return (
    BigInt(input - cachedInput - cacheWrite) * 1_000n +
    BigInt(cachedInput) * 500n +
    BigInt(cacheWrite) * 1_250n +
    BigInt(output) * 2_000n
  );
};

const exchanges: readonly Exchange[] = readdirSync(FOLDER).flatMap((provider) =>
  readdirSync(join(FOLDER, provider))
    // Other tasks are walked by test/providers/exchanges.test.ts.
    .filter((file) => file.startsWith("chat-completion-"))
    .map((file) => ({
      ...(JSON.parse(readFileSync(join(FOLDER, provider, file), "utf8")) as Exchange),
      name: `${provider}/${file}`,
      provider,
    })),
);

/** Pictures and sounds are all that some providers have. */
const chatProviders = builtInProviders.filter(({ tasks }) => tasks.conversational);

let app: TestApp;
let ada: TestUser;
let upstream: FakeProvider;
let answer: () => Response = () => new Response(null, { status: 500 });

beforeAll(async () => {
  upstream = fakeProvider(() => answer());
  app = await testApp({ yaml: yamlOf(upstream.origin) });
  ada = await app.addUser("ada", "rich");
});
afterAll(async () => {
  await app.stop();
  await upstream.stop();
});

function yamlOf(origin: string): string {
  const ids = [...new Set(exchanges.map(({ provider }) => provider))];
  const entryOf = (id: string) => ({
    base_url: origin,
    api_key: `key-of-${id}`,
    ...(id === COMPATIBLE && { type: COMPATIBLE }),
  });
  return JSON.stringify({
    allow_literal_keys: true,
    plans: { rich: { monthly_credit: "100" } },
    providers: Object.fromEntries(ids.map((id) => [id, entryOf(id)])),
    models: modelsOf(),
  });
}

function modelsOf() {
  const models = new Map<string, Map<string, object>>();
  for (const { provider, input, sent } of exchanges) {
    const mappings = models.get(input.model) ?? new Map<string, object>();
    mappings.set(provider, { provider, provider_model: sent.body.model, price: PRICE });
    models.set(input.model, mappings);
  }
  return [...models].map(([id, mappings]) => ({
    id,
    task: "conversational",
    providers: [...mappings.values()],
  }));
}

describe("exchanges", () => {
  test("are there for every provider: plain, streamed and structured", () => {
    const names = new Set(exchanges.map(({ name }) => name));
    const cases = ["plain", "stream", "structured", "structured-python"];
    const missing = [...chatProviders.map(({ id }) => id), COMPATIBLE].flatMap((id) =>
      cases.map((one) => `${id}/chat-completion-${one}.json`).filter((name) => !names.has(name)),
    );
    expect(missing).toEqual([]);
  });

  for (const exchange of exchanges) {
    const cuts = exchange.reply.lines ? [undefined, 1, 2, 3, 7, 31] : [undefined];
    for (const size of cuts) {
      const how = size === undefined ? "" : `, in pieces of ${size} bytes`;
      test(`${exchange.name}${how}`, () => expectExchange(exchange, size));
    }
  }
});

/** The provider's reply; a stream whole or cut into pieces of one size, which fall at all kinds of places. */
function replyOf({ reply }: Exchange, size: number | undefined): Response {
  if (!reply.lines) {
    return typeof reply.body === "string"
      ? new Response(reply.body, { status: reply.status })
      : Response.json(reply.body, { status: reply.status });
  }
  const bytes = Buffer.from(reply.lines.join("\n"));
  if (size === undefined) return streamed([bytes]);
  const pieces: (Uint8Array | (() => Promise<void>))[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    pieces.push(bytes.subarray(at, at + size), () => new Promise(setImmediate));
  }
  return streamed(pieces);
}

async function expectExchange(exchange: Exchange, size: number | undefined): Promise<void> {
  answer = () => replyOf(exchange, size);
  const { input, provider, error, usage } = exchange;
  const model = `${input.model}:${provider}`;
  const response = await app.answer(chat(ada.token, { ...input, model }));
  expectSent(exchange);
  if (error) return expectError(response, error);
  expect(response.status).toBe(200);
  const { output, cost } = input.stream ? await readStream(response) : await readPlain(response);
  const provided = { toolCalls: [], model: exchange.sent.body.model };
  expect<Json>(output).toEqual({ ...provided, ...exchange.output });
  if (!usage) throw new Error("neither error nor usage");
  expect(await booked(response)).toMatchObject({
    inputTokens: usage.input,
    outputTokens: usage.output,
    cachedInputTokens: usage.cachedInput ?? 0,
    cacheWriteTokens: usage.cacheWrite ?? 0,
    reasoningTokens: usage.reasoning ?? 0,
    isEstimated: usage.estimated ?? false,
    cost: costOf(usage),
  });
  expect(cost).toBe(String(costOf(usage)));
}

function expectSent({ sent, provider }: Exchange): void {
  const received = upstream.received.at(-1);
  expect(received?.method).toBe(sent.method);
  expect(received?.path).toBe(sent.path);
  expect(JSON.parse(received?.body ?? "")).toEqual(sent.body);
  expect(received?.headers).toMatchObject({
    authorization: `${schemeOf(provider)} key-of-${provider}`,
    "content-type": "application/json",
    ...sent.headers,
  });
}

const schemeOf = (id: string): string =>
  builtInProviders.find((provider) => provider.id === id)?.auth.scheme ?? "Bearer";

async function expectError(response: Response, wanted: NonNullable<Exchange["error"]>) {
  expect(response.status).toBe(wanted.status);
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  expect(error.code).toBe(wanted.code);
  expect(error.message).toContain(wanted.message);
}

async function booked(response: Response) {
  await app.drain();
  const rows = await app.site.usage.newestRequests(ada.user.id, 20);
  return rows.find(({ id }) => id === response.headers.get("inference-id"));
}

type ToolCall = { readonly function: { readonly name: string; readonly arguments: string } };
type Part = { readonly content?: string | null; readonly tool_calls?: readonly ToolCall[] | null };
type Choice = {
  readonly finish_reason?: string | null;
  readonly message?: Part;
  readonly delta?: Part;
};
type Body = {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly Choice[];
  readonly usage?: Json | null;
};

/** What a caller reads, and the cost it is told. Only plain answers of one choice and streams of text stand here. */
async function readPlain(response: Response) {
  const body = (await response.json()) as Body;
  // Hugging Face's client takes it for a chat completion.
  const helper = getProviderHelper("together", "conversational");
  expect<unknown>(await helper.getResponse(body)).toEqual(body);
  expect(body.id).not.toBe("");
  return { output: outputOf([body]), cost: body.usage?.cost_nano_usd };
}

const IDENTITY = {
  id: expect.stringMatching(/./),
  object: "chat.completion.chunk",
  created: expect.any(Number),
};

async function readStream(response: Response) {
  const text = await response.text();
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  const lines = text.split("\n").filter((line) => line.startsWith("data: {"));
  const bodies = lines.map((line) => JSON.parse(line.slice(6)) as Body);
  for (const body of bodies) expect(body).toMatchObject(IDENTITY);
  expect(bodies.filter(({ usage }) => usage)).toEqual([]);
  const facts = JSON.parse(/^: turnpike (.*)$/m.exec(text)?.[1] ?? "{}") as Json;
  return { output: outputOf(bodies), cost: facts.cost_nano_usd };
}

function outputOf(bodies: readonly Body[]): Json {
  const choices = bodies.flatMap((body) => body.choices);
  const parts = choices.map(({ message, delta }) => message ?? delta ?? {});
  const calls = parts.flatMap((part) => part.tool_calls ?? []);
  return {
    model: bodies[0]?.model,
    text: parts.map(({ content }) => content ?? "").join(""),
    finish: choices.findLast(({ finish_reason }) => finish_reason)?.finish_reason,
    toolCalls: calls.map((call) => ({ ...call.function })),
  };
}

/** What callers ask for; each is turned into a request by us and by Hugging Face's client. */
const hello = [{ role: "user", content: "Hello" }];
const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const TOOL = { type: "function", function: { name: "get_weather", parameters: SCHEMA } };
const QUESTIONS: Readonly<Record<string, Json>> = {
  plain: { messages: hello, max_tokens: 20, temperature: 0.5, top_p: 0.9, seed: 1, stop: ["."] },
  streamed: { messages: hello, stream: true },
  "streamed with usage": {
    messages: hello,
    stream: true,
    stream_options: { include_usage: true },
  },
  "with a schema": {
    messages: hello,
    response_format: {
      type: "json_schema",
      json_schema: { name: "city", schema: SCHEMA, strict: true },
    },
  },
  "as any JSON": { messages: hello, response_format: { type: "json_object" } },
  "with tools": { messages: hello, tools: [TOOL], tool_choice: "auto" },
  "after a tool": {
    messages: [
      ...hello,
      { role: "assistant", content: null, tool_calls: [{ id: "1", ...TOOL }] },
      { role: "tool", tool_call_id: "1", content: "sunny" },
    ],
    tools: [TOOL],
  },
  "with an image": {
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "What is this?" },
          { type: "image_url", image_url: { url: "https://example.com/a.png" } },
        ],
      },
    ],
  },
  "with choices and log probabilities": { messages: hello, n: 2, logprobs: true, top_logprobs: 3 },
  "with members of OpenAI's own": { messages: hello, store: true, metadata: { a: "b" } },
  "with members nobody knows": {
    messages: hello,
    top_k: 3,
    chat_template_kwargs: { think: false },
  },
};

/** Where we send something else than the client does, and why. Gives the client's body as we would have it. */
const DIFFERENCES: Readonly<Record<string, (body: Json, provider: string) => Json>> = {
  // We meter, so a stream's usage is asked for; Cerebras sends it anyway.
  streamed: (body, provider) =>
    provider === "cerebras" ? body : { ...body, stream_options: { include_usage: true } },
};

const MODEL = "org/model";
/** Not `hf_…`, so that the client goes to the provider directly. */
const KEY = "provider-key";

describe("our request is the one that @huggingface/inference would send directly", () => {
  for (const provider of chatProviders.filter(({ id }) => id in PROVIDERS)) {
    for (const [how, question] of Object.entries(QUESTIONS)) {
      test(`to ${provider.id}, ${how}`, () => {
        const adapter = provider.tasks.conversational;
        if (!adapter) throw new Error(`${provider.id} has no chat`);
        const request = parseChatRequest(
          spanOf(JSON.stringify({ model: "a/caller-s-name", ...question })),
        );
        const target = { providerModel: MODEL, clampedTo: undefined };
        const ours = chatUpstreamRequest(provider, adapter, request, target);
        const theirs = clientsRequest(provider.id as InferenceProvider, question);
        expect(provider.origin + ours.path).toBe(theirs.url);
        const headers: Json = { ...ours.headers, "content-type": "application/json" };
        expect(headers).toEqual(theirs.headers);
        const change = DIFFERENCES[how] ?? ((body: Json) => body);
        expect(JSON.parse(Buffer.from(bytesOf(ours.body)).toString())).toEqual(
          change(theirs.body, provider.id),
        );
      });
    }
  }
});

function clientsRequest(provider: InferenceProvider, question: Json) {
  const { url, info } = makeRequestOptionsFromResolvedModel(
    MODEL,
    getProviderHelper(provider, "conversational"),
    { accessToken: KEY, ...question } as Parameters<typeof makeRequestOptionsFromResolvedModel>[2],
    undefined,
    { task: "conversational" },
  );
  const headers = Object.fromEntries(new Headers(info.headers));
  expect(headers.authorization).toBe(`Bearer ${KEY}`);
  // The key is the gateway's to add, and the name of the client is not ours.
  delete headers.authorization;
  delete headers["user-agent"];
  return { url, headers, body: JSON.parse(String(info.body)) as Json };
}

describe("@huggingface/inference takes a plain answer of ours", () => {
  const plain = exchanges.filter(({ name }) => name.endsWith("chat-completion-plain.json"));
  for (const exchange of plain.filter(({ provider }) => provider in PROVIDERS)) {
    test(`from ${exchange.provider}`, async () => {
      answer = () => replyOf(exchange, undefined);
      const model = `${exchange.input.model}:${exchange.provider}`;
      const response = await app.answer(chat(ada.token, { ...exchange.input, model }));
      const body = (await response.json()) as ChatCompletionOutput;
      const helper = getProviderHelper(exchange.provider as InferenceProvider, "conversational");
      expect(await helper.getResponse(body)).toEqual(body);
    });
  }
});
