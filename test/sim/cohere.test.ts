import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { CohereClient, CohereClientV2, CohereError } from "cohere-ai";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { startSim } from "../../sim/server.js";
import { KEY } from "./support.js";

const sim = startSim();
afterAll(() => sim.stop());
beforeEach(() => sim.reset());

describe("the cohere SDK", () => {
  const cohereFor = (token: string) =>
    new CohereClient({ token, environment: sim.url("cohere"), maxRetries: 0 });

  test("reads the list of models", async () => {
    const { models } = await cohereFor(KEY).models.list();
    expect(models?.map((model) => model.name)).toContain("command-a-03-2025");
  });

  test("understands the error for a bad key", async () => {
    const refused: unknown = await cohereFor("bad-key")
      .models.list()
      .catch((cause: unknown) => cause);
    if (!(refused instanceof CohereError)) throw new Error("it was not refused");
    expect(refused.statusCode).toBe(401);
    expect(refused.body).toEqual({ message: "invalid api token" });
  });
});

describe("the cohere SDK's client V2", () => {
  const client = new CohereClientV2({
    token: KEY,
    environment: sim.url("cohere"),
    maxRetries: 0,
  });
  const model = "command-a-03-2025";
  const messages = [{ role: "user" as const, content: "Hello [[tokens=8]]" }];
  const weather = {
    type: "function" as const,
    function: {
      name: "get_weather",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  };

  test("chats", async () => {
    const answer = await client.chat({ model, messages });
    const [part] = answer.message.content ?? [];
    if (part?.type !== "text") throw new Error("no text");
    expect(encode(part.text).length).toBe(8);
    expect(answer.finishReason).toBe("COMPLETE");
    expect(answer.usage?.billedUnits?.outputTokens).toBe(8);
    expect(sim.log().at(-1)).toMatchObject({ completionTokensDelivered: 8, outcome: "complete" });
  });

  test("streams the same words, with usage at the end", async () => {
    const plain = await client.chat({ model, messages });
    const stream = await client.chatStream({ model, messages });
    let text = "";
    let used: number | undefined;
    const types = new Set<string>();
    for await (const event of stream) {
      types.add(event.type);
      if (event.type === "content-delta") text += event.delta?.message?.content?.text ?? "";
      if (event.type === "message-end") used = event.delta?.usage?.billedUnits?.outputTokens;
    }
    const [part] = plain.message.content ?? [];
    expect(text).toBe(part?.type === "text" ? part.text : "-");
    expect(used).toBe(8);
    expect([...types]).toEqual([
      "message-start",
      "content-start",
      "content-delta",
      "content-end",
      "message-end",
    ]);
  });

  test("calls a tool when it must, plain and streamed", async () => {
    const ask = { model, messages, tools: [weather], toolChoice: "REQUIRED" as const };
    const plain = await client.chat(ask);
    expect(plain.finishReason).toBe("TOOL_CALL");
    const made = plain.message.toolCalls?.[0]?.function?.arguments ?? "";
    expect(typeof JSON.parse(made).city).toBe("string");
    let streamed = "";
    for await (const event of await client.chatStream(ask)) {
      if (event.type !== "tool-call-delta") continue;
      streamed += event.delta?.message?.toolCalls?.function?.arguments ?? "";
    }
    expect(streamed).toBe(made);
  });

  test("gives JSON of the schema asked for", async () => {
    const answer = await client.chat({
      model,
      messages,
      responseFormat: { type: "json_object", jsonSchema: weather.function.parameters },
    });
    const [part] = answer.message.content ?? [];
    expect(typeof JSON.parse(part?.type === "text" ? part.text : "").city).toBe("string");
  });

  test("thinks aloud in a part of its own", async () => {
    const answer = await client.chat({ model: "command-a-reasoning-08-2025", messages });
    expect(answer.message.content?.map((part) => part.type)).toEqual(["thinking", "text"]);
  });
});
