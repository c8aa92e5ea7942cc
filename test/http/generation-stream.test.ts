/** Text generation that is streamed in Text Generation Inference's form, by whoever speaks it and by who does not. */
import { afterEach, expect, test } from "bun:test";
import { AT_REST, call, type TestApp, type TestUser, testApp, until } from "../support/app.js";
import { fakeProvider, type Received, type Reply, streamed } from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

/** A token costs a thousandth of a dollar where it is dear: the free plan's credit is 100 of them. */
const DEAR = { input: "0", output: "1000" };
const TOKEN = 1_000_000n;

/** `hf-inference` speaks the form, `together` does not. */
async function start(
  replies: Readonly<Record<string, (received: Received) => Reply>>,
  price: Readonly<Record<string, string>> = { input: "1", output: "2" },
) {
  const fakes = Object.entries(replies).map(([id, reply]) => ({ id, fake: fakeProvider(reply) }));
  for (const { fake } of fakes) cleanUps.push(fake.stop);
  const providers = Object.fromEntries(
    fakes.map(({ id, fake }) => [id, { base_url: fake.origin, api_key: `key-of-${id}` }]),
  );
  const offers = fakes.map(({ id }) => ({ provider: id, provider_model: `at-${id}`, price }));
  const models = [{ id: "org/writer", task: "text-generation", providers: offers }];
  const app = await testApp({
    yaml: JSON.stringify({ allow_literal_keys: true, providers, models }),
  });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada");
  const received = Object.fromEntries(fakes.map(({ id, fake }) => [id, fake.received]));
  return { app, ada, received };
}

const ASK = { inputs: "Once", parameters: { max_new_tokens: 40 }, stream: true };

const ask = (
  app: TestApp,
  { token }: TestUser,
  body: unknown = ASK,
  path = "/models/org/writer",
): Promise<Response> =>
  app.answer(call("POST", path, token, body, { "content-type": "application/json" }));

async function newest(app: TestApp, { user }: TestUser) {
  await app.drain();
  const [row] = await app.site.usage.newestRequests(user.id, 1);
  return row;
}

type Event = Readonly<Record<string, unknown>> & {
  readonly index: number;
  readonly token: { readonly text: string; readonly special: boolean };
  readonly generated_text: string | null;
  readonly details: Readonly<Record<string, unknown>> | null;
};

const eventsIn = (text: string): Event[] =>
  text
    .split("\n\n")
    .filter((one) => one.startsWith("data:"))
    .map((one) => JSON.parse(one.slice(5)));

const withoutComment = (text: string): string => text.replace(/: turnpike .*\n\n/, "");

const token = (index: number, text: string, more: object = {}): string =>
  `data:${JSON.stringify({
    ...{ index, token: { id: 7, text, logprob: -0.5, special: false } },
    ...{ generated_text: null, details: null, ...more },
  })}\n\n`;

const DETAILS = { finish_reason: "length", generated_tokens: 2, seed: null, input_length: 5 };

const completion = (text: string, finish: string | null = null, more: object = {}): string =>
  `data: ${JSON.stringify({
    ...{ id: "c", object: "text_completion", created: 1, model: "m" },
    choices: [{ index: 0, text, finish_reason: finish, logprobs: null }],
    ...more,
  })}\n\n`;
const DONE = "data: [DONE]\n\n";
const USAGE = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };

