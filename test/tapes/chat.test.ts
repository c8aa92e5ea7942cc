import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chat, type TestApp, type TestUser, testApp } from "../support/app.js";
import {
  type Body,
  countsIn,
  lastingPart,
  readOurs,
  readRecorded,
  spoken,
  textOf,
} from "./reading.js";
import {
  type Cut,
  hasTapes,
  isStream,
  NO_TAPES,
  type Tape,
  tapePlayer,
  tapesOf,
  withBody,
} from "./support.js";

/** Providers we know by name; their adapters are what is tested. */
const KNOWN = [
  "cerebras",
  "cohere",
  "fireworks-ai",
  "hf-inference",
  "hyperbolic",
  "nebius",
  "novita",
  "openai",
  "sambanova",
  "together",
];
/** Stands in for any server that speaks OpenAI's API. */
const COMPATIBLE = ["mistral"];

/** Tapes that cannot be replayed through chat, and why. */
const NOT_CHAT: Readonly<Record<string, string>> = {
  "hf-inference/py-5ff72179b95a": "the dialogue pipeline from before OpenAI's form",
  "hf-inference/py-5ff72179b95a/2": "the dialogue pipeline from before OpenAI's form",
};

/** Recorded under another path than ours; the answer is the same and is replayed. */
const OTHER_PATH: Readonly<Record<string, string>> = {
  "hf-inference/js-3a539df70313": "a client that posted to the model's own address",
  "hf-inference/js-b094997b7e86": "a client that posted to the model's own address",
  "mistral/js-b759efb77963": "the client left the path out",
  "openai/js-bec17141757f": "the client left the path out",
};

/** One byte at a time is for short streams only. */
const BYTES_ONE_BY_ONE_MAX = 1_100;

const tapes = hasTapes
  ? [...KNOWN, ...COMPATIBLE].flatMap((provider) => [
      ...tapesOf(provider, "conversational"),
      ...tapesOf(provider, "legacy-conversational"),
    ])
  : [];
const replayed = tapes.filter(({ name }) => !(name in NOT_CHAT));

if (!hasTapes) test.skip(NO_TAPES, () => {});
else describe("recordings of chat", replayAll);

let app: TestApp;
let ada: TestUser;
const player = hasTapes ? tapePlayer() : undefined;

/** $1 and $2 per million tokens: 1,000 and 2,000 nano-USD each. */
const PRICE = { input: "1", output: "2" };
const costOf = ({ input, output }: { input: number; output: number }): bigint =>
  BigInt(input) * 1_000n + BigInt(output) * 2_000n;

beforeAll(async () => {
  if (!player) return;
  app = await testApp({ yaml: yamlOf(player.origin) });
  ada = await app.addUser("ada", "rich");
});
afterAll(async () => {
  await app?.stop();
  await player?.stop();
});

/** Each tape is a model of its own, so that no failure of one tells anything about another. */
const yamlOf = (origin: string): string =>
  JSON.stringify({
    allow_literal_keys: true,
    plans: { rich: { monthly_credit: "100" } },
    providers: {
      ...providersAt(KNOWN, (id) => ({ base_url: `${origin}/${id}` })),
      ...providersAt(COMPATIBLE, (id) => ({
        type: "openai-compatible",
        base_url: `${origin}/${id}/v1`,
      })),
    },
    models: replayed.map((tape) => ({
      id: modelOf(tape),
      task: "conversational",
      providers: [{ provider: tape.provider, provider_model: tape.model, price: PRICE }],
    })),
  });

const providersAt = (ids: readonly string[], place: (id: string) => object) =>
  Object.fromEntries(ids.map((id) => [id, { api_key: "tape-key", ...place(id) }]));

const modelOf = ({ name }: Tape): string => `tape/${name.replaceAll("/", "-")}`;

/** The recorded question where it is on the tape, else one like it. */
function askOf(tape: Tape, more: object): Record<string, unknown> {
  const recorded = JSON.parse(tape.exchange.request.body || "{}") as Record<string, unknown>;
  const { messages, max_tokens, tools, tool_choice, response_format } = recorded;
  const kept = { max_tokens, tools, tool_choice, response_format };
  return {
    model: modelOf(tape),
    messages: Array.isArray(messages)
      ? messages
      : [{ role: "user", content: "Say this is a test" }],
    ...kept,
    ...more,
  };
}

