/** The helpers that point Hugging Face's clients here: what they send where, and what they leave alone. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { InferenceClient } from "@huggingface/inference";
import { turnpikeFetch, useTurnpike } from "../../clients/huggingface.mjs";
import { findPython, runPython } from "./python.js";
import { type Front, pinned, startFront, user } from "./support.js";

let front: Front;
beforeAll(async () => {
  front = await startFront();
});
afterAll(() => front.stop());

const OURS = "Bearer hf_tp_ours";
const THEIRS = "Bearer hf_of_the_hub";
const AT = "http://127.0.0.1:7070";

/** Which URL a request goes to, and with which Authorization. */
async function sent(url: string | URL | Request, authorization?: string, origin = AT) {
  const seen: { url: string; authorization: string | null; method: string }[] = [];
  const inner = Object.assign(
    async (input: string | URL | Request, init?: RequestInit) => {
      const request = new Request(input, init);
      const { headers, method } = request;
      seen.push({ url: request.url, authorization: headers.get("authorization"), method });
      return new Response();
    },
    { preconnect: fetch.preconnect },
  );
  const init = authorization === undefined ? undefined : { headers: { authorization } };
  await turnpikeFetch(origin, inner)(url, init);
  expect(seen).toHaveLength(1);
  return seen[0];
}

test("what is for the router goes here whole, with its token", async () => {
  const path = "/fal-ai/fal-ai/flux/requests/7f0c/status?_subdomain=queue";
  const url = `https://router.huggingface.co${path}`;
  for (const written of [url, new URL(url), new Request(url)]) {
    expect(await sent(written, OURS)).toMatchObject({ url: AT + path, authorization: OURS });
  }
  const posted = new Request("https://router.huggingface.co/together/v1/embeddings", {
    method: "POST",
    headers: { authorization: OURS },
    body: "{}",
  });
  expect(await sent(posted)).toEqual({
    url: `${AT}/together/v1/embeddings`,
    authorization: OURS,
    method: "POST",
  });
  expect(
    await sent("https://router.huggingface.co/v1/models", OURS, "https://x.example/t/"),
  ).toMatchObject({ url: "https://x.example/t/v1/models" });
});

test("look-ups of the Hub go here, but not with a token that is the Hub's own", async () => {
  for (const path of [
    "/api/models/org/model?expand[]=inferenceProviderMapping",
    "/api/models/gpt2?expand[]=pipeline_tag",
    "/api/models?inference_provider=all",
    "/api/tasks",
  ]) {
    const url = `https://huggingface.co${path}`;
    expect(await sent(url, OURS)).toMatchObject({ url: AT + path, authorization: OURS });
    expect(await sent(url, THEIRS)).toMatchObject({ url: AT + path, authorization: null });
    expect(await sent(url)).toMatchObject({ url: AT + path, authorization: null });
  }
  const whoami = "https://huggingface.co/api/whoami-v2";
  expect(await sent(whoami, OURS)).toMatchObject({ url: `${AT}/api/whoami-v2` });
  expect(await sent(whoami, THEIRS)).toMatchObject({ url: whoami, authorization: THEIRS });
});

test("files of the Hub, results and all else stay as they are", async () => {
  for (const url of [
    "https://huggingface.co/org/model/resolve/main/w.safetensors",
    "https://huggingface.co/api/models/org/model/tree/main",
    "https://huggingface.co/api/models?search=x",
    "https://huggingface.co/api/datasets/org/data",
    "https://v3.fal.media/files/x/a.jpg",
    "https://api.together.xyz/v1/embeddings",
    "http://router.huggingface.co/v1/models",
    "https://router.huggingface.co.evil.example/v1/models",
  ]) {
    expect(await sent(url, THEIRS)).toMatchObject({ url, authorization: THEIRS });
  }
});

test("an address that is none is refused at once", () => {
  for (const origin of ["", "127.0.0.1:7070", "ftp://x.example", "turnpike"]) {
    expect(() => turnpikeFetch(origin)).toThrow(TypeError);
    expect(() => useTurnpike(origin)).toThrow(TypeError);
  }
});

describe("useTurnpike", () => {
  const before = globalThis.fetch;
  afterEach(() => {
    globalThis.fetch = before;
  });

  test("is undone, also under a fetch that was put around it", async () => {
    const undo = useTurnpike(AT);
    expect(globalThis.fetch).not.toBe(before);
    undo();
    expect(globalThis.fetch).toBe(before);

    const undoUnder = useTurnpike("http://127.0.0.1:1");
    const ours = globalThis.fetch;
    const around = Object.assign((...given: Parameters<typeof fetch>) => ours(...given), before);
    globalThis.fetch = around;
    undoUnder();
    expect(globalThis.fetch).toBe(around);
    expect((await fetch(`${front.server.origin}/healthz`)).status).toBe(200);
  });

  test("chat without a provider, a model's first provider, and refusals, as the client knows them", async () => {
    const undo = useTurnpike(front.server.origin);
    try {
      const client = new InferenceClient(front.ada.token);
      const model = pinned("together");
      const { choices } = await client.chatCompletion({ model, messages: user("hi") });
      expect(choices[0]?.message.content).toBeTruthy();
      const inputs = ["a fox"];
      const vectors = await client.featureExtraction({
        model: "BAAI/bge-multilingual-gemma2",
        inputs,
      });
      expect(vectors).toHaveLength(1);
      const broke = new InferenceClient(front.bob.token);
      const scaleway = { provider: "scaleway", model: "BAAI/bge-multilingual-gemma2" } as const;
      await expect(broke.featureExtraction({ ...scaleway, inputs })).rejects.toThrow("credit");
      const nowhere = client.featureExtraction({ ...scaleway, model: "no/such-model", inputs });
      await expect(nowhere).rejects.toThrow('There is no model "no/such-model" here.');
    } finally {
      undo();
    }
  });
});

const python = findPython(["huggingface_hub"]);

test.skipIf(!python)("use_turnpike: whoami, look-ups, both clients, and what stays", async () => {
  const { origin } = front.server;
  const ask = { origin, token: front.ada.token, chat: pinned("together") };
  const found = await runPython(python, "tasks/huggingface_helper.py", ask);
  expect(found).toEqual({
    whoami: "ada",
    served_by: ["scaleway"],
    unknown: "RepositoryNotFoundError",
    chat: true,
    async_chat: true,
    kept: ["https://huggingface.co/api/models/org/model/tree/main", "https://v3.fal.media/a.jpg"],
    bad_origin: "ValueError",
  });
});

test.skipIf(!python)("HF_ENDPOINT alone is enough for look-ups", async () => {
  const env = { HF_ENDPOINT: front.server.origin, HF_TOKEN: front.ada.token };
  const found = await runPython(python, "tasks/huggingface_lookups.py", {}, env);
  expect(found).toEqual({
    whoami: "ada",
    served_by: ["scaleway"],
    pipeline_tag: "feature-extraction",
    inference: "warm",
    warm: ["BAAI/bge-multilingual-gemma2"],
  });
});
