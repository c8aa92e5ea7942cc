import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import Groq from "groq-sdk";
import OpenAI from "openai";
import Together from "together-ai";
import { startSim } from "../../sim/server.js";
import { KEY, modelOf, openAiFor, providerOf, providers } from "./support.js";

const sim = startSim();
afterAll(() => sim.stop());
beforeEach(() => sim.reset());

const WEATHER = {
  type: "function" as const,
  function: {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, unit: { enum: ["celsius", "fahrenheit"] } },
      required: ["city", "unit"],
    },
  },
};

const PERSON = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer", minimum: 0, maximum: 150 } },
  required: ["name", "age"],
  additionalProperties: false,
};

const user = (content: string) => [{ role: "user" as const, content }];

for (const provider of providers) {
  describe(`the openai SDK against ${provider.id}`, () => {
    const client = openAiFor(sim, provider);
    const model = modelOf(provider);

    test("a plain answer has as many tokens as its usage says", async () => {
      const answer = await client.chat.completions.create({
        model: "plain-model",
        messages: user("Hello [[tokens=12]]"),
      });
      const text = answer.choices[0]?.message.content ?? "";
      expect(encode(text).length).toBe(12);
      expect(answer.usage?.completion_tokens).toBe(12);
      expect(answer.usage?.total_tokens).toBe(12 + (answer.usage?.prompt_tokens ?? 0));
    });

    test("a stream's deltas are the tokens its usage counts", async () => {
      const stream = await client.chat.completions.create({
        model: "plain-model",
        messages: user("Hello [[tokens=9]]"),
        stream: true,
        stream_options: { include_usage: true },
      });
      let text = "";
      let usage: OpenAI.CompletionUsage | null | undefined;
      let finish: string | null | undefined;
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? "";
        finish = chunk.choices[0]?.finish_reason ?? finish;
        usage = chunk.usage ?? usage;
      }
      expect(encode(text).length).toBe(9);
      expect(usage?.completion_tokens).toBe(9);
      expect(finish).toBe(provider.id === "together" ? ("eos" as string) : "stop");
    });

    test("a tool is called with arguments that fit, and its result is answered with text", async () => {
      const first = await client.chat.completions.create({
        model,
        messages: user("What is the weather?"),
        tools: [WEATHER],
        tool_choice: "required",
      });
      const call = first.choices[0]?.message.tool_calls?.[0];
      if (call?.type !== "function") throw new Error("no tool call");
      expect(first.choices[0]?.finish_reason).toBe("tool_calls");
      const made = JSON.parse(call.function.arguments);
      expect(typeof made.city).toBe("string");
      expect(["celsius", "fahrenheit"]).toContain(made.unit);
      const second = await client.chat.completions.create({
        model,
        messages: [
          ...user("What is the weather?"),
          { role: "assistant", tool_calls: [call] },
          { role: "tool", tool_call_id: call.id, content: "sunny" },
        ],
        tools: [WEATHER],
      });
      expect(second.choices[0]?.message.content).toBeTruthy();
    });

    test("a streamed tool call adds up to the same kind of call", async () => {
      const runner = client.chat.completions.stream({
        model,
        messages: user("Please call get_weather"),
        tools: [WEATHER],
      });
      const message = await runner.finalMessage();
      const call = message.tool_calls?.[0];
      if (call?.type !== "function") throw new Error("no tool call");
      expect(call.function.name).toBe("get_weather");
      expect(JSON.parse(call.function.arguments).city).toBeTruthy();
    });

    test("json_schema answers are JSON that fits the schema", async () => {
      const answer = await client.chat.completions.create({
        model,
        messages: user("Who?"),
        response_format: { type: "json_schema", json_schema: { name: "person", schema: PERSON } },
      });
      const made = JSON.parse(answer.choices[0]?.message.content ?? "");
      expect(typeof made.name).toBe("string");
      expect(Number.isInteger(made.age)).toBe(true);
      expect(Object.keys(made).sort()).toEqual(["age", "name"]);
    });

    test("a bad key is an AuthenticationError", async () => {
      const attempt = openAiFor(sim, provider, "bad-key").chat.completions.create({
        model,
        messages: user("hi"),
      });
      expect(await attempt.catch((cause) => cause)).toBeInstanceOf(OpenAI.AuthenticationError);
    });

    test("a used-up limit is a RateLimitError with a time to wait", async () => {
      sim.setDials(provider.id, { rate_limit: { after: 1, retry_after: 7 } });
      await client.chat.completions.create({ model, messages: user("hi") });
      const refused = await client.chat.completions
        .create({ model, messages: user("hi") })
        .catch((cause) => cause);
      expect(refused).toBeInstanceOf(OpenAI.RateLimitError);
      expect(refused.headers.get("retry-after")).toBe("7");
    });
  });
}