async function replay(tape: Tape, cut: Cut, more: object = {}, headers = {}): Promise<Response> {
  player?.insert(tape, cut);
  const response = await app.answer(chat(ada.token, askOf(tape, more), headers));
  if (!(tape.name in OTHER_PATH)) expect(player?.path()).toBe(tape.exchange.request.upstreamPath);
  return response;
}

async function booked(response: Response) {
  await app.drain();
  const id = response.headers.get("inference-id");
  const rows = await app.site.usage.newestRequests(ada.user.id, 50);
  return rows.find((row) => row.id === id);
}

function replayAll(): void {
  test("are all replayed, but for those listed here with a reason", () => {
    const names = new Set(tapes.map(({ name }) => name));
    const listed = [...Object.keys(NOT_CHAT), ...Object.keys(OTHER_PATH)];
    expect(listed.filter((name) => !names.has(name))).toEqual([]);
    expect(replayed.length).toBeGreaterThan(80);
  });
  for (const tape of replayed) {
    if (tape.exchange.response.status !== 200) testError(tape);
    else if (isStream(tape)) testStream(tape);
    else testPlain(tape);
  }
}

function testPlain(tape: Tape): void {
  for (const cut of ["whole", "odd"] satisfies Cut[]) {
    test(`${tape.name}: the plain answer (${cut}) says what is on tape, and is charged as counted`, async () => {
      const recorded = JSON.parse(tape.exchange.response.body) as Body;
      const response = await replay(tape, cut);
      expect(response.status).toBe(200);
      const ours = (await response.json()) as Body;
      expect(lastingPart(ours)).toEqual(lastingPart(recorded));
      expectIdentity([ours], "chat.completion");
      const counts = countsIn([recorded]);
      if (!counts) throw new Error("a plain answer without usage");
      const cost = costOf(counts);
      expect(ours.usage).toMatchObject({ ...recorded.usage, cost_nano_usd: String(cost) });
      expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe(String(cost));
      expect(await booked(response)).toMatchObject({
        inputTokens: counts.input,
        outputTokens: counts.output,
        isEstimated: false,
        cost,
      });
    });
  }
}

/** What else the same stream could look like; it must read the same. */
const STREAM_FORMS: Readonly<Record<string, (body: string) => string>> = {
  "as recorded": (body) => body,
  "without [DONE]": (body) => body.replace(/data: \[DONE\]\s*$/, ""),
  "without its last blank line": (body) => body.trimEnd(),
  "with CRLF": (body) => body.replaceAll("\n", "\r\n"),
  "with letters of many bytes": (body) =>
    body.replace(/("content": ?"[^"\\]*)"/g, '$1 \u00e9\u6f22\u{1f682}"'),
  "with comments between": (body) => body.replaceAll("\n\n", "\n\n: keep-alive\n\n"),
};

function testStream(tape: Tape): void {
  const recorded = tape.exchange.response.body;
  const cuts: Cut[] = ["whole", "odd"];
  if (Buffer.byteLength(recorded) <= BYTES_ONE_BY_ONE_MAX) cuts.push("bytes");
  for (const [form, change] of Object.entries(STREAM_FORMS)) {
    test(`${tape.name}: the stream ${form} says what is on tape, and is charged as counted`, async () => {
      for (const cut of cuts) await expectStream(withBody(tape, change(recorded)), cut);
    });
  }
  test(`${tape.name}: usage that the caller did not ask for stays out of the stream`, async () => {
    const response = await replay(tape, "whole", { stream: true });
    const ours = readOurs(await response.text());
    expect(countsIn(ours.chunks)).toBeUndefined();
    expect(spoken(ours.chunks)).toHaveLength(ours.chunks.length);
  });
  test(`${tape.name}: a stream that ends early is an error, and what came before it is charged`, async () => {
    for (const cut of ["whole", "odd"] satisfies Cut[]) await expectBroken(tape, cut);
  });
}

