import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { TOKENS_PER_IMAGE } from "../../sim/chat/prompt.js";
import { startSim } from "../../sim/server.js";
import { ask, chatOnce, chunksIn, contentIn, eventsIn, providers } from "./support.js";

const sim = startSim();
afterAll(() => sim.stop());
beforeEach(() => sim.reset());

const says = (content: unknown) => ({ messages: [{ role: "user", content }] });

describe("length", () => {
  test("max_tokens cuts the answer and says so; one more than needed does not", async () => {
    const cut = await chatOnce(sim, { ...says("x [[tokens=20]]"), max_tokens: 19 });
    expect(cut.usage.completion_tokens).toBe(19);
    expect(cut.choices[0]?.finish_reason).toBe("length");
    const whole = await chatOnce(sim, { ...says("x [[tokens=20]]"), max_completion_tokens: 20 });
    expect(whole.usage.completion_tokens).toBe(20);
    expect(whole.choices[0]?.finish_reason).toBe("stop");
  });

  test("max_tokens of 0 is refused", async () => {
    expect((await ask(sim, { max_tokens: 0 })).status).toBe(400);
  });

  test("without a limit an answer is about 40 tokens", async () => {
    const answer = await chatOnce(sim, {});
    expect(answer.usage.completion_tokens).toBeWithin(32, 49);
  });

  test("output_tokens sets the length and ignore_max_tokens breaks the limit", async () => {
    const dials = { output_tokens: 70, ignore_max_tokens: true };
    const answer = await chatOnce(sim, { max_tokens: 5 }, { dials });
    expect(answer.usage.completion_tokens).toBe(70);
    expect(answer.choices[0]?.finish_reason).toBe("stop");
  });
});

test("the answer ends before a stop sequence, and only what is left is counted", async () => {
  const whole = await chatOnce(sim, says("stop here"));
  const text = whole.choices[0]?.message.content ?? "";
  const stop = text.split(" ")[3] ?? "";
  const cut = await chatOnce(sim, { ...says("stop here"), stop: [stop, "never there"] });
  const left = cut.choices[0]?.message.content ?? "";
  expect(left).toBe(text.slice(0, text.indexOf(stop)));
  expect(cut.choices[0]?.finish_reason).toBe("stop");
  expect(cut.usage.completion_tokens).toBe(encode(left).length);
});

test("n answers differ and are all counted", async () => {
  const answer = await chatOnce(sim, { ...says("x [[tokens=10]]"), n: 3 });
  expect(answer.choices.map((choice) => choice.index)).toEqual([0, 1, 2]);
  expect(new Set(answer.choices.map((choice) => choice.message.content)).size).toBe(3);
  expect(answer.usage.completion_tokens).toBe(30);
});

describe("prompts", () => {
  test("a longer prompt is more tokens by exactly its text", async () => {
    const short = await chatOnce(sim, says("river"));
    const long = await chatOnce(sim, says("river stone light"));
    expect(long.usage.prompt_tokens - short.usage.prompt_tokens).toBe(2);
  });

  test("each image counts the same", async () => {
    const image = { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } };
    const text = { type: "text", text: "river" };
    const none = await chatOnce(sim, says([text]));
    const two = await chatOnce(sim, says([text, image, image]));
    expect(two.usage.prompt_tokens - none.usage.prompt_tokens).toBe(2 * TOKENS_PER_IMAGE);
  });

  test("a repeated prefix is cached when the dial says so, a new one is not", async () => {
    sim.setDials("*", { cache: true });
    const system = { role: "system", content: "river ".repeat(200) };
    const turn = (content: string) => ({ messages: [system, { role: "user", content }] });
    const first = await chatOnce(sim, turn("one"));
    const second = await chatOnce(sim, turn("two"));
    expect(first.usage.prompt_tokens_details?.cached_tokens).toBe(0);
    expect(second.usage.prompt_tokens_details?.cached_tokens).toBeWithin(200, 210);
  });
});

