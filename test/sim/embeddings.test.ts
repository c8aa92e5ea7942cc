import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { CohereClient, CohereClientV2 } from "cohere-ai";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import OpenAI from "openai";
import Together from "together-ai";
import { startSim } from "../../sim/server.js";
import { cosine, vectorFor } from "../../sim/text/vectors.js";
import { KEY } from "./support.js";

const sim = startSim();
afterAll(() => sim.stop());
beforeEach(() => sim.reset());

/** Base URL, a model and how long its vectors are. */
const ROUTES: { readonly [provider: string]: readonly [string, string, number] } = {
  cohere: ["/compatibility/v1", "embed-v4.0", 1536],
  deepinfra: ["/v1/openai", "BAAI/bge-m3", 1024],
  nebius: ["/v1", "Qwen/Qwen3-Embedding-8B", 4096],
  openai: ["/v1", "text-embedding-3-small", 1536],
  ovhcloud: ["/v1", "bge-m3", 1024],
  sambanova: ["/v1", "E5-Mistral-7B-Instruct", 4096],
  scaleway: ["/v1", "bge-multilingual-gemma2", 3584],
  together: ["/v1", "BAAI/bge-base-en-v1.5", 768],
};

const near = (left: readonly number[] = [], right: readonly number[] = []) =>
  cosine(new Float32Array(left), new Float32Array(right));

for (const [provider, [base, model, length]] of Object.entries(ROUTES)) {
  describe(`the openai SDK's embeddings against ${provider}`, () => {
    const client = new OpenAI({ apiKey: KEY, baseURL: sim.url(provider) + base, maxRetries: 0 });
    const embed = (input: string | string[]) =>
      client.embeddings.create({ model, input, encoding_format: "float" });

    test("equal texts are equal, like texts are near, others are not", async () => {
      const { data, usage } = await embed([
        "That is a happy person",
        "That is a very happy person",
        "Quarterly steel exports",
        "That is a happy person",
      ]);
      const [first, like, other, same] = data.map((one) => one.embedding);
      expect(data.map((one) => one.index)).toEqual([0, 1, 2, 3]);
      expect(first?.length).toBe(length);
      expect(same).toEqual(first ?? []);
      expect(near(first, first)).toBeCloseTo(1, 4);
      expect(near(first, like)).toBeGreaterThan(0.7);
      expect(near(first, other)).toBeLessThan(0.3);
      expect(usage.prompt_tokens).toBe(5 + 6 + encode("Quarterly steel exports").length + 5);
      expect(sim.log().at(-1)).toMatchObject({
        provider,
        task: "feature-extraction",
        model,
        units: { promptTokens: usage.prompt_tokens },
        outcome: "complete",
      });
      expect(BigInt(sim.log().at(-1)?.costNanoUsd ?? "0")).toBeGreaterThan(0n);
    });

    test("nothing to embed is refused", async () => {
      const refused = await embed([""]).catch((cause) => cause);
      expect(refused).toBeInstanceOf(OpenAI.APIError);
      expect([400, 422]).toContain(refused.status);
    });
  });
}

describe("the openai SDK", () => {
  const client = new OpenAI({ apiKey: KEY, baseURL: `${sim.url("openai")}/v1`, maxRetries: 0 });

  test("reads base64, which it asks for by itself, as the same numbers", async () => {
    const ask = { model: "text-embedding-3-small", input: "hello", dimensions: 64 };
    const packed = await client.embeddings.create(ask);
    const plain = await client.embeddings.create({ ...ask, encoding_format: "float" });
    expect(packed.data[0]?.embedding).toEqual(plain.data[0]?.embedding ?? []);
    expect(plain.data[0]?.embedding.length).toBe(64);
  });

  test("gives tokens in place of text", async () => {
    const input = [encode("hello world"), encode("bye")];
    const made = await client.embeddings.create({ model: "text-embedding-3-small", input });
    expect(made.data.length).toBe(2);
    expect(made.usage.prompt_tokens).toBe(3);
  });

  test("is refused dimensions for a model that has one length", async () => {
    const refused = await client.embeddings
      .create({ model: "text-embedding-ada-002", input: "a", dimensions: 8 })
      .catch((cause) => cause);
    expect(refused).toBeInstanceOf(OpenAI.BadRequestError);
  });

  test("meets the dials: limits, faults, missing usage", async () => {
    const ask = { model: "text-embedding-3-small", input: "a" };
    sim.setDials("openai", { rate_limit: { after: 0, retry_after: 3 } });
    const refused = await client.embeddings.create(ask).catch((cause) => cause);
    expect(refused).toBeInstanceOf(OpenAI.RateLimitError);
    sim.reset();
    sim.setDials("openai", { missing_usage: true });
    expect((await client.embeddings.create(ask)).usage).toBeUndefined();
  });
});