async function expectStream(tape: Tape, cut: Cut): Promise<void> {
  const recorded = readRecorded(tape.exchange.response.body);
  const more = { stream: true, stream_options: { include_usage: true } };
  const response = await replay(tape, cut, more);
  expect(response.status).toBe(200);
  const text = await response.text();
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  const ours = readOurs(text);
  expect(ours.dones).toBe(1);
  expect(textOf(ours.chunks)).toBe(textOf(recorded.chunks));
  expect(spoken(ours.chunks).map(lastingPart)).toEqual(spoken(recorded.chunks).map(lastingPart));
  expectIdentity(ours.chunks, "chat.completion.chunk");
  await expectCharged(response, recorded.chunks, ours.chunks);
}

/** The first half of the stream, to the middle of a line. */
async function expectBroken(tape: Tape, cut: Cut): Promise<void> {
  const { body } = tape.exchange.response;
  const half = body.slice(0, body.indexOf("\n\n", body.length / 3) + 9);
  const response = await replay(withBody(tape, half), cut, { stream: true });
  const ours = readOurs(await response.text());
  expect(ours.dones).toBe(0);
  const last = ours.chunks.at(-1);
  expect(last?.error).toMatchObject({ code: "provider_error" });
  const recorded = readRecorded(half.slice(0, half.lastIndexOf("\n\n")));
  expect(textOf(ours.chunks)).toBe(textOf(recorded.chunks));
  const row = await booked(response);
  expect(row).toMatchObject({ outcome: "cut" });
  const facts = JSON.parse(ours.comments.at(-1)?.replace(": turnpike ", "") ?? "{}");
  expect(facts.cost_nano_usd).toBe(String(row?.cost));
}

/** An id, the same everywhere, and the object that clients look for. */
function expectIdentity(bodies: readonly Body[], object: string): void {
  const ids = new Set(bodies.map(({ id }) => id));
  expect(ids.size).toBe(1);
  expect([...ids][0]).toMatch(/./);
  expect(new Set(bodies.map((body) => body.object))).toEqual(new Set([object]));
}

/** What the provider counted or, where it did not, a count of our own that says so. */
async function expectCharged(
  response: Response,
  recorded: readonly Body[],
  ours: readonly Body[],
): Promise<void> {
  const given = countsIn(recorded);
  const shown = countsIn(ours);
  if (!shown) throw new Error("the stream ends without usage");
  if (given) expect(shown).toEqual(given);
  else expect(shown.output).toBeGreaterThan(0);
  const cost = costOf(shown);
  expect(ours.at(-1)?.usage).toMatchObject({ cost_nano_usd: String(cost) });
  expect(await booked(response)).toMatchObject({
    inputTokens: shown.input,
    outputTokens: shown.output,
    isEstimated: given === undefined,
    cost,
  });
}

/** What a provider's status becomes when it was called with the operator's key. */
const ERRORS: Readonly<Record<number, { readonly status: number; readonly code: string }>> = {
  400: { status: 400, code: "provider_rejected" },
  401: { status: 502, code: "provider_unavailable" },
  404: { status: 502, code: "provider_unavailable" },
  421: { status: 421, code: "provider_rejected" },
  422: { status: 422, code: "provider_rejected" },
};

function testError(tape: Tape): void {
  const { status, body } = tape.exchange.response;
  for (const stream of [false, true]) {
    test(`${tape.name}: status ${status} (stream ${stream}) becomes the right error, free of charge`, async () => {
      const before = await app.left(ada);
      const response = await replay(tape, "odd", { stream });
      const expected = ERRORS[status];
      expect(expected).toBeDefined();
      expect(response.status).toBe(expected?.status ?? 0);
      const { error } = (await response.json()) as { error: { code: string; message: string } };
      expect(error.code).toBe(expected?.code ?? "");
      if (error.code === "provider_rejected") expect(error.message).toContain(wordsIn(body));
      expect(await app.left(ada)).toBe(before);
    });
  }
  test(`${tape.name}: with the caller's own key, status ${status} is the caller's to hear`, async () => {
    const headers = { "x-turnpike-provider-key": "own-key" };
    const more = { model: `${modelOf(tape)}:${tape.provider}` };
    const response = await replay(tape, "whole", more, headers);
    expect(response.status).toBe(status);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect(error.code).toBe("provider_rejected");
    expect(error.message).toContain(wordsIn(body));
  });
}

/** The provider's own words in an error, whatever its form. */
function wordsIn(body: string): string {
  if (!body.startsWith("{")) return body;
  const { error, message } = JSON.parse(body) as { error?: string; message?: string };
  return error ?? message ?? "";
}
