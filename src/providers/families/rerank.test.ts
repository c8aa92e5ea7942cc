import { expect, test } from "bun:test";
import { openAiCompatible } from "../openai-compatible.js";
import type { ProviderReply } from "../provider.js";

const ranking = (origin: string) => {
  const adapter = openAiCompatible("own", origin).tasks["text-ranking"];
  if (!adapter) throw new Error("no text-ranking");
  return adapter;
};

const TARGET = { providerModel: "m", modelId: "m", loraWeights: undefined };
const INPUT = {
  inputs: { query: "capital?", documents: ["Rome", "Paris"] },
  media: undefined,
  parameters: { top_n: 1, return_documents: true },
  extra: {},
};

const sent = (origin: string) => ranking(origin).start(INPUT, TARGET).body;

test("a server at a versioned address is sent documents", () => {
  for (const origin of ["http://127.0.0.1/v1", "http://127.0.0.1/api/v2/"]) {
    expect(sent(origin)).toEqual({
      kind: "json",
      json: { model: "m", query: "capital?", documents: ["Rome", "Paris"], top_n: 1 },
    });
  }
});

test("Text Embeddings Inference, which reranks at its root only, is sent texts", () => {
  expect(sent("http://127.0.0.1:8080")).toEqual({
    kind: "json",
    json: { model: "m", query: "capital?", texts: ["Rome", "Paris"], top_n: 1 },
  });
});

test("its bare list is cut to top_n, and its header counted", () => {
  const adapter = ranking("http://127.0.0.1:8080");
  const reply: ProviderReply = {
    request: adapter.start(INPUT, TARGET),
    status: 200,
    header: (name) => (name === "x-compute-tokens" ? "9" : undefined),
    type: "application/json",
    bytes: new Uint8Array(),
    json: [
      { index: 1, score: 0.9 },
      { index: 0, score: 0.1 },
    ],
  };
  expect(adapter.next(reply, TARGET)).toMatchObject({
    output: { kind: "json", json: [{ index: 1, score: 0.9 }] },
    usage: { inputTokens: 9, outputTokens: 0 },
  });
});
