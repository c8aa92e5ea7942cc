/** Cohere's own chat through Turnpike: byte for byte, and paid for like all chat. */
import { afterEach, expect, test } from "bun:test";
import { AT_REST, call, type TestApp, type TestUser, testApp, until } from "../support/app.js";
import { fakeProvider, type Received, type Reply, streamed } from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

type Price = Readonly<Record<string, string>>;

/** A token costs a thousandth of a dollar where it is dear: the free plan's credit is 100 of them. */
const DEAR: Price = { input: "0", output: "1000" };
const TOKEN = 1_000_000n;

async function start(
  reply: (received: Received) => Reply,
  price: Price = { input: "1", output: "2" },
) {
  const provider = fakeProvider(reply);
  cleanUps.push(provider.stop);
  const mapping = { provider: "cohere", provider_model: "command-a", price };
  const models = [{ id: "org/command", task: "conversational", providers: [mapping] }];
  const cohere = { base_url: provider.origin, api_key: "key-of-cohere" };
  const app = await testApp({
    yaml: JSON.stringify({ allow_literal_keys: true, providers: { cohere }, models }),
  });
  cleanUps.push(app.stop);
  return { app, ada: await app.addUser("ada"), provider };
}

const ASK = { model: "command-a", messages: [{ role: "user", content: "hi" }], max_tokens: 50 };

const ask = (app: TestApp, who: TestUser, body: unknown, headers = {}): Promise<Response> =>
  app.answer(
    call("POST", "/cohere/v2/chat", who.token, body, {
      "content-type": "application/json",
      ...headers,
    }),
  );

const USAGE = {
  billed_units: { input_tokens: 7, output_tokens: 3 },
  tokens: { input_tokens: 70, output_tokens: 4 },
};

const WHOLE = JSON.stringify({
  id: "c1",
  message: { role: "assistant", content: [{ type: "text", text: "Grüße — hi" }] },
  finish_reason: "COMPLETE",
  usage: USAGE,
});