test("a provider that speaks the form is sent the body as it came, and its events come as it sent them", async () => {
  const text =
    token(1, " the") + token(2, " end", { generated_text: " the end", details: DETAILS });
  const { app, ada, received } = await start({ "hf-inference": () => streamed([text]) });
  const body = `{ "inputs":"Once", "stream" : true, "parameters":{"max_new_tokens":40,"details":true} }`;
  for (const path of ["/models/org/writer", "/hf-inference/models/org/writer"]) {
    const answer = await ask(app, ada, body, path);
    expect(answer.headers.get("content-type")).toStartWith("text/event-stream");
    const got = await answer.text();
    expect(withoutComment(got)).toBe(text);
    expect(got).toContain(": turnpike {");
    expect(await newest(app, ada)).toMatchObject({
      ...{ cost: 9_000n, outcome: "served", isEstimated: false },
    });
  }
  expect(received["hf-inference"]?.[0]).toMatchObject({ path: "/models/at-hf-inference", body });
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("where no details are sent we count, without the token that ends a text", async () => {
  const end = { id: 2, text: "</s>", logprob: -1, special: true };
  const last = token(3, "", { token: end, generated_text: " the end" });
  const { app, ada } = await start({
    "hf-inference": () => streamed([token(1, " the"), token(2, " end"), last]),
  });
  await (await ask(app, ada)).text();
  expect(await newest(app, ada)).toMatchObject({ outputTokens: 2, isEstimated: true });
});

test("a provider of OpenAI's form is asked in it, and its events are written in the caller's", async () => {
  const usage = { choices: [], usage: USAGE };
  const { app, ada, received } = await start({
    together: () =>
      streamed([completion(" thé"), completion(" end", "stop"), completion("", null, usage), DONE]),
  });
  const parameters = { max_new_tokens: 40, temperature: 0.7, details: true, top_k: null };
  const answer = await ask(app, ada, { ...ASK, parameters });
  const text = await answer.text();
  const events = eventsIn(text);
  expect(events.map(({ index }) => index)).toEqual([1, 2, 3]);
  expect(events.map((event) => event.token.text)).toEqual([" thé", " end", ""]);
  expect(events.map((event) => event.generated_text)).toEqual([null, null, " thé end"]);
  expect(events[2]?.details).toEqual({ ...DETAILS, finish_reason: "eos_token" });
  expect(text).not.toContain("[DONE]");
  const [sent] = received.together ?? [];
  expect(JSON.parse(sent?.body ?? "")).toEqual({
    ...{ temperature: 0.7, max_tokens: 40, prompt: "Once", model: "at-together", stream: true },
    stream_options: { include_usage: true },
  });
  expect(await newest(app, ada)).toMatchObject({ cost: 9_000n, outcome: "served" });
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("details are told to whoever asked for them only", async () => {
  const { app, ada } = await start({
    together: () => streamed([completion(" end", "length"), DONE]),
  });
  const events = eventsIn(await (await ask(app, ada)).text());
  expect(events.at(-1)).toMatchObject({ generated_text: " end", details: null });
});

test("a stream that begins with a failure is tried elsewhere, in whatever form", async () => {
  const overloaded = `data:{"error":"Model is overloaded","error_type":"overloaded"}\n\n`;
  const { app, ada } = await start({
    "hf-inference": () => streamed([overloaded]),
    together: () => streamed([completion(" end", "stop"), DONE]),
  });
  for (let time = 0; time < 4; time++) {
    const answer = await ask(app, ada);
    expect(answer.headers.get("x-inference-provider")).toBe("together");
    expect(eventsIn(await answer.text()).at(-1)?.generated_text).toBe(" end");
  }
});

test("what the provider finds wrong with the request is a 422, though its stream had begun", async () => {
  const refused = `data:{"error":"Input validation error: too long","error_type":"validation"}\n\n`;
  const { app, ada } = await start({ "hf-inference": () => streamed([refused]) });
  const answer = await ask(app, ada);
  expect(answer.status).toBe(422);
  expect(await answer.text()).toContain("Input validation error: too long");
  expect(await newest(app, ada)).toMatchObject({ cost: 0n, outcome: "failed" });
});

const FOXES = Array.from({ length: 300 }, (_, at) => at + 1);

test("where the credit ends so does the stream, exactly there and with a last event of its form", async () => {
  for (const [id, pieces] of [
    ["hf-inference", FOXES.map((index) => token(index, " fox"))],
    ["together", FOXES.map(() => completion(" fox"))],
  ] as const) {
    const { app, ada } = await start({ [id]: () => streamed(pieces) }, DEAR);
    const body = { inputs: "Once", stream: true, parameters: { details: true } };
    const text = await (await ask(app, ada, body)).text();
    const events = eventsIn(text);
    expect(events).toHaveLength(101);
    expect(events.at(-1)).toMatchObject({
      index: 101,
      generated_text: " fox".repeat(100),
      details: { finish_reason: "length", generated_tokens: 100 },
      turnpike: { stopped: "insufficient_credit" },
    });
    expect(await newest(app, ada)).toMatchObject({ outcome: "stopped", cost: 100n * TOKEN });
    expect(await app.left(ada)).toBe(0n);
    expect(await app.state(ada)).toEqual(AT_REST);
  }
});

test("a limit beyond the balance is lowered in either form", async () => {
  const { app, ada, received } = await start(
    { "hf-inference": () => streamed([token(1, " end", { generated_text: " end" })]) },
    DEAR,
  );
  const parameters = { max_new_tokens: 500, top_k: 5 };
  const answer = await ask(app, ada, { inputs: "Once", parameters, stream: true });
  expect(answer.headers.get("x-turnpike-clamped")).toBe("max_tokens=100");
  expect(JSON.parse(received["hf-inference"]?.[0]?.body ?? "")).toEqual({
    ...{ inputs: "Once", parameters: { max_new_tokens: 100, top_k: 5 }, stream: true },
  });
});

test("a stream that breaks off ends with an error of its form, and what came is charged", async () => {
  for (const [id, pieces] of [
    ["hf-inference", [token(1, " the"), token(2, " end")]],
    ["hf-inference", [token(1, " the"), `data:{"error":"CUDA","error_type":"generation"}\n\n`]],
    ["together", [completion(" the"), completion(" end")]],
  ] as const) {
    const { app, ada } = await start({ [id]: () => streamed(pieces) });
    const last = eventsIn(await (await ask(app, ada)).text()).at(-1);
    expect(last).toMatchObject({ error_type: "incomplete_generation", code: "provider_error" });
    expect(last?.error).toStartWith(`${id}: `);
    const row = await newest(app, ada);
    expect(row).toMatchObject({ outcome: "cut" });
    expect(row?.cost).toBeGreaterThan(0n);
    expect(await app.state(ada)).toEqual(AT_REST);
  }
});

test("whoever hangs up is charged what was delivered", async () => {
  const { app, ada, received } = await start({
    "hf-inference": () => streamed([token(1, " the"), () => new Promise(() => {})]),
  });
  const reader = (await ask(app, ada)).body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await until(async () => (await newest(app, ada))?.outcome === "aborted");
  await until(() => received["hf-inference"]?.[0]?.signal.aborted === true);
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("what cannot be generated from is refused by name", async () => {
  const { app, ada, received } = await start({ "hf-inference": () => streamed([]) });
  for (const [body, field] of [
    [{ inputs: ["Once"], stream: true }, "inputs"],
    [{ inputs: "", stream: true }, "inputs"],
    [{ inputs: "Once", stream: true, parameters: [] }, "parameters"],
    [{ inputs: "Once", stream: true, parameters: { max_new_tokens: -1 } }, "max_tokens"],
  ] as const) {
    const answer = await ask(app, ada, body);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(field);
  }
  expect(received["hf-inference"]).toHaveLength(0);
});
