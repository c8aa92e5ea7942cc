import OpenAI from "openai";
import type { Dials } from "../../sim/dials.js";
import { isObject, isString, type JsonObject } from "../../sim/json.js";
import type { Endpoint, Provider } from "../../sim/provider.js";
import { providers as all } from "../../sim/providers/index.js";
import type { Sim } from "../../sim/server.js";

/** Those with chat. */
export const providers = all.filter(({ models }) => models.length > 0);

export const KEY = "sim-key";

export type ChatEndpoint = Endpoint & { readonly kind: "chat" };

function chatEndpoint(provider: Provider): ChatEndpoint {
  const found = provider.endpoints.find((one): one is ChatEndpoint => one.kind === "chat");
  if (!found) throw new Error(`${provider.id} has no chat`);
  return found;
}

export function providerOf(id: string): Provider {
  const found = all.find((one) => one.id === id);
  if (!found) throw new Error(`no provider ${id}`);
  return found;
}

export const modelOf = (provider: Provider): string => provider.models[0]?.id ?? "some/model";

export const chatUrl = (sim: Sim, provider: Provider, model = modelOf(provider)): string =>
  sim.url(provider.id) + chatEndpoint(provider).path.replace("{model}", model);

/** The official SDK, pointed at one simulated provider the way its users point it. */
export const openAiFor = (sim: Sim, provider: Provider, apiKey = KEY): OpenAI =>
  new OpenAI({
    apiKey,
    baseURL: chatUrl(sim, provider).replace("/chat/completions", ""),
    maxRetries: 0,
  });

export type Asked = {
  readonly provider?: string;
  readonly dials?: Dials;
  readonly key?: string | null;
  readonly headers?: { readonly [name: string]: string };
  readonly signal?: AbortSignal;
};

/** One chat request over plain HTTP. */
export function ask(sim: Sim, body: object, asked: Asked = {}): Promise<Response> {
  const provider = providerOf(asked.provider ?? "openai");
  const key = asked.key === undefined ? KEY : asked.key;
  const model = modelOf(provider);
  return fetch(chatUrl(sim, provider), {
    method: "POST",
    redirect: "manual",
    ...(asked.signal ? { signal: asked.signal } : {}),
    headers: {
      "content-type": "application/json",
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(asked.dials ? { "x-sim-dials": JSON.stringify(asked.dials) } : {}),
      ...asked.headers,
    },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }], ...body }),
  });
}

/** The data of each event, as text. */
export const eventsIn = (stream: string): string[] =>
  stream
    .split("\n\n")
    .filter((event) => event.startsWith("data: "))
    .map((event) => event.slice(6));

export const chunksIn = (stream: string): JsonObject[] =>
  eventsIn(stream)
    .filter((data) => data !== "[DONE]")
    .map((data) => JSON.parse(data));

/** What a caller would show: the content of all chunks, put together. */
export function contentIn(chunks: readonly JsonObject[]): string {
  let text = "";
  for (const chunk of chunks) {
    const [choice] = Array.isArray(chunk.choices) ? chunk.choices : [];
    const delta = isObject(choice) ? choice.delta : undefined;
    if (isObject(delta) && isString(delta.content)) text += delta.content;
  }
  return text;
}

export async function chatOnce(sim: Sim, body: object, asked: Asked = {}) {
  const response = await ask(sim, body, asked);
  return (await response.json()) as Completion;
}

/** As much of a plain answer as the tests read. */
export type Completion = {
  readonly id: string;
  readonly choices: readonly {
    readonly index: number;
    readonly finish_reason: string;
    readonly logprobs: unknown;
    readonly message: {
      readonly content: string | null;
      readonly reasoning?: string;
      readonly reasoning_content?: string;
      readonly tool_calls?: readonly {
        readonly function: { readonly name: string; readonly arguments: string };
      }[];
    };
  }[];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly total_tokens: number;
    readonly prompt_tokens_details?: { readonly cached_tokens: number };
    readonly completion_tokens_details?: { readonly reasoning_tokens: number };
  };
};

/** Waits for something the simulator does a moment later, without sleeping longer than needed. */
export async function until(holds: () => boolean, withinMs = 1000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error("it did not happen in time");
    await Bun.sleep(2);
  }
}