const event = (type: string, body: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...body })}\n\n`;
const delta = (text: string): string =>
  event("content-delta", { index: 0, delta: { message: { content: { text } } } });
const end = (usage: unknown = USAGE): string =>
  event("message-end", { delta: { finish_reason: "COMPLETE", usage } });
const DONE = "data: [DONE]\n\n";
const BEGIN = event("message-start", { id: "c1", delta: { message: { role: "assistant" } } });

/** What was charged for the newest request, and how it ended. */
async function newest(app: TestApp, { user }: TestUser) {
  await app.drain();
  const [row] = await app.site.usage.newestRequests(user.id, 1);
  return row;
}

test("a plain answer comes as the provider sent it, and is charged by its billed units", async () => {
  const { app, ada, provider } = await start(
    () =>
      new Response(WHOLE, { headers: { "content-type": "application/json", "num-tokens": "4" } }),
  );
  // Spaces and order of the caller's own making reach the provider.
  const body = `{ "messages" : [{"role":"user","content":"hi"}],  "model":"command-a" }`;
  const answer = await ask(app, ada, body);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe(WHOLE);
  expect(answer.headers.get("num-tokens")).toBe("4");
  expect(answer.headers.get("x-turnpike-cost-nano-usd")).toBe("13000");
  expect(provider.received[0]).toMatchObject({
    path: "/v2/chat",
    body,
    headers: { authorization: "Bearer key-of-cohere" },
  });
  expect(await newest(app, ada)).toMatchObject({ cost: 13_000n, outcome: "served" });
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("a stream comes byte for byte, cut wherever, comments included", async () => {
  const pings = [": still here\n\n", "\n"];
  const text = [BEGIN, delta("Grüße"), ...pings, delta(" — hi"), end(), DONE].join("");
  const bytes = Buffer.from(text);
  for (const size of [1, 7, 4_096]) {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
    const { app, ada } = await start(() => streamed(pieces));
    const answer = await ask(app, ada, { ...ASK, stream: true });
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    expect(await answer.text()).toBe(text);
    expect(await newest(app, ada)).toMatchObject({ cost: 13_000n, outcome: "served" });
    expect(await app.state(ada)).toEqual(AT_REST);
  }
});

test("without billed units the tokens count, and without any we do", async () => {
  const told = { tokens: USAGE.tokens };
  for (const [usage, wanted] of [
    [told, { inputTokens: 70, outputTokens: 4, isEstimated: false }],
    [null, { outputTokens: 2, isEstimated: true }],
  ] as const) {
    const { app, ada } = await start(() =>
      streamed([BEGIN, delta("Hello"), delta(" there"), end(usage), DONE]),
    );
    await (await ask(app, ada, { ...ASK, stream: true })).text();
    expect(await newest(app, ada)).toMatchObject(wanted);
  }
});

test("a stream that ends without [DONE] is one all the same", async () => {
  const text = BEGIN + delta("Hello") + end();
  const { app, ada } = await start(() => streamed([text]));
  expect(await (await ask(app, ada, { ...ASK, stream: true })).text()).toBe(text);
  expect(await newest(app, ada)).toMatchObject({ outcome: "served" });
});

test("where the credit ends the stream ends in Cohere's own words, exactly there", async () => {
  const words = Array.from({ length: 300 }, () => delta(" fox"));
  const { app, ada } = await start(() => streamed([BEGIN, ...words, end(), DONE]), DEAR);
  const answer = await ask(app, ada, { ...ASK, max_tokens: undefined, stream: true });
  const text = await answer.text();
  expect(text.split(delta(" fox")).length - 1).toBe(100);
  expect(text).toContain('"finish_reason":"MAX_TOKENS"');
  expect(text.endsWith(DONE)).toBe(true);
  expect(await newest(app, ada)).toMatchObject({ outcome: "stopped", cost: 100n * TOKEN });
  expect(await app.left(ada)).toBe(0n);
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("a limit beyond the balance is lowered, and nothing else of the body changes", async () => {
  const { app, ada, provider } = await start(
    () => new Response(WHOLE, { headers: { "content-type": "application/json" } }),
    DEAR,
  );
  const answer = await ask(app, ada, { ...ASK, max_tokens: 500, temperature: 0.5 });
  expect(answer.headers.get("x-turnpike-clamped")).toBe("max_tokens=100");
  expect(JSON.parse(provider.received[0]?.body ?? "")).toEqual({
    ...{ ...ASK, max_tokens: 100, temperature: 0.5 },
  });
});

test("a stream that breaks off says so in Cohere's own words, and what came is charged", async () => {
  const { app, ada } = await start(() => streamed([BEGIN, delta("Hello there")]));
  const text = await (await ask(app, ada, { ...ASK, stream: true })).text();
  expect(text.startsWith(BEGIN + delta("Hello there"))).toBe(true);
  expect(text).toContain('"finish_reason":"ERROR"');
  expect(text).not.toContain("[DONE]");
  expect(await newest(app, ada)).toMatchObject({ outcome: "cut" });
  expect((await newest(app, ada))?.cost).toBeGreaterThan(0n);
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("whoever hangs up is charged what was delivered, and the provider is told", async () => {
  const { app, ada, provider } = await start(() =>
    streamed([BEGIN, delta("Hello there"), () => new Promise(() => {})]),
  );
  const answer = await ask(app, ada, { ...ASK, stream: true });
  const reader = answer.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await until(async () => (await newest(app, ada))?.outcome === "aborted");
  await until(() => provider.received[0]?.signal.aborted === true);
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("the provider's errors come unchanged and cost nothing; what is wrong with its key stays here", async () => {
  const refusal = '{"message":"invalid request: temperature must be between 0 and 1"}';
  let status = 400;
  const { app, ada } = await start(
    () => new Response(refusal, { status, headers: { "content-type": "application/json" } }),
  );
  for (status of [400, 422, 429, 500]) {
    for (const stream of [false, true]) {
      const answer = await ask(app, ada, { ...ASK, stream });
      expect([answer.status, await answer.text()]).toEqual([status, refusal]);
    }
  }
  status = 401;
  const hidden = await ask(app, ada, ASK);
  expect(hidden.status).toBe(502);
  expect(await hidden.text()).not.toContain("temperature");
  const own = await ask(app, ada, ASK, { "x-turnpike-provider-key": "mine" });
  expect([own.status, await own.text()]).toEqual([401, refusal]);
  expect(await app.state(ada)).toEqual(AT_REST);
  expect(await newest(app, ada)).toMatchObject({ cost: 0n });
});

test("a model that is not mapped never reaches the provider", async () => {
  const { app, ada, provider } = await start(() => new Response(WHOLE));
  for (const model of ["command-b", "org/command", "command-a:cheapest"]) {
    const answer = await ask(app, ada, { ...ASK, model });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("Model not supported by provider cohere");
  }
  expect(provider.received).toHaveLength(0);
});
