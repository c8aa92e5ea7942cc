/** The `openai` package from npm, unmodified. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { nanoUsd } from "../../src/kernel/money.js";
import {
  booked,
  closingFacts,
  delivered,
  type Front,
  PERSON,
  pinned,
  providers,
  startFront,
  until,
  user,
  WEATHER,
} from "./support.js";

let front: Front;
let openai: OpenAI;

beforeAll(async () => {
  front = await startFront();
  openai = clientOf(front.ada.token);
});
afterAll(() => front.stop());
afterEach(() => front.sim.reset());

const clientOf = (apiKey: string): OpenAI =>
  new OpenAI({ apiKey, baseURL: front.baseUrl, maxRetries: 0 });

type Ask = OpenAI.ChatCompletionCreateParamsNonStreaming;

/** A plain answer with the headers that came with it. */
async function plain(ask: Ask) {
  const { data, response } = await openai.chat.completions.create(ask).withResponse();
  return { answer: data, headers: response.headers };
}

/** The stream as it is on the wire. */
async function rawStream(ask: Omit<Ask, "stream">): Promise<{ text: string; id: string }> {
  const response = await openai.chat.completions.create({ ...ask, stream: true }).asResponse();
  return { text: await response.text(), id: response.headers.get("inference-id") ?? "" };
}

async function errorOf(attempt: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const thrown = await attempt.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(thrown instanceof OpenAI.APIError)) throw new Error(`no APIError but ${thrown}`);
  return thrown;
}

const callIn = (message: OpenAI.ChatCompletionMessage | undefined) => {
  const call = message?.tool_calls?.[0];
  if (call?.type !== "function") throw new Error("no tool was called");
  return call;
};

for (const { id: provider } of providers) {
  describe(`openai pinned to ${provider}`, () => {
    const model = pinned(provider);
    const toolModel = pinned(provider, "tools");

    test("a plain answer costs what the provider's own record says", async () => {
      const { answer, headers } = await plain({ model, messages: user("Hello [[tokens=12]]") });
      const id = headers.get("inference-id") ?? "";
      const sent = await delivered(front, id);
      expect(headers.get("x-inference-provider")).toBe(provider);
      expect(Reflect.get(answer, "_request_id")).toBe(id);
      expect(headers.get("x-turnpike-cost-nano-usd")).toBe(sent.costNanoUsd);
      expect(answer.usage).toMatchObject({
        prompt_tokens: sent.promptTokens,
        completion_tokens: 12,
        cost_nano_usd: sent.costNanoUsd,
      });
      expect(await booked(front, id)).toMatchObject({
        cost: BigInt(sent.costNanoUsd),
        inputTokens: sent.promptTokens,
        outputTokens: 12,
        isEstimated: false,
        outcome: "served",
      });
      expect(answer.id).not.toBe("");
      expect(answer.object).toBe("chat.completion");
      expect(answer.choices[0]?.finish_reason).toBe("stop");
      expect(sent.outcome).toBe("complete");
    });

    test("a stream ends in [DONE] and costs what the provider's own record says", async () => {
      const { text, id } = await rawStream({ model, messages: user("Hello [[tokens=9]]") });
      const sent = await delivered(front, id);
      expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
      expect(text.split("[DONE]")).toHaveLength(2);
      expect(closingFacts(text)).toMatchObject({ provider, cost_nano_usd: sent.costNanoUsd });
      expect(closingFacts(text).estimated).toBeUndefined();
      expect(await booked(front, id)).toMatchObject({ cost: BigInt(sent.costNanoUsd) });
    });

    test("a stream says the same as a plain answer, and its usage comes when asked for", async () => {
      const messages = user("Tell me [[tokens=20]]");
      const { answer } = await plain({ model, messages });
      const stream = openai.chat.completions.stream({
        model,
        messages,
        stream_options: { include_usage: true },
      });
      const whole = await stream.finalChatCompletion();
      expect(whole.choices[0]?.message.content).toBe(answer.choices[0]?.message.content ?? "-");
      expect(whole.choices[0]?.finish_reason).toBe("stop");
      expect(whole.usage).toMatchObject({
        prompt_tokens: answer.usage?.prompt_tokens,
        completion_tokens: answer.usage?.completion_tokens,
        cost_nano_usd: expect.stringMatching(/^\d+$/),
      });
      expect(whole.id).not.toBe("");
    });

    test("usage that was not asked for does not show up in a stream", async () => {
      const stream = await openai.chat.completions.create({
        model,
        messages: user("Hello"),
        stream: true,
      });
      for await (const chunk of stream) {
        expect(chunk.usage ?? undefined).toBeUndefined();
        expect(chunk.choices).not.toEqual([]);
      }
    });

    test("an answer fits the schema it was asked for", async () => {
      const { answer } = await plain({
        model: pinned(provider, "structured"),
        messages: user("Who?"),
        response_format: {
          type: "json_schema",
          json_schema: { name: "person", schema: PERSON, strict: true },
        },
      });
      const made = JSON.parse(answer.choices[0]?.message.content ?? "");
      expect(Object.keys(made).sort()).toEqual(["age", "name"]);
      expect(Number.isInteger(made.age)).toBe(true);
    });

    test("a tool is called, its result goes back, and text comes of it", async () => {
      const messages = user("What is the weather?");
      const tools = [WEATHER];
      const ask = { model: toolModel, messages, tools, tool_choice: "required" as const };
      const { answer } = await plain(ask);
      const call = callIn(answer.choices[0]?.message);
      expect(answer.choices[0]?.finish_reason).toBe("tool_calls");
      expect(typeof JSON.parse(call.function.arguments).city).toBe("string");
      const { answer: second } = await plain({
        model: toolModel,
        messages: [
          ...messages,
          { role: "assistant", tool_calls: [call] },
          { role: "tool", tool_call_id: call.id, content: "sunny" },
        ],
        tools,
      });
      expect(second.choices[0]?.message.content).toBeTruthy();
    });

    test("a streamed tool call adds up", async () => {
      const stream = openai.chat.completions.stream({
        model: toolModel,
        messages: user("Please call get_weather"),
        tools: [WEATHER],
      });
      const call = callIn(await stream.finalMessage());
      expect(call.function.name).toBe("get_weather");
      expect(JSON.parse(call.function.arguments).city).toBeTruthy();
    });

    test("a member of the body that only OpenAI knows does no harm where it changes nothing", async () => {
      const { answer } = await plain({ model, messages: user("hi"), user: "u-1", seed: 7 });
      expect(answer.choices).toHaveLength(1);
    });
  });
}

