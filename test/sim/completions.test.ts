import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import OpenAI from "openai";
import Together from "together-ai";
import { startSim } from "../../sim/server.js";
import { KEY } from "./support.js";

const sim = startSim();
afterAll(() => sim.stop());
beforeEach(() => sim.reset());

/** What stands before `/completions`, as providers document their base URLs. */
const BASES: { readonly [provider: string]: string } = {
  deepinfra: "/v1/openai",
  "featherless-ai": "/v1",
  hyperbolic: "/v1",
  nebius: "/v1",
  novita: "/v3/openai",
  ovhcloud: "/v1",
  scaleway: "/v1",
  together: "/v1",
};

const clientFor = (provider: string) =>
  new OpenAI({ apiKey: KEY, baseURL: sim.url(provider) + BASES[provider], maxRetries: 0 });

for (const provider of Object.keys(BASES)) {
  describe(`the openai SDK's completions against ${provider}`, () => {
    const client = clientFor(provider);

    test("a plain answer has as many tokens as its usage says, and a prompt without a template", async () => {
      const answer = await client.completions.create({
        model: "some/model",
        prompt: "Paris is [[tokens=11]]",
      });
      expect(encode(answer.choices[0]?.text ?? "").length).toBe(11);
      expect(answer.usage?.completion_tokens).toBe(11);
      expect(answer.usage?.prompt_tokens).toBe(encode("Paris is [[tokens=11]]").length);
      expect(sim.log().at(-1)).toMatchObject({
        provider,
        task: "text-generation",
        completionTokensDelivered: 11,
        outcome: "complete",
      });
      expect(BigInt(sim.log().at(-1)?.costNanoUsd ?? "0")).toBeGreaterThan(0n);
    });

    test("a stream's pieces are the plain answer", async () => {
      const ask = { model: "some/model", prompt: "Paris is", max_tokens: 7 };
      const plain = await client.completions.create(ask);
      const stream = await client.completions.create({
        ...ask,
        stream: true,
        stream_options: { include_usage: true },
      });
      let text = "";
      let finish: string | undefined;
      let used: number | undefined;
      for await (const chunk of stream) {
        text += chunk.choices[0]?.text ?? "";
        finish = chunk.choices[0]?.finish_reason ?? finish;
        used = chunk.usage?.completion_tokens ?? used;
      }
      expect(text).toBe(plain.choices[0]?.text ?? "-");
      expect(finish).toBe("length");
      expect(used).toBe(7);
    });

    test("a body without a prompt is refused", async () => {
      const body = { model: "some/model" } as unknown as OpenAI.CompletionCreateParamsNonStreaming;
      const refused = await client.completions.create(body).catch((cause) => cause);
      expect(refused).toBeInstanceOf(OpenAI.APIError);
      expect([400, 422]).toContain(refused.status);
    });
  });
}

test("several prompts are answered by several choices", async () => {
  const answer = await clientFor("deepinfra").completions.create({
    model: "some/model",
    prompt: ["one", "two"],
    n: 2,
    logprobs: 1,
  });
  expect(answer.choices.map((choice) => choice.index)).toEqual([0, 1, 2, 3]);
  expect(answer.choices[0]?.logprobs?.text_offset?.[0]).toBe(0);
});

describe("the together SDK's completions", () => {
  const together = new Together({
    apiKey: KEY,
    baseURL: `${sim.url("together")}/v1`,
    maxRetries: 0,
  });

  test("has a seed and Together's names", async () => {
    const answer = await together.completions.create({ model: "m", prompt: "Paris [[tokens=5]]" });
    expect(answer.object).toBe("text.completion");
    expect(answer.choices[0]?.finish_reason).toBe("eos");
    expect(answer.choices[0]?.seed).toBeGreaterThan(0);
  });

  test("streams tokens", async () => {
    const stream = await together.completions.create({
      model: "m",
      prompt: "Paris [[tokens=5]]",
      stream: true,
    });
    const texts: string[] = [];
    for await (const chunk of stream) texts.push(chunk.token.text);
    expect(encode(texts.join("")).length).toBe(5);
  });
});