describe("the openai SDK's model list", () => {
  for (const id of ["openai", "cerebras", "deepinfra", "groq", "novita", "fireworks-ai"]) {
    test(`reads prices and context lengths from ${id}`, async () => {
      const provider = providerOf(id);
      const list = await openAiFor(sim, provider).models.list();
      expect(list.data.length).toBe(provider.models.length);
      for (const model of list.data) {
        expect(model).toMatchObject({ pricing: { input: expect.any(Number) } });
        expect(model).toMatchObject({ context_length: expect.any(Number) });
      }
    });
  }
});

describe("the groq SDK", () => {
  const groq = new Groq({ apiKey: KEY, baseURL: sim.url("groq"), maxRetries: 0 });

  test("gets plain answers and streams with usage in x_groq", async () => {
    const messages = user("hi [[tokens=6]]");
    const plain = await groq.chat.completions.create({ model: "m", messages });
    expect(plain.usage?.completion_tokens).toBe(6);
    expect(plain.x_groq?.id).toStartWith("req_");
    const stream = await groq.chat.completions.create({ model: "m", messages, stream: true });
    let usage: number | undefined;
    let ids = 0;
    for await (const chunk of stream) {
      if (chunk.x_groq?.id) ids += 1;
      usage = chunk.x_groq?.usage?.completion_tokens ?? usage;
    }
    expect(usage).toBe(6);
    expect(ids).toBe(2);
  });

  test("is refused a field that Groq does not know", async () => {
    const body = { model: "m", messages: user("hi"), store: true };
    const refused = await groq.chat.completions.create(body).catch((cause) => cause);
    expect(refused).toBeInstanceOf(Groq.BadRequestError);
    expect(refused.message).toContain("property 'store' is unsupported");
  });

  test("lists models", async () => {
    const list = await groq.models.list();
    expect(list.data.map((model) => model.id)).toContain("llama-3.1-8b-instant");
  });
});

describe("the together SDK", () => {
  const together = new Together({
    apiKey: KEY,
    baseURL: `${sim.url("together")}/v1`,
    maxRetries: 0,
  });

  test("gets plain answers and streams", async () => {
    const messages = user("hi [[tokens=6]]");
    const plain = await together.chat.completions.create({ model: "m", messages });
    expect(plain.prompt).toEqual([]);
    expect(plain.usage?.completion_tokens).toBe(6);
    expect(plain.choices[0]?.finish_reason).toBe("eos");
    const stream = await together.chat.completions.create({ model: "m", messages, stream: true });
    let text = "";
    let usage: number | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage?.completion_tokens ?? usage;
    }
    expect(text).toBe(plain.choices[0]?.message?.content ?? "-");
    expect(usage).toBe(6);
  });

  test("reads the list of models as a bare array with prices", async () => {
    const list = await together.models.list();
    expect(Array.isArray(list)).toBe(true);
    expect(list[0]?.pricing?.input).toBe(0.18);
    expect(list[0]?.context_length).toBe(131_072);
  });
});
