/** The conformance report of providers that are as they must be, and of those that are not. */
import { afterEach, expect, test } from "bun:test";
import { startSim } from "../../sim/server.js";
import { until } from "../support/app.js";
import {
  answered,
  conformingProvider,
  type Faults,
  MODEL,
  refusal,
} from "../support/conforming.js";
import { chunk, DONE, streamed, usageChunk } from "../support/provider.js";
import { KEY, PROVIDER, registrationWorld } from "./registrations-world.js";

const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

type Finding = {
  readonly name: string;
  readonly verdict: string;
  readonly why: string | null;
  readonly sent: string | null;
  readonly received: string | null;
  readonly hint: string | null;
};

async function worldWith(faults: Faults, more: Readonly<Record<string, unknown>> = {}) {
  const world = await registrationWorld(undo, { reply: conformingProvider(KEY, faults) });
  const { json, ada, form, server } = world;
  const billing_url = `${server.origin}/billing`;
  await json("POST", PROVIDER, ada, { ...form, billing_url, ...more });
  const run = async (asked: object = { model: MODEL }) => {
    const { status, body } = await json("POST", `${PROVIDER}/conformance`, ada, asked);
    const findings: readonly Finding[] = body.report?.checks ?? [];
    return {
      status,
      body,
      findings,
      find: (name: string) => findings.find((f) => f.name === name),
    };
  };
  return { ...world, run };
}

const verdicts = (findings: readonly Finding[]) =>
  Object.fromEntries(findings.map(({ name, verdict }) => [name, verdict]));

const ALL_PASSED = {
  reachable: "passed",
  ...{ no_key: "passed", wrong_key: "passed", chat: "passed", chat_stream: "passed" },
  ...{ tools: "passed", structured_output: "passed", not_json: "passed", bad_body: "passed" },
  ...{ request_id: "passed", prices: "passed", billing: "passed", billing_again: "passed" },
};