describe("thinking", () => {
  const body = { ...says("x [[tokens=50]]"), model: "acme/deepseek-r1" };

  test("is counted inside the completion and grows with effort", async () => {
    const low = await chatOnce(sim, { ...body, reasoning_effort: "low" }, { provider: "novita" });
    const high = await chatOnce(sim, { ...body, reasoning_effort: "high" }, { provider: "novita" });
    expect(low.usage.completion_tokens).toBe(50);
    expect(low.usage.completion_tokens_details?.reasoning_tokens).toBe(8);
    expect(high.usage.completion_tokens_details?.reasoning_tokens).toBe(32);
    expect(encode(low.choices[0]?.message.reasoning_content ?? "").length).toBe(8);
    expect(encode(low.choices[0]?.message.content ?? "").length).toBe(42);
  });

  test("goes into the field that the provider uses, or is hidden", async () => {
    const cerebras = await chatOnce(sim, body, { provider: "cerebras" });
    expect(cerebras.choices[0]?.message.reasoning).toBeTruthy();
    const openai = await chatOnce(sim, body, { provider: "openai" });
    expect(openai.choices[0]?.message).not.toHaveProperty("reasoning_content");
    expect(openai.usage.completion_tokens_details?.reasoning_tokens).toBe(16);
  });

  test("is left out for effort none, and for models that do not think", async () => {
    const none = await chatOnce(sim, { ...body, reasoning_effort: "none" });
    expect(none.usage.completion_tokens_details?.reasoning_tokens).toBe(0);
    const other = await chatOnce(sim, { ...body, model: "acme/bar12" });
    expect(other.usage.completion_tokens_details?.reasoning_tokens).toBe(0);
  });
});

describe("response_format", () => {
  const schema = { type: "object", properties: { a: { type: "integer" } }, required: ["a"] };
  const forms = {
    json_object: { type: "json_object" },
    json_schema: { type: "json_schema", json_schema: { name: "x", schema } },
    json_schema_flat: { type: "json_schema", schema },
    json_object_schema: { type: "json_object", schema },
    json_object_value: { type: "json_object", value: schema },
  };
  const beyondOpenAi: { readonly [provider: string]: readonly string[] } = {
    together: ["json_schema_flat", "json_object_schema"],
    cohere: ["json_object_schema"],
    "fireworks-ai": ["json_object_schema"],
    "hf-inference": ["json_object_value"],
  };
  for (const provider of providers) {
    test(`${provider.id} takes its own forms and refuses the others`, async () => {
      const taken = ["json_object", "json_schema", ...(beyondOpenAi[provider.id] ?? [])];
      for (const [name, response_format] of Object.entries(forms)) {
        const answer = await ask(sim, { response_format }, { provider: provider.id });
        expect([name, answer.status]).toEqual([
          name,
          taken.includes(name) ? 200 : provider.id === "hf-inference" ? 422 : 400,
        ]);
      }
    });
  }

  test("a dial narrows the forms that are taken", async () => {
    const dials = { response_formats: ["json_schema_flat"] };
    const asked = { provider: "together", dials };
    expect((await ask(sim, { response_format: forms.json_schema }, asked)).status).toBe(400);
    expect((await ask(sim, { response_format: forms.json_schema_flat }, asked)).status).toBe(200);
  });

  test("streamed JSON is the same JSON", async () => {
    const body = { response_format: forms.json_schema };
    const plain = await chatOnce(sim, body);
    const stream = await (await ask(sim, { ...body, stream: true })).text();
    expect(contentIn(chunksIn(stream))).toBe(plain.choices[0]?.message.content ?? "");
  });
});

describe("tools", () => {
  const tools = ["first", "second"].map((name) => ({
    type: "function",
    function: { name, parameters: { type: "object", properties: { x: { type: "integer" } } } },
  }));
  const called = async (body: object) =>
    (await chatOnce(sim, { tools, ...body })).choices[0]?.message.tool_calls?.[0]?.function.name;

  test("a named choice wins, none forbids, a user may ask by name", async () => {
    expect(await called({ tool_choice: { type: "function", function: { name: "second" } } })).toBe(
      "second",
    );
    expect(await called({ tool_choice: "required" })).toBe("first");
    expect(await called({ ...says("run second now"), tool_choice: "none" })).toBeUndefined();
    expect(await called(says("run second now"))).toBe("second");
    expect(await called(says("please use the tool"))).toBe("first");
    expect(await called(says("hello"))).toBeUndefined();
  });
});

describe("logprobs", () => {
  test("there is one per token, with as many alternatives as asked", async () => {
    const body = { ...says("x [[tokens=4]]"), logprobs: true, top_logprobs: 2 };
    const answer = await chatOnce(sim, body);
    expect(answer).toHaveProperty("choices[0].logprobs.content.length", 4);
    expect(answer).toHaveProperty("choices[0].logprobs.content[0].top_logprobs.length", 2);
    const chunks = chunksIn(await (await ask(sim, { ...body, stream: true })).text());
    expect(contentIn(chunks)).toBe(answer.choices[0]?.message.content ?? "");
  });

  test("groq refuses them", async () => {
    expect((await ask(sim, { logprobs: true }, { provider: "groq" })).status).toBe(400);
  });
});