describe("openai", () => {
  const gpt = pinned("openai");

  test("its parse helper gives a typed object, plain and streamed", async () => {
    const person = zodResponseFormat(z.object({ name: z.string(), age: z.number() }), "person");
    for (const provider of ["openai", "together", "cohere"]) {
      const ask = {
        model: pinned(provider),
        messages: user("Who?"),
        response_format: person,
      };
      const answer = await openai.chat.completions.parse(ask);
      expect(answer.choices[0]?.message.parsed).toEqual({
        name: expect.any(String),
        age: expect.any(Number),
      });
      const streamed = await openai.chat.completions.stream(ask).finalChatCompletion();
      expect(streamed.choices[0]?.message.parsed).toEqual(
        answer.choices[0]?.message.parsed ?? null,
      );
    }
  });

  test("its tool runner goes all the way round by itself", async () => {
    const asked: unknown[] = [];
    const runner = openai.chat.completions.runTools({
      model: gpt,
      messages: user("Please call get_weather"),
      tools: [
        {
          type: "function",
          function: {
            ...WEATHER.function,
            parse: JSON.parse,
            function: (args: unknown) => {
              asked.push(args);
              return "sunny";
            },
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBeTruthy();
    expect(asked).toEqual([{ city: expect.any(String), unit: expect.any(String) }]);
  });

  test("several choices are all there, and all are charged", async () => {
    const { answer, headers } = await plain({ model: gpt, messages: user("[[tokens=5]]"), n: 3 });
    expect(answer.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(answer.usage?.completion_tokens).toBe(15);
    const sent = await delivered(front, headers.get("inference-id") ?? "");
    expect(headers.get("x-turnpike-cost-nano-usd")).toBe(sent.costNanoUsd);
  });

  test("several choices arrive in one stream", async () => {
    const stream = openai.chat.completions.stream({
      model: gpt,
      messages: user("[[tokens=5]]"),
      n: 2,
    });
    const { choices } = await stream.finalChatCompletion();
    expect(choices.map(({ message }) => Boolean(message.content))).toEqual([true, true]);
  });

  test("log probabilities pass through, plain and streamed", async () => {
    const ask = { model: gpt, messages: user("[[tokens=6]]"), logprobs: true, top_logprobs: 2 };
    const { answer } = await plain(ask);
    const tokens = answer.choices[0]?.logprobs?.content ?? [];
    expect(tokens).toHaveLength(6);
    expect(tokens[0]?.top_logprobs).toHaveLength(2);
    const streamed = await openai.chat.completions.stream(ask).finalChatCompletion();
    expect(streamed.choices[0]?.logprobs?.content).toEqual(tokens);
  });

  test("an image in a message reaches the provider and is charged as it counts it", async () => {
    const url = `data:image/png;base64,${"iVBORw0KGgo".repeat(2_000)}`;
    const { answer, headers } = await plain({
      model: gpt,
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What is this? [[tokens=4]]" },
            { type: "image_url", image_url: { url } },
          ],
        },
      ],
    });
    const sent = await delivered(front, headers.get("inference-id") ?? "");
    expect(answer.usage?.prompt_tokens).toBe(sent.promptTokens);
    expect(sent.promptTokens).toBeGreaterThan(256);
    expect(headers.get("x-turnpike-cost-nano-usd")).toBe(sent.costNanoUsd);
  });

  test("lists the models, and finds one by its id", async () => {
    const ids: string[] = [];
    for await (const model of openai.models.list()) ids.push(model.id);
    expect(ids).toContain("openai/gpt-4.1-mini");
    const one = await openai.models.retrieve("openai/gpt-4.1-mini");
    expect(one).toMatchObject({
      id: "openai/gpt-4.1-mini",
      object: "model",
      providers: [{ provider: "openai", pricing: { input: 0.4, output: 1.6 } }],
    });
  });

  test("a model without a provider is served by one of its own", async () => {
    const { headers } = await plain({ model: "openai/gpt-oss-120b", messages: user("hi") });
    expect(headers.get("x-turnpike-route")).toMatch(/^policy=fastest; tried=[a-z-]+:200$/);
  });
});

describe("openai hanging up", () => {
  test("in mid-stream reaches the provider at once, and what was delivered is charged", async () => {
    front.sim.setDials("openai", { tokens_per_second: 50 });
    const model = pinned("openai");
    const { data: stream, response } = await openai.chat.completions
      .create({ model, messages: user("Talk [[tokens=400]]"), stream: true })
      .withResponse();
    const id = response.headers.get("inference-id") ?? "";
    let text = "";
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      if (text.length > 20) break;
    }
    const brokeOffAt = performance.now();
    const sent = await delivered(front, id);
    expect(performance.now() - brokeOffAt).toBeLessThan(250);
    expect(sent.outcome).toBe("aborted");
    expect(sent.completionTokensDelivered).toBeLessThan(40);
    const row = await bookedSoon(id);
    expect(row).toMatchObject({ outcome: "aborted", status: 499, isEstimated: true });
    expect(row.outputTokens).toBeGreaterThan(0);
    expect(row.outputTokens).toBeLessThanOrEqual(sent.completionTokensDelivered);
    expect(row.cost).toBeGreaterThan(0n);
  });

  test("before a plain answer is ready reaches the provider, and nothing is charged", async () => {
    front.sim.setDials("openai", { first_token_ms: 5_000 });
    const before = await front.app.left(front.ada);
    const controller = new AbortController();
    const attempt = openai.chat.completions.create(
      { model: pinned("openai"), messages: user("hi") },
      { signal: controller.signal },
    );
    setTimeout(() => controller.abort(), 40);
    const thrown = await attempt.catch((cause: unknown) => cause);
    expect(thrown).toBeInstanceOf(OpenAI.APIUserAbortError);
    await until(() => front.sim.log("openai").some(({ outcome }) => outcome === "aborted"), 500);
    expect(await front.app.left(front.ada)).toBe(before);
  });
});

/** The books are written a moment after the last byte. */
async function bookedSoon(id: string) {
  for (;;) {
    const row = await booked(front, id);
    if (row) return row;
    await Bun.sleep(5);
  }
}

describe("openai refused", () => {
  const ask = { model: pinned("groq"), messages: user("hi") };

  test("a token that is none is an AuthenticationError, and nothing is sent", async () => {
    const error = await errorOf(clientOf("hf_nonsense").chat.completions.create(ask));
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(error).toMatchObject({ code: "invalid_token", type: "authentication_error" });
    expect(front.sim.log()).toEqual([]);
  });

  test("an empty purse is a 402 that says what is needed, and nothing is sent", async () => {
    const broke = clientOf(front.bob.token);
    for (const stream of [false, true]) {
      const error = await errorOf(broke.chat.completions.create({ ...ask, stream }));
      expect(error.status).toBe(402);
      expect(error.code).toBe("insufficient_credit");
      expect(error.error).toMatchObject({ bucket: "credit", available_nano_usd: "0" });
    }
    expect(front.sim.log()).toEqual([]);
  });

  test("a model that does not exist is a NotFoundError with what was probably meant", async () => {
    const model = "openai/gpt-4.1-minni";
    const error = await errorOf(openai.chat.completions.create({ ...ask, model }));
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(error).toMatchObject({ code: "model_not_found", param: "model" });
    expect(error.message).toContain("openai/gpt-4.1-mini");
    const missing = await errorOf(openai.models.retrieve("openai/none"));
    expect(missing).toBeInstanceOf(OpenAI.NotFoundError);
  });

  test("a provider that does not have the model is a NotFoundError", async () => {
    const model = "openai/gpt-4.1-mini:groq";
    const error = await errorOf(openai.chat.completions.create({ ...ask, model }));
    expect(error).toMatchObject({ status: 404, code: "model_not_served" });
  });

  test("credit that ends in mid-stream ends the answer the way a limit does", async () => {
    front.sim.setDials("hf-inference", { ignore_max_tokens: true });
    const budget = { amount: nanoUsd(10_000n), period: "total" as const };
    const apiKey = await front.app.addToken(front.ada, { budget });
    const stream = clientOf(apiKey).chat.completions.stream({
      model: pinned("hf-inference"),
      messages: user("Talk [[tokens=2000]]"),
      stream_options: { include_usage: true },
    });
    const whole = await stream.finalChatCompletion();
    expect(whole.choices[0]?.finish_reason).toBe("length");
    expect(whole.choices[0]?.message.content).toBeTruthy();
    expect(whole).toMatchObject({ turnpike: { stopped: "insufficient_credit" } });
    const { usage } = whole as { usage?: { cost_nano_usd?: string } };
    expect(Number(usage?.cost_nano_usd)).toBeWithin(5_000, 10_001);
  });

  test("a provider that limits us is a RateLimitError with a time to wait", async () => {
    front.sim.setDials("groq", { rate_limit: { after: 0, retry_after: 7 } });
    const error = await errorOf(openai.chat.completions.create(ask));
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error.headers?.get("retry-after")).toBe("7");
    expect(error.error).toMatchObject({ limited_by: "provider", attempts: ["groq:429"] });
  });

  test("tools for a model that has none are a NotFoundError that says so", async () => {
    const model = pinned("publicai");
    const error = await errorOf(
      openai.chat.completions.create({ ...ask, model, tools: [WEATHER] }),
    );
    expect(error).toMatchObject({ status: 404, code: "model_not_served" });
    expect(error.message).toContain("does not support tools");
  });

  test("what a provider refuses is a BadRequestError in the provider's words", async () => {
    const error = await errorOf(openai.chat.completions.create({ ...ask, n: 2 }));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error.code).toBe("provider_rejected");
    expect(error.message).toContain("number must be at most 1");
  });

  test("a key of the operator's that the provider refuses is not the caller's fault", async () => {
    front.sim.setDials("groq", { auth: "invalid" });
    const error = await errorOf(openai.chat.completions.create(ask));
    expect(error).toMatchObject({ status: 502, code: "provider_unavailable" });
  });

  test("a stream that breaks off throws, with what was delivered charged", async () => {
    front.sim.setDials("openai", { error_after_events: 4 });
    const model = pinned("openai");
    const { data: stream, response } = await openai.chat.completions
      .create({ model, messages: user("hi [[tokens=30]]"), stream: true })
      .withResponse();
    const texts: string[] = [];
    const reading = (async () => {
      for await (const chunk of stream) texts.push(chunk.choices[0]?.delta.content ?? "");
    })();
    const error = await errorOf(reading);
    expect(error.code).toBe("provider_error");
    expect(texts.length).toBe(4);
    const row = await bookedSoon(response.headers.get("inference-id") ?? "");
    expect(row).toMatchObject({ outcome: "cut", isEstimated: true });
    expect(row.cost).toBeGreaterThan(0n);
  });
});
