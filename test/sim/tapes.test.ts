import { afterAll, describe, expect, test } from "bun:test";
import { isObject } from "../../sim/json.js";
import { startSim } from "../../sim/server.js";
import { chatUrl, KEY, providerOf } from "./support.js";
import { type Exchange, flowsOf, hasTapes, isStream, structureOf } from "./tapes.js";

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

const path = (provider: string): RegExp =>
  provider === "hf-inference" ? /\/v1\/chat\/completions$/ : /chat\/completions$/;

/** Text Generation Inference 1 and 2 spoke differently; we stand for version 3. */
const isOld = (body: string): boolean => /"system_fingerprint":"[12]\./.test(body);

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

if (!hasTapes) {
  test.skip("no recordings beside the repository (../shared/tapes): nothing to compare with", () => {});
} else {
  for (const provider of PROVIDERS) describeProvider(provider);
  describeErrors();
}

function describeProvider(provider: string): void {
  describe(`${provider} on recordings`, () => {
    for (const flow of flowsOf(provider, "conversational")) {
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
    const errors = flowsOf("hf-inference", "conversational").flatMap((flow) =>
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