test("the together SDK embeds", async () => {
  const together = new Together({ apiKey: KEY, baseURL: `${sim.url("together")}/v1` });
  const made = await together.embeddings.create({ model: "BAAI/bge-base-en-v1.5", input: "hi" });
  expect(made.data[0]?.embedding.length).toBe(768);
});

test("the together SDK reranks", async () => {
  const together = new Together({ apiKey: KEY, baseURL: `${sim.url("together")}/v1` });
  const made = await together.rerank.create({
    model: "Salesforce/Llama-Rank-V1",
    query: "Which animals live near Peru?",
    documents: [{ title: "Steel", text: "Exports rose" }, { title: "Animals that live near Peru" }],
    return_documents: true,
    top_n: 1,
  });
  expect(made.results.map((one) => one.index)).toEqual([1]);
  expect(made.results[0]?.document).toEqual({ title: "Animals that live near Peru" } as object);
  expect(made.usage?.total_tokens).toBeGreaterThan(0);
});

describe("the cohere SDK", () => {
  const options = { token: KEY, environment: sim.url("cohere"), maxRetries: 0 };
  const v2 = new CohereClientV2(options);
  const documents = ["Steel exports rose in May.", "The llama lives in the Andes of Peru."];

  test("embeds by the types asked for", async () => {
    const made = await v2.embed({
      model: "embed-v4.0",
      inputType: "search_document",
      texts: ["one", "two"],
      embeddingTypes: ["float", "int8", "ubinary", "base64"],
      outputDimension: 256,
    });
    expect(made.embeddings.float?.[0]?.length).toBe(256);
    expect(made.embeddings.int8?.[1]?.length).toBe(256);
    expect(made.embeddings.ubinary?.[0]?.length).toBe(32);
    expect(Buffer.from(made.embeddings.base64?.[0] ?? "", "base64").length).toBe(1024);
    expect(made.meta?.billedUnits?.inputTokens).toBe(2);
  });

  test("reranks, the best first", async () => {
    const made = await v2.rerank({ model: "rerank-v3.5", query: "llama of Peru", documents });
    expect(made.results.map((one) => one.index)).toEqual([1, 0]);
    const [best = 0, worst = 1] = made.results.map((one) => one.relevanceScore);
    expect(best).toBeGreaterThan(worst);
    expect(made.meta?.billedUnits?.searchUnits).toBe(1);
    expect(sim.log().at(-1)?.costNanoUsd).toBe("2000000");
  });

  test("reranks by the first version, which gives documents back", async () => {
    const made = await new CohereClient(options).rerank({
      model: "rerank-v3.5",
      query: "llama of Peru",
      documents,
      topN: 1,
      returnDocuments: true,
    });
    expect(made.results).toEqual([
      expect.objectContaining({ index: 1, document: { text: documents[1] ?? "" } }),
    ]);
  });
});

test("deepinfra's own rerank route gives scores in the order asked", async () => {
  const response = await fetch(`${sim.url("deepinfra")}/v1/inference/Qwen/Qwen3-Reranker-8B`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ queries: ["llama of Peru"], documents: ["steel", "a llama of Peru"] }),
  });
  const { scores, input_tokens: tokens } = (await response.json()) as {
    scores: number[];
    input_tokens: number;
  };
  expect(scores[1]).toBeGreaterThan(scores[0] ?? 1);
  expect(tokens).toBeGreaterThan(0);
});

test("texts of the same model only are comparable", () => {
  const one = vectorFor("hello", 256, "1 openai a");
  expect(cosine(one, vectorFor("hello", 256, "1 openai a"))).toBeCloseTo(1, 5);
  expect(Math.abs(cosine(one, vectorFor("hello", 256, "1 openai b")))).toBeLessThan(0.5);
});
