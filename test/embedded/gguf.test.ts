/** Text from a GGUF file, where its engine and the small model beside the project are there. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addGguf } from "../../src/embedded/add-gguf.js";
import { hubOf } from "../../src/embedded/hub.js";
import { isInstalled } from "../../src/embedded/installed.js";
import { tempFolder } from "../support/app.js";
import { type EmbeddedUnderTest, embeddedUnderTest } from "./support.js";

const TOY = join(import.meta.dir, "../../../shared/models/toy-kjv-2m.gguf");
const NOTHING = !isInstalled("node-llama-cpp")
  ? "node-llama-cpp is not installed: no text is generated"
  : !existsSync(TOY)
    ? "no model beside the repository (../shared/models): no text is generated"
    : undefined;
if (NOTHING) console.warn(NOTHING);

const data = tempFolder();
let embedded: EmbeddedUnderTest;

beforeAll(async () => {
  embedded = embeddedUnderTest({ folder: data.path });
  if (NOTHING) return;
  // The provider runs already: it finds by itself what is added.
  expect((await embedded.ask("/models/local/toy", { inputs: "x" })).status).toBe(404);
  const here = { dataFolder: data.path, hub: hubOf({}), progress: () => {} };
  await addGguf({ ...here, from: TOY, id: "local/toy" });
});
afterAll(async () => {
  await embedded.end();
  data.remove();
});

const CHAT = "/models/local/toy/v1/chat/completions";
const COMPLETIONS = "/models/local/toy/v1/completions";
const TGI = "/models/local/toy";
const messages = [
  { role: "system", content: "You are old." },
  { role: "user", content: [{ type: "text", text: "Who made the earth?" }] },
];
const greedy = { temperature: 0, max_tokens: 12 };

type Usage = { prompt_tokens: number; completion_tokens: number; total_tokens: number };
type Chat = {
  object: string;
  model: string;
  choices: {
    message?: { content: string };
    delta?: { role?: string; content?: string };
    text?: string;
    finish_reason: string | null;
  }[];
  usage?: Usage;
};

const eventsOf = (bytes: Buffer): string[] =>
  bytes
    .toString("utf8")
    .split("\n\n")
    .filter(Boolean)
    .map((event) => event.replace(/^data: /, ""));

const stream = (body: object, signal?: AbortSignal): Promise<Response> =>
  fetch(`${embedded.origin}${COMPLETIONS}`, {
    method: "POST",
    headers: { authorization: `Bearer ${embedded.key}`, "content-type": "application/json" },
    body: JSON.stringify({ ...body, stream: true }),
    ...(signal && { signal }),
  });

describe.skipIf(NOTHING !== undefined)("a GGUF model", () => {
  test("chats: plain and streamed say the same, with the same usage", async () => {
    const asked = await embedded.ask(CHAT, { messages, ...greedy });
    const plain = asked.json() as Chat;
    const text = plain.choices[0]?.message?.content ?? "";
    expect(text.length).toBeGreaterThan(5);
    expect([plain.object, plain.model]).toEqual(["chat.completion", "local/toy"]);
    expect(plain.usage?.prompt_tokens).toBeGreaterThan(5);
    expect(plain.usage?.completion_tokens).toBeLessThanOrEqual(12);
    expect(Number(asked.headers.get("x-compute-time"))).toBeGreaterThan(0);

    const streamed = await embedded.ask(CHAT, {
      messages,
      ...greedy,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(streamed.headers.get("content-type")).toBe("text/event-stream");
    const events = eventsOf(streamed.bytes);
    expect(events.pop()).toBe("[DONE]");
    const chunks = events.map((event) => JSON.parse(event) as Chat);
    expect(chunks.map(({ choices }) => choices[0]?.delta?.content ?? "").join("")).toBe(text);
    expect(chunks[0]?.choices[0]?.delta?.role).toBe("assistant");
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe(plain.choices[0]?.finish_reason ?? "");
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: plain.usage ?? {} });
  });

  test("goes on from a prompt, up to the limit and to a stop", async () => {
    const body = { prompt: "In the beginning", ...greedy };
    const whole = (await embedded.ask(COMPLETIONS, body)).json() as Chat;
    expect(whole.choices[0]?.finish_reason).toBe("length");
    expect(whole.usage?.completion_tokens).toBe(12);
    const words = whole.choices[0]?.text?.trim().split(" ") ?? [];
    const stop = ` ${words[2]}`;
    const cut = (await embedded.ask(COMPLETIONS, { ...body, stop })).json() as Chat;
    expect(cut.choices[0]).toMatchObject({ finish_reason: "stop" });
    expect(whole.choices[0]?.text?.startsWith(cut.choices[0]?.text ?? "?")).toBe(true);
    expect(cut.choices[0]?.text).not.toContain(stop);
  });

  test("the same seed writes the same text", async () => {
    const body = { prompt: "And the LORD said", max_tokens: 10, temperature: 1, seed: 7 };
    const [one, two] = [
      await embedded.ask(COMPLETIONS, body),
      await embedded.ask(COMPLETIONS, body),
    ];
    expect((one.json() as Chat).choices).toEqual((two.json() as Chat).choices);
  });

  test("speaks TGI's form: details, the whole text, a stream whose last event has it all", async () => {
    const parameters = { max_new_tokens: 8 };
    const short = (await embedded.ask(TGI, { inputs: "In the beginning", parameters })).json();
    const [{ generated_text: text }] = short as [{ generated_text: string }];
    const more = { ...parameters, details: true, return_full_text: true };
    const long = (await embedded.ask(TGI, { inputs: "In the beginning", parameters: more })).json();
    expect(long).toMatchObject([
      {
        generated_text: `In the beginning${text}`,
        details: { finish_reason: "length", generated_tokens: 8 },
      },
    ]);
    const stream = await embedded.ask(TGI, {
      inputs: "In the beginning",
      parameters,
      stream: true,
    });
    const events = eventsOf(stream.bytes).map((event) => JSON.parse(event));
    expect(events.map(({ token }) => token.text).join("")).toBe(text);
    expect(events.at(-1)).toMatchObject({
      generated_text: text,
      details: { finish_reason: "length" },
    });
    expect(events.slice(0, -1).every(({ generated_text }) => generated_text === null)).toBe(true);
  });

  test("what it cannot do is refused by name, streamed or not", async () => {
    const tools = [{ type: "function", function: { name: "f" } }];
    const image = [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:" } }] }];
    const refusals: readonly (readonly [string, object, number, string])[] = [
      [CHAT, { messages, tools }, 400, "`tools`"],
      [CHAT, { messages, n: 2 }, 400, "`n`"],
      [CHAT, { messages, logprobs: true }, 400, "`logprobs`"],
      [CHAT, { messages, response_format: { type: "json_object" } }, 400, "`response_format.type`"],
      [CHAT, { messages: image }, 400, "`messages.0.content`"],
      [CHAT, { messages: [] }, 400, "`messages`"],
      [CHAT, { messages, max_tokens: 0 }, 400, "`max_tokens`"],
      [CHAT, { messages, temperature: 3 }, 400, "`temperature`"],
      [CHAT, { messages: [{ role: "user", content: "word ".repeat(500) }] }, 422, "tokens"],
      [
        CHAT,
        { messages: [{ role: "user", content: "word ".repeat(500) }], stream: true },
        422,
        "tokens",
      ],
      [COMPLETIONS, { prompt: "" }, 400, "`prompt`"],
      [TGI, { inputs: "" }, 400, "`inputs`"],
      [
        TGI,
        { inputs: "a", parameters: { watermark: true, typical_p: 0.5 } },
        400,
        "['watermark', 'typical_p']",
      ],
      [`${TGI}/pipeline/feature-extraction`, { inputs: "a" }, 400, "but not feature-extraction"],
    ];
    for (const [path, body, status, message] of refusals) {
      const asked = await embedded.ask(path, body);
      expect([asked.status, asked.json()]).toEqual([
        status,
        { error: expect.stringContaining(message) },
      ]);
    }
  });

  test("a caller who leaves a stream ends the writing, and the next one is served", async () => {
    const gone = new AbortController();
    const response = await stream({ prompt: "And", max_tokens: 100 }, gone.signal);
    await response.body?.getReader().read();
    gone.abort();
    expect((await embedded.ask(COMPLETIONS, { prompt: "And", max_tokens: 3 })).status).toBe(200);
  });

  test("an engine killed in the middle of a stream is told in the stream, which does not look complete", async () => {
    const response = await stream({ prompt: "In the beginning", max_tokens: 110, temperature: 0 });
    const reader = response.body?.getReader();
    const pieces = [Buffer.from((await reader?.read())?.value ?? "")];
    process.kill(embedded.pid("gguf") ?? 0, "SIGKILL");
    for (let next = await reader?.read(); next?.value; next = await reader?.read()) {
      pieces.push(Buffer.from(next.value));
    }
    expect(eventsOf(Buffer.concat(pieces)).at(-1)).toContain("The engine ended");
    expect((await embedded.ask(COMPLETIONS, { prompt: "And", max_tokens: 3 })).status).toBe(200);
  });
});

test.skipIf(NOTHING !== undefined)(
  "a file that is damaged fails its own requests only",
  async () => {
    const from = join(data.path, "damaged.gguf");
    writeFileSync(from, `GGUF${"?".repeat(1_000)}`);
    await addGguf({
      dataFolder: data.path,
      hub: hubOf({}),
      progress: () => {},
      from,
      id: "local/damaged",
    });
    const asked = await embedded.ask("/models/local/damaged", { inputs: "x" });
    expect([asked.status, asked.json()]).toEqual([
      500,
      { error: "Model local/damaged could not be loaded." },
    ]);
    expect((await embedded.ask(TGI, { inputs: "And" })).status).toBe(200);
  },
);

test("a model whose engine is missing is refused with the command that adds it", async () => {
  const { whyNot } = await import("../../src/embedded/installed.js");
  const missing = { id: "local/x", packages: ["no-such-engine"], weights: "x" };
  expect(
    whyNot({ ...missing, tasks: ["conversational"], engine: "gguf", licence: "", about: "" }),
  ).toBe("Model local/x needs no-such-engine. Add it with: npm install no-such-engine");
});