describe("streams", () => {
  test("tokens_per_event puts several tokens into one chunk", async () => {
    const body = { ...says("x [[tokens=10]]"), stream: true };
    const one = await (await ask(sim, body)).text();
    const four = await (await ask(sim, body, { dials: { tokens_per_event: 4 } })).text();
    expect(contentIn(chunksIn(four))).toBe(contentIn(chunksIn(one)));
    expect(eventsIn(one).length - eventsIn(four).length).toBe(7);
  });

  test("usage comes where the provider puts it", async () => {
    const body = { ...says("x [[tokens=3]]"), stream: true };
    const places = async (provider: string, include_usage: boolean) => {
      const stream = await (
        await ask(sim, { ...body, stream_options: { include_usage } }, { provider })
      ).text();
      const withUsage = chunksIn(stream).filter((chunk) => chunk.usage);
      return withUsage.map((chunk) =>
        Array.isArray(chunk.choices) && chunk.choices.length > 0 ? "beside" : "own",
      );
    };
    for (const provider of ["cerebras", "cohere", "fireworks-ai", "together", "novita"]) {
      expect([provider, await places(provider, false)]).toEqual([provider, ["beside"]]);
      expect([provider, await places(provider, true)]).toEqual([provider, ["beside"]]);
    }
    for (const provider of ["openai", "hf-inference", "deepinfra", "nscale", "groq"]) {
      expect([provider, await places(provider, false)]).toEqual([provider, []]);
      expect([provider, await places(provider, true)]).toEqual([provider, ["own"]]);
    }
  });

  test("all but cerebras end with [DONE]", async () => {
    for (const provider of providers) {
      const stream = await (await ask(sim, { stream: true }, { provider: provider.id })).text();
      expect([provider.id, stream.endsWith("data: [DONE]\n\n")]).toEqual([
        provider.id,
        provider.id !== "cerebras",
      ]);
    }
  });
});

describe("refusals", () => {
  test("cerebras refuses a field it does not know, in its own words", async () => {
    const refused = await ask(sim, { store: true }, { provider: "cerebras" });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toEqual({
      message: "body.store: property 'body.store' is unsupported",
      type: "invalid_request_error",
      param: "validation_error",
      code: "wrong_api_format",
    });
  });

  test("a model outside the dial's list does not exist", async () => {
    sim.setDials("*", { models: ["only/this"] });
    const of = async (provider: string) => {
      const refused = await ask(sim, {}, { provider });
      return [refused.status, JSON.stringify(await refused.json())] as const;
    };
    expect((await of("openai"))[0]).toBe(404);
    expect((await of("together"))[1]).toContain("model_not_available");
    expect((await of("zai-org"))[1]).toContain("1211");
    expect((await of("novita"))[1]).toContain("MODEL_NOT_FOUND");
    expect((await ask(sim, { model: "only/this" })).status).toBe(200);
  });

  test("a missing field, a broken body and an unknown path are refused, never 500", async () => {
    expect((await ask(sim, { messages: undefined }, { provider: "hf-inference" })).status).toBe(
      422,
    );
    expect((await ask(sim, { messages: [] })).status).toBe(400);
    expect((await ask(sim, { model: "" })).status).toBe(400);
    const headers = { authorization: "Bearer k" };
    const broken = { method: "POST", headers, body: "{" };
    expect((await fetch(`${sim.url("openai")}/v1/chat/completions`, broken)).status).toBe(400);
    expect((await fetch(`${sim.url("openai")}/v1/nothing`, { headers })).status).toBe(404);
    expect((await fetch(`${sim.origin}/nobody/v1/models`, { headers })).status).toBe(404);
  });

  test("every provider refuses a missing key and a bad key, each with its request id", async () => {
    for (const provider of providers) {
      for (const key of [null, "bad-key"]) {
        const refused = await ask(sim, {}, { provider: provider.id, key });
        expect([provider.id, refused.status]).toEqual([provider.id, 401]);
        expect(refused.headers.get(provider.requestIdHeader)).toBeTruthy();
      }
    }
    expect((await ask(sim, {}, { dials: { auth: "invalid" } })).status).toBe(401);
    expect((await ask(sim, {}, { dials: { auth: "off" }, key: null })).status).toBe(200);
  });
});
