/** Hugging Face's own client for JavaScript, unmodified. Chat needs no more than our address as `endpointUrl`. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  InferenceClient,
  InferenceClientProviderApiError,
  type Options,
} from "@huggingface/inference";
import type { ChatCompletionInput, ChatCompletionStreamOutput } from "@huggingface/tasks";
import {
  delivered,
  type Front,
  PERSON,
  pinned,
  providers,
  startFront,
  user,
  WEATHER,
} from "./support.js";

let front: Front;
let client: InferenceClient;

beforeAll(async () => {
  front = await startFront();
  client = clientOf(front.ada.token);
});
afterAll(() => front.stop());
afterEach(() => front.sim.reset());

const clientOf = (
  token: string,
  options: Options & { endpointUrl?: string } = {},
): InferenceClient => new InferenceClient(token, { endpointUrl: front.baseUrl, ...options });

/** What the provider's own record says of the only request so far. */
const onlyDelivery = () => {
  const [entry, ...more] = front.sim.log();
  if (!entry || more.length > 0) throw new Error(`${more.length} requests too many, or none`);
  return delivered(front, entry.clientRequestId ?? "");
};

async function collect(stream: AsyncIterable<ChatCompletionStreamOutput>) {
  const chunks: ChatCompletionStreamOutput[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return {
    chunks,
    text: chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join(""),
    finish: chunks.findLast(({ choices }) => choices[0]?.finish_reason)?.choices[0]?.finish_reason,
    usage: chunks.findLast(({ usage }) => usage)?.usage,
  };
}

for (const { id: provider } of providers) {
  describe(`@huggingface/inference pinned to ${provider}`, () => {
    const model = pinned(provider);

    test("a plain answer passes its check and costs what the provider's record says", async () => {
      const answer = await client.chatCompletion({ model, messages: user("Hi [[tokens=11]]") });
      const sent = await onlyDelivery();
      expect(sent.provider).toBe(provider);
      expect(answer.usage).toMatchObject({
        prompt_tokens: sent.promptTokens,
        completion_tokens: 11,
        cost_nano_usd: sent.costNanoUsd,
      });
      expect(answer.choices[0]?.finish_reason).toBe("stop");
    });

    test("a stream says what the plain answer says", async () => {
      const ask: ChatCompletionInput = { model, messages: user("Hi [[tokens=8]]") };
      const answer = await client.chatCompletion(ask);
      const streamed = await collect(
        client.chatCompletionStream({ ...ask, stream_options: { include_usage: true } }),
      );
      expect(streamed.text).toBe(answer.choices[0]?.message.content ?? "-");
      expect(streamed.finish).toBe("stop");
      expect(streamed.usage).toMatchObject({ completion_tokens: 8 });
    });

    test("an answer fits the schema it was asked for", async () => {
      const answer = await client.chatCompletion({
        model: pinned(provider, "structured"),
        messages: user("Who?"),
        response_format: {
          type: "json_schema",
          json_schema: { name: "person", schema: PERSON, strict: true },
        },
      });
      const made = JSON.parse(answer.choices[0]?.message.content ?? "");
      expect(Object.keys(made).sort()).toEqual(["age", "name"]);
    });

    test("a tool is called, plain and streamed", async () => {
      const ask: ChatCompletionInput = {
        model: pinned(provider, "tools"),
        messages: user("Please call get_weather"),
        tools: [WEATHER],
        tool_choice: "required",
      };
      const answer = await client.chatCompletion(ask);
      const call = answer.choices[0]?.message.tool_calls?.[0];
      expect(call?.function.name).toBe("get_weather");
      const { chunks, finish } = await collect(client.chatCompletionStream(ask));
      const written = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
      const joined = written.map((part) => part.function.arguments).join("");
      expect(joined).toBe(call?.function.arguments ?? "-");
      expect(finish).toBe("tool_calls");
    });
  });
}

describe("@huggingface/inference", () => {
  const ask: ChatCompletionInput = { model: pinned("together"), messages: user("hi") };

  test("takes our address with and without /v1, and per call", async () => {
    const answers = await Promise.all([
      clientOf(front.ada.token, { endpointUrl: front.server.origin }).chatCompletion(ask),
      client.endpoint(front.baseUrl).chatCompletion(ask),
      new InferenceClient(front.ada.token).chatCompletion({ ...ask, endpointUrl: front.baseUrl }),
    ]);
    for (const { choices } of answers) expect(choices[0]?.message.content).toBeTruthy();
  });

  test("its bill-to header does no harm", async () => {
    const answer = await clientOf(front.ada.token, { billTo: "ada" }).chatCompletion(ask);
    expect(answer.choices[0]?.message.content).toBeTruthy();
  });

  test("lets us choose the provider when the model names none", async () => {
    const model = "meta-llama/Llama-3.3-70B-Instruct";
    const answer = await client.chatCompletion({ ...ask, model });
    expect(answer.choices[0]?.message.content).toBeTruthy();
  });

  test("hangs up on a stream, and the provider hears of it", async () => {
    front.sim.setDials("together", { tokens_per_second: 50 });
    const controller = new AbortController();
    const stream = client.chatCompletionStream(
      { ...ask, messages: user("Talk [[tokens=400]]") },
      { signal: controller.signal },
    );
    const reading = (async () => {
      for await (const _ of stream) controller.abort();
    })();
    await reading.catch((cause: unknown) => expect(cause).toMatchObject({ name: "AbortError" }));
    for (let waited = 0; front.sim.log().length === 0 && waited < 250; waited += 5) {
      await Bun.sleep(5);
    }
    expect((await onlyDelivery()).outcome).toBe("aborted");
  });

  test("reads our refusals", async () => {
    const refusals = [
      { token: "hf_nonsense", ask, status: 401, code: "invalid_token" },
      { token: front.bob.token, ask, status: 402, code: "insufficient_credit" },
      {
        token: front.ada.token,
        ask: { ...ask, model: "no/such-model" },
        status: 404,
        code: "model_not_found",
      },
    ];
    for (const { token, ask, status, code } of refusals) {
      const thrown: unknown = await clientOf(token)
        .chatCompletion(ask)
        .catch((cause: unknown) => cause);
      if (!(thrown instanceof InferenceClientProviderApiError)) throw thrown;
      expect(thrown.httpResponse).toMatchObject({ status, body: { error: { code } } });
    }
  });

  test("shows our message when a stream is refused", async () => {
    const stream = clientOf(front.bob.token).chatCompletionStream(ask);
    await expect(collect(stream)).rejects.toThrow("Your credit does not cover this request");
  });

  test("throws what a stream says went wrong in its middle", async () => {
    front.sim.setDials("together", { error_after_events: 3 });
    await expect(collect(client.chatCompletionStream(ask))).rejects.toThrow("together:");
  });

  test("does not repeat a request for ever when a provider is down", async () => {
    front.sim.setDials("together", { fail_rate: 1, fail_status: 503 });
    const thrown: unknown = await client.chatCompletion(ask).catch((cause: unknown) => cause);
    if (!(thrown instanceof InferenceClientProviderApiError)) throw thrown;
    expect(thrown.httpResponse.status).toBe(502);
    expect(front.sim.log()).toHaveLength(1);
  });
});