test("a provider that does what it must passes, and its report is kept", async () => {
  const { run, json, ada, bob } = await worldWith({ tellsLate: true });
  const { body, findings, find } = await run();
  expect(verdicts(findings)).toEqual(ALL_PASSED);
  expect(body).toMatchObject({ kept: true, report: { passed: true, model: MODEL } });
  expect(find("chat")).toMatchObject({
    sent: expect.stringMatching(/^POST http.*\/v1\/chat\/completions, with the key\n\{"model"/),
    received: expect.stringMatching(/^status 200\n/),
    why: null,
    hint: null,
  });
  expect(find("wrong_key")?.sent).toContain("with a key that nobody has");
  expect(JSON.stringify(body)).not.toContain(KEY);
  expect((await json("GET", `${PROVIDER}/conformance`, bob)).body.report).toEqual(body.report);
  const shown = (await json("GET", PROVIDER, bob)).body.provider;
  expect([shown.has_passed, typeof shown.tested_at]).toEqual([true, "string"]);
  expect((await json("POST", `${PROVIDER}/promote`, ada)).body.provider.state).toBe("staging");
});

test("the simulator's own server passes", async () => {
  const sim = startSim();
  undo.push(() => sim.stop());
  const { json, ada, form } = await registrationWorld(undo);
  const base_url = `${sim.url("nscale")}/v1`;
  const request_id_header = "x-request-id";
  const billing_url = `${sim.url("nscale")}/_billing`;
  await json("POST", PROVIDER, ada, { ...form, base_url, request_id_header, billing_url });
  const list = await fetch(`${base_url}/models`, { headers: { authorization: "Bearer sim-key" } });
  const [{ id: model }] = (await list.json()).data;
  const { body } = await json("POST", `${PROVIDER}/conformance`, ada, { model });
  expect(verdicts(body.report.checks)).toEqual(ALL_PASSED);
});

const events = (...some: readonly string[]) => streamed(some);
const html = () => new Response("<html>", { headers: { "content-type": "text/html" } });
const told = (...requests: readonly object[]) => Response.json({ requests });
const isPlain = (body: Readonly<Record<string, unknown>>) => !body.tools && !body.response_format;

const BAD: readonly [check: string, faults: Faults, why: string][] = [
  ["reachable", { chat: () => refusal(503, "loading") }, "the status is 503, not 2xx"],
  [
    "no_key",
    { first: ({ headers }) => (headers.authorization ? undefined : Response.json(answered())) },
    "the status is 200, not 401 or 403",
  ],
  [
    "wrong_key",
    {
      first: ({ headers }) =>
        headers.authorization === `Bearer ${KEY}` ? undefined : refusal(400, "?"),
    },
    "the status is 400, not 401 or 403",
  ],
  ["chat", { chat: () => refusal(404, "no model") }, "the status is 404, not 200"],
  ["chat", { chat: html }, "the body is no JSON object"],
  ["chat", { chat: () => Response.json(answered({ choices: null })) }, '"choices" is no list'],
  ["chat", { chat: () => Response.json(answered({ created: "now" })) }, '"created" is no number'],
  ["chat", { chat: () => Response.json(answered({ id: 1 })) }, '"id" is no text'],
  ["chat", { chat: () => Response.json(answered({ model: null })) }, '"model" is no text'],
  [
    "chat",
    { chat: () => Response.json(answered({ system_fingerprint: 5 })) },
    '"system_fingerprint" is neither text nor null',
  ],
  ["chat", { chat: () => Response.json(answered({ usage: null })) }, '"usage" is missing'],
  [
    "chat",
    {
      chat: () => Response.json(answered({ usage: { prompt_tokens: 1, completion_tokens: 0.5 } })),
    },
    '"usage.completion_tokens" is no whole number',
  ],
  [
    "chat_stream",
    { stream: () => Response.json(answered()) },
    "the content type is application/json",
  ],
  ["chat_stream", { stream: () => events() }, "there is no event in it"],
  [
    "chat_stream",
    { stream: () => events(chunk("one"), usageChunk(1, 1)) },
    'it does not end with "data: [DONE]"',
  ],
  ["chat_stream", { stream: () => events(chunk("one"), DONE) }, 'no event holds "usage"'],
  ["chat_stream", { stream: () => events(usageChunk(1, 1), DONE) }, "it says nothing"],
  ["chat_stream", { stream: () => events("data: {\n\n", DONE) }, "an event is no JSON object"],
  [
    "chat_stream",
    { stream: () => events(chunk("one"), 'data: {"error":{"message":"x"}}\n\n', DONE) },
    "it holds an error event",
  ],
  [
    "not_json",
    { first: ({ body }) => (body === '{"model":' ? new Response("", { status: 500 }) : undefined) },
    "the status is 500, not a 4xx",
  ],
  [
    "not_json",
    {
      first: ({ body }) =>
        body === '{"model":' ? new Response("bad", { status: 400 }) : undefined,
    },
    "the body is no JSON object",
  ],
  [
    "bad_body",
    {
      first: ({ body }) =>
        body.includes('"messages":"hello"') ? Response.json(answered()) : undefined,
    },
    "the status is 200, not a 4xx",
  ],
  [
    "bad_body",
    {
      first: ({ body }) =>
        body.includes('"messages":"hello"') ? Response.json({}, { status: 422 }) : undefined,
    },
    'the body has neither "error", "message" nor "detail"',
  ],
  [
    "request_id",
    { stream: () => events(chunk("one"), usageChunk(1, 1), DONE) },
    'the answer of "chat_stream" has no header inference-id',
  ],
  [
    "request_id",
    {
      chat: (_, body) =>
        isPlain(body)
          ? Response.json(answered(), { headers: { "inference-id": "id-1" } })
          : undefined,
    },
    "two answers have the same id",
  ],
  ["prices", { models: () => refusal(404, "no") }, "the status is 404, not 200"],
  ["prices", { models: () => Response.json([]) }, '"data" is no list'],
  [
    "prices",
    { models: () => Response.json({ data: [] }) },
    `there is no entry with the id "${MODEL}"`,
  ],
  ["prices", { models: () => Response.json({ data: [{ id: MODEL }] }) }, '"pricing" of'],
  [
    "prices",
    { models: () => Response.json({ data: [{ id: MODEL, pricing: { input: "1", output: 1 } }] }) },
    '"pricing.input" is no number of dollars',
  ],
  [
    "prices",
    { models: () => Response.json({ data: [{ id: MODEL, pricing: { input: 1, output: 1 } }] }) },
    '"context_length" is no whole number',
  ],
  ["billing", { billing: html }, '"requests" is no list of objects, nor null'],
  ["billing", { billing: () => refusal(403, "no") }, "the status is 403, not 200"],
  [
    "billing",
    { billing: () => told({ requestId: "id-1", costNanoUsd: -1 }) },
    '"costNanoUsd" of id-1 is no number of nano-dollars',
  ],
  [
    "billing",
    { billing: () => told({ requestId: "id-1", costNanoUsd: "1" }) },
    '"costNanoUsd" of id-1 is no number of nano-dollars',
  ],
  [
    "billing",
    { billing: () => told({ requestId: 1, costNanoUsd: 1 }) },
    'a "requestId" is no text',
  ],
  [
    "billing",
    {
      billing: (_, { requestIds }) =>
        told(...(requestIds as string[]).map((requestId) => ({ requestId, costNanoUsd: 1 }))),
    },
    "a cost for an id that it never gave",
  ],
  ["billing", { billing: () => told({ requestId: "id-1", costNanoUsd: 1 }) }, "no cost is told of"],
];

test("what a provider does wrong is told by the check that is about it", async () => {
  for (const [name, faults, why] of BAD) {
    const { run } = await worldWith(faults);
    const { find, body } = await run();
    expect({ name, ...find(name) }).toMatchObject({
      ...{ name, verdict: "failed", why: expect.stringContaining(why) },
      hint: expect.any(String),
    });
    expect(body.report.passed).toBe(false);
    for (const each of undo.splice(0).reverse()) await each();
  }
}, 60_000);

test("a cost that changes from one question to the next is told", async () => {
  let cost = 0;
  const { run } = await worldWith({
    billing: (_, { requestIds }) =>
      told(
        ...(requestIds as string[])
          .filter((id) => id.startsWith("id-"))
          .map((requestId) => ({ requestId, costNanoUsd: ++cost })),
      ),
  });
  const { find } = await run();
  expect(find("billing")?.verdict).toBe("passed");
  expect(find("billing_again")).toMatchObject({
    verdict: "failed",
    why: expect.stringContaining("is another one now"),
  });
});

test("what a model need not do keeps its provider from nothing", async () => {
  const { run } = await worldWith({
    chat: (_, body) => (isPlain(body) ? undefined : refusal(400, "not with this model")),
  });
  const { body, find } = await run();
  expect(body.report.passed).toBe(true);
  expect([find("tools")?.verdict, find("structured_output")?.verdict]).toEqual([
    "unsupported",
    "unsupported",
  ]);
});

test("a provider without a billing endpoint is not asked for costs", async () => {
  const { run } = await worldWith({}, { billing_url: null });
  const { body, find } = await run();
  expect(body.report.passed).toBe(true);
  expect([find("billing")?.verdict, find("billing_again")?.verdict]).toEqual([
    "skipped",
    "skipped",
  ]);
});

test("a server that nobody reaches is asked once, and nothing else is held against it", async () => {
  const { run, server } = await worldWith({});
  server.stop();
  const { body, find, findings } = await run();
  expect(body.report.passed).toBe(false);
  expect(find("reachable")).toMatchObject({
    ...{ verdict: "failed", why: "no connection could be made" },
    ...{ sent: expect.stringContaining("with the key"), hint: expect.any(String) },
  });
  const others = findings.filter(({ name }) => name !== "reachable");
  expect(others).toHaveLength(12);
  for (const each of others) {
    expect(each).toMatchObject({ verdict: "skipped", why: "it cannot be reached", sent: null });
  }
});

test("an embedding provider is tried with one sentence", async () => {
  let served = 0;
  const { run } = await worldWith({
    first: ({ path, headers, body }) => {
      if (path !== "/v1/embeddings" || headers.authorization !== `Bearer ${KEY}`) return undefined;
      if (!body.endsWith("}")) return refusal(400, "no JSON");
      const data = [{ object: "embedding", index: 0, embedding: [0.5, 0.5] }];
      const usage = { prompt_tokens: 9, total_tokens: 9 };
      const headersOut = { "inference-id": `id-${++served}` };
      return Response.json({ object: "list", data, model: MODEL, usage }, { headers: headersOut });
    },
    billing: (_, { requestIds }) =>
      told(
        ...(requestIds as string[])
          .filter((id) => /^id-[12]$/.test(id))
          .map((requestId) => ({ requestId, costNanoUsd: 3 })),
      ),
  });
  const asked = { model: MODEL, task: "feature-extraction" };
  const { findings, body } = await run(asked);
  expect(verdicts(findings)).toMatchObject({ task: "passed", prices: "passed", billing: "passed" });
  expect(body.report.passed).toBe(true);
  const other = await run({ model: MODEL, task: "text-to-video" });
  expect([other.status, other.body.error.message]).toEqual([
    400,
    expect.stringContaining("has no route for text-to-video"),
  ]);
});

test("one provider is tested once at a time, and not without a model", async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { run, server } = await worldWith({
    chat: async () => {
      await gate;
      return Response.json(answered());
    },
  });
  expect((await run({})).body.error.message).toContain('"model" must be named');
  const first = run();
  await until(() => server.received.some(({ path }) => path.endsWith("/completions")));
  const second = await run();
  expect([second.status, second.body.error.message]).toEqual([
    409,
    expect.stringContaining("is being tested already"),
  ]);
  release();
  expect((await first).status).toBe(200);
});

test("a report that nobody waited for is not kept", async () => {
  const { app, ada, json, server } = await worldWith({ chat: () => new Promise(() => {}) });
  const gone = new AbortController();
  const asked = app.answer(
    new Request(`http://turnpike.test${PROVIDER}/conformance`, {
      method: "POST",
      headers: { authorization: `Bearer ${ada.token}` },
      body: JSON.stringify({ model: MODEL }),
      signal: gone.signal,
    }),
  );
  await until(() => server.received.some(({ body }) => body.includes("Say hello")));
  gone.abort();
  expect((await (await asked).json()).kept).toBe(false);
  expect((await json("GET", PROVIDER, ada)).body.provider.tested_at).toBeNull();
});
