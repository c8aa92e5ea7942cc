import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isObject, type Json } from "../../sim/json.js";
import { startSim } from "../../sim/server.js";
import { chatUrl, chunksIn, KEY, providerOf } from "./support.js";

/** Recorded answers of the real providers, kept beside the repository. */
const TAPES = join(import.meta.dir, "../../../shared/tapes");

type Exchange = {
  readonly step: string;
  readonly request: { readonly body?: string; readonly upstreamPath?: string };
  readonly response: {
    readonly status: number;
    readonly headers: { readonly [name: string]: string };
    readonly body?: string;
  };
};

type Flow = {
  readonly id: string;
  readonly model: string;
  readonly exchanges: readonly Exchange[];
};

const PROVIDERS = [
  "cerebras",
  "cohere",
  "fireworks-ai",
  "hf-inference",
  "hyperbolic",
  "nebius",
  "novita",
  "openai",
  "sambanova",
  "together",
];

/** Key paths where we differ from a recording, and why. */
const EXCEPTIONS: { readonly [provider: string]: { readonly [path: string]: string } } = {
  openai: {
    "system_fingerprint string": "the recording of 2024-05; null on all later ones",
  },
};

/** Headers that belong to caches, browsers and Hugging Face's router, not to the provider's API. */
const NOT_THE_PROVIDERS =
  /^(access-control-|x-api-|x-inference-version|x-ratelimit|x-accel|x-proxied|x-trial|x-compute-time$|server$|vary$|cache-control$|retry-after$|openai-model$|fireworks-speculation|x-request-id$|x-powered-by$|x-robots-tag$)/;

function flowsOf(provider: string): Flow[] {
  const folder = join(TAPES, provider, "conversational");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Flow);
}

const path = (provider: string): RegExp =>
  provider === "hf-inference" ? /\/v1\/chat\/completions$/ : /chat\/completions$/;

/** Text Generation Inference 1 and 2 spoke differently; we stand for version 3. */
const isOld = (body: string): boolean => /"system_fingerprint":"[12]\./.test(body);

/** "choices.[].delta.content string" for every value in the answer. */
function pathsOf(value: Json | undefined, at = ""): string[] {
  if (Array.isArray(value))
    return [`${at} array`, ...value.flatMap((one) => pathsOf(one, `${at}.[]`))];
  if (isObject(value)) {
    const inside = Object.entries(value).flatMap(([key, one]) =>
      pathsOf(one, at === "" ? key : `${at}.${key}`),
    );
    return at === "" ? inside : [`${at} object`, ...inside];
  }
  return [`${at} ${value === null ? "null" : typeof value}`];
}

/** One recording ends with a stray quote, which the recorder left there. */
const structureOf = (body: string, streamed: boolean): Set<string> =>
  new Set(
    streamed
      ? chunksIn(body.replace(/\}"$/, "}")).flatMap((chunk) => pathsOf(chunk))
      : pathsOf(JSON.parse(body)),
  );

const isStream = (headers: { readonly [name: string]: string }): boolean =>
  (headers["content-type"] ?? "").startsWith("text/event-stream");

/** The recorded request where it can be replayed, else one like it. */
function requestFor(exchange: Exchange, model: string): object {
  const like = {
    model,
    messages: [{ role: "user", content: "Say this is a test" }],
    stream: isStream(exchange.response.headers),
  };
  if (!exchange.request.body) return like;
  const body: unknown = JSON.parse(exchange.request.body);
  return isObject(body) && exchange.response.status !== 200
    ? body
    : { ...like, ...(body as object) };
}

const sim = startSim();
afterAll(() => sim.stop());

const replay = (provider: string, exchange: Exchange, model: string, key: string) =>
  fetch(chatUrl(sim, providerOf(provider), model), {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify(requestFor(exchange, model)),
  });

if (!existsSync(TAPES)) {
  test.skip("no recordings beside the repository (../shared/tapes): nothing to compare with", () => {});
} else {
  for (const provider of PROVIDERS) describeProvider(provider);
  describeErrors();
}

function describeProvider(provider: string): void {
  describe(`${provider} on recordings`, () => {
    for (const flow of flowsOf(provider)) {
      const exchanges = flow.exchanges.filter(
        ({ step, request, response }) =>
          step === "inference" &&
          response.status === 200 &&
          path(provider).test(request.upstreamPath ?? "") &&
          !isOld(response.body ?? ""),
      );
      for (const exchange of exchanges) {
        test(`${flow.id}: every key on it is in our answer, with the same type`, async () => {
          const { body = "", headers } = exchange.response;
          const ours = await replay(provider, exchange, flow.model, KEY);
          const text = await ours.text();
          const made = structureOf(text, isStream(headers));
          const known = EXCEPTIONS[provider] ?? {};
          const missing = [...structureOf(body, isStream(headers))].filter(
            (one) => !made.has(one) && !(one in known),
          );
          expect(missing).toEqual([]);
          expect(text.includes("data: [DONE]")).toBe(body.includes("data: [DONE]"));
          const absent = Object.keys(headers).filter(
            (name) => !NOT_THE_PROVIDERS.test(name) && !ours.headers.has(name),
          );
          expect(absent).toEqual([]);
        });
      }
    }
  });
}

function describeErrors(): void {
  describe("hf-inference errors on recordings", () => {
    const errors = flowsOf("hf-inference").flatMap((flow) =>
      flow.exchanges
        .filter(
          ({ request, response }) =>
            path("hf-inference").test(request.upstreamPath ?? "") &&
            (response.status === 401 || (response.body ?? "").includes("missing field `messages`")),
        )
        .map((exchange) => ({ flow, exchange })),
    );
    for (const { flow, exchange } of errors) {
      test(`${flow.id}: status, type and shape are the same`, async () => {
        const { status, headers, body = "" } = exchange.response;
        const key = status === 401 ? "bad-key" : KEY;
        const ours = await replay("hf-inference", exchange, flow.model, key);
        const text = await ours.text();
        expect(ours.status).toBe(status);
        expect(ours.headers.get("content-type")?.split(";")[0]).toBe(
          headers["content-type"]?.split(";")[0],
        );
        if (status === 401) expect(JSON.parse(text)).toEqual(JSON.parse(body));
        else expect(body.startsWith(text)).toBe(true);
      });
    }
  });
}
