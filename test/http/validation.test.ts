/** Mappings are looked at by themselves, what is found is told to all, and the operator pays. */
import { afterEach, expect, test } from "bun:test";
import { AT_REST, call, type TestApp, testApp, until } from "../support/app.js";
import { manualClock } from "../support/clock.js";
import { answered, conformingProvider, type Faults, refusal } from "../support/conforming.js";
import { fakeProvider, yamlFor } from "../support/provider.js";
import { KEY, PROVIDER, pass, registrationWorld } from "./registrations-world.js";

const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

const HOUR = 3_600_000;
/** An interval may be a tenth longer. */
const SURELY = 1.2;

/** A live provider with one model, `org/model`, for a dollar and two per million tokens. */
async function start(faults: Faults = {}, yaml: Readonly<Record<string, unknown>> = {}) {
  const time = manualClock();
  const now: { faults: Faults } = { faults };
  const good = conformingProvider(KEY);
  const world = await registrationWorld(undo, {
    clock: time.clock,
    yaml: { ...yaml, validation: yaml.validation ?? "registered" },
    reply: (received) => now.faults.first?.(received, {}) ?? good(received),
  });
  const { json, ada, owner, form, map, app } = world;
  await json("POST", PROVIDER, ada, form);
  await pass(world);
  await json("POST", `${PROVIDER}/promote`, ada);
  await json("POST", `${PROVIDER}/promote`, owner);
  await map();
  const offer = async (on: TestApp = app) => {
    const response = await on.answer(call("GET", "/v1/models/org/model"));
    return (await response.json()).providers[0];
  };
  const after = async (hours: number): Promise<void> => {
    time.advance(hours * HOUR * SURELY);
    await app.validate();
  };
  const key = { provider: "acme-ai", modelId: "org/model", task: "conversational" } as const;
  const known = () => app.site.validations.load(key);
  const history = () => app.site.validations.history(key);
  return { ...world, time, now, offer, after, known, history };
}

const spentBy = async (app: TestApp, owner: { token: string }) => {
  await app.drain();
  const response = await app.answer(
    call("GET", "/api/turnpike/admin/credits?user=turnpike:validation", owner.token),
  );
  return response.json();
};

test("a mapping is looked at once it is there, and what is found is listed", async () => {
  const { app, offer, server, known, history } = await start();
  expect(await offer()).toMatchObject({ status: "live" });
  expect((await offer()).supports_tools).toBeUndefined();
  await app.validate();
  expect(await offer()).toMatchObject({
    ...{ status: "live", supports_tools: true, supports_structured_output: true },
    ...{ first_token_latency_ms: expect.any(Number) },
  });
  expect(server.received.map(({ path }) => path)).toEqual(Array(4).fill("/v1/chat/completions"));
  expect(await known()).toMatchObject({
    verdict: "passed",
    checks: [
      { name: "reachable", verdict: "passed", why: null },
      { name: "chat", verdict: "passed", why: null },
      { name: "chat_stream", verdict: "passed", why: null },
      { name: "tools", verdict: "passed", why: null },
      { name: "structured_output", verdict: "passed", why: null },
    ],
  });
  expect((await history()).map(({ verdict, why }) => [verdict, why])).toEqual([["passed", ""]]);
});

test("where nobody has called it lately, a mapping is as fast as when it was last looked at", async () => {
  const { app, yaml, time } = await start();
  await app.validate();
  const [found] = await app.site.validations.loadAll();
  if (!found) throw new Error("nothing was found");
  const speed = { firstTokenMs: 321, throughput: 45.6 };
  await app.site.validations.note({ ...found, ...speed, checkedAt: found.checkedAt + 1 });
  // A node that has measured nothing, and heard of nothing that others did.
  const later = await testApp({ yaml, data: app.data, clock: time.clock });
  undo.push(later.stop);
  const response = await later.answer(call("GET", "/v1/models/org/model"));
  expect((await response.json()).providers[0]).toMatchObject({
    ...{ first_token_latency_ms: 321, throughput: 45.6 },
  });
});

test("probes are paid for by an account of the operator's, to the last nano-dollar", async () => {
  const { app, owner, server } = await start();
  await app.validate();
  const credit = await spentBy(app, owner);
  // Three plain answers of 10 and 5 tokens, a stream of 10 and 30, at 1 and 2 dollars a million.
  const cost = BigInt(3 * (10 * 1_000 + 5 * 2_000) + 10 * 1_000 + 30 * 2_000);
  expect(server.received).toHaveLength(4);
  expect(credit).toMatchObject({
    spendable_nano_usd: String(1_000_000_000n - cost),
    held_nano_usd: "0",
  });
  const { balanced } = await app.site.ledger.audit();
  expect([balanced, app.site.gateway.spool.openRequests()]).toEqual([
    AT_REST.balanced,
    AT_REST.openRequests,
  ]);
});

test("every six hours, hourly while it fails, and at once when its status changes", async () => {
  const { app, server, time, now, offer, after, history, json, ada } = await start();
  const asked = async (): Promise<number> => {
    const before = server.received.length;
    await app.validate();
    return server.received.length - before;
  };
  expect(await asked()).toBe(4);
  time.advance(5 * HOUR);
  expect(await asked()).toBe(0);
  time.advance(2 * HOUR);
  expect(await asked()).toBe(4);

  now.faults = { first: () => new Response("", { status: 500 }) };
  await after(6);
  expect(await offer()).toMatchObject({ status: "error" });
  const listed = await json("GET", "/api/partners/acme-ai/models", ada);
  expect(listed.body.conversational["org/model"].status).toBe("error");
  const shown = await json("GET", "/api/models/org/model?expand[]=inferenceProviderMapping", ada);
  expect(shown.body.inferenceProviderMapping["acme-ai"].status).toBe("error");
  expect(await asked()).toBe(0);
  now.faults = {};
  await after(1);
  expect(await offer()).toMatchObject({ status: "live" });
  expect((await history()).map(({ verdict, why }) => [verdict, why])).toEqual([
    ["passed", ""],
    ["failed", "reachable"],
    ["passed", ""],
    ["passed", ""],
  ]);

  const [row] = await app.site.mappings.loadAll();
  await app.site.mappings.change(row?.id ?? "", { status: "staging" });
  await app.site.reloadMappings("acme-ai");
  expect(await asked()).toBe(4);
  expect(await asked()).toBe(0);
});

test("what fails is passed over until it is well again", async () => {
  const { app, now, after, ask, eve, known } = await start();
  expect((await ask(eve)).status).toBe(200);
  now.faults = { first: () => Response.json({ choices: "none" }) };
  await app.validate();
  expect(await known()).toMatchObject({
    ...{ verdict: "failed", firstTokenMs: undefined },
    checks: [
      { name: "reachable", verdict: "passed", why: null },
      { name: "chat", verdict: "failed", why: expect.stringContaining("acme-ai:no_choices") },
      { name: "chat_stream", verdict: "failed" },
    ],
  });
  const refused = await ask(eve);
  const { error } = await refused.json();
  expect([refused.status, error.message]).toEqual([404, expect.stringContaining("status error")]);
  now.faults = {};
  await after(1);
  expect((await ask(eve)).status).toBe(200);
});

test("who is not there is told so, and not that its answers are wrong", async () => {
  const { app, server, known } = await start();
  server.stop();
  await app.validate();
  expect((await known())?.checks).toEqual([
    { name: "reachable", verdict: "failed", why: expect.stringContaining("acme-ai:connect") },
    { name: "chat", verdict: "skipped", why: "there was no answer to look at" },
  ]);
});

test("one failure may be chance, two in a row are not", async () => {
  const { app, now, offer, server } = await start();
  let failures = 0;
  now.faults = { first: () => (failures++ === 0 ? refusal(500, "hiccup") : undefined) };
  await app.validate();
  expect(await offer()).toMatchObject({ status: "live", supports_tools: true });
  expect(server.received).toHaveLength(5);
});

test("a provider without room at the moment is neither good nor bad", async () => {
  const { app, now, offer, after, known } = await start();
  await app.validate();
  now.faults = { first: () => refusal(429, "later") };
  await after(6);
  expect(await offer()).toMatchObject({ status: "live", supports_tools: true });
  const { checks, verdict } = (await known()) ?? {};
  expect([verdict, checks?.[0]?.verdict]).toEqual(["passed", "skipped"]);
});

test("what a model cannot do is listed, and keeps it from nothing else", async () => {
  const { app, now, offer } = await start();
  now.faults = {
    first: ({ body }) => {
      if (body.includes('"tools"')) return refusal(400, "no tools");
      return body.includes('"response_format"') ? Response.json(answered()) : undefined;
    },
  };
  await app.validate();
  expect(await offer()).toMatchObject({
    ...{ status: "live", supports_tools: false, supports_structured_output: false },
  });
});

test("the month's limit is a limit for probes as for anybody", async () => {
  const { app, owner, server, known } = await start(
    {},
    { validation: { mappings: "registered", monthly_limit: "0.00001" } },
  );
  await app.validate();
  const credit = await spentBy(app, owner);
  expect(BigInt(credit.spendable_nano_usd)).toBeLessThanOrEqual(10_000n);
  expect(await known()).toMatchObject({ verdict: "unknown" });
  expect(server.received).toHaveLength(0);
  expect((await app.site.ledger.audit()).balanced).toBe(true);
});

test("one of several nodes looks, and all of them know", async () => {
  const { app, yaml, time, server, offer, now } = await start();
  const other = await testApp({ yaml, data: app.data, clock: time.clock });
  undo.push(other.stop);
  now.faults = { first: () => refusal(500, "down") };
  await Promise.all([app.validate(), other.validate()]);
  // Plain, twice: where nobody answers there is nothing else to look at.
  expect(server.received).toHaveLength(2);
  await until(async () => (await offer(app))?.status === "error");
  await until(async () => (await offer(other as TestApp))?.status === "error");
});

test("nobody looks at a provider's mappings at the operator's cost before it is live", async () => {
  const { app, json, ada, server } = await start();
  await json("PATCH", PROVIDER, ada, { request_id_header: "x-other" });
  await app.validate();
  expect(server.received).toHaveLength(0);
});

test("what the file and the starter catalog offer is not called unless the operator says so", async () => {
  const provider = fakeProvider(conformingProvider("key-of-mine"));
  undo.push(provider.stop);
  const asked = async (validation: string): Promise<number> => {
    const before = provider.received.length;
    const app = await testApp({
      yaml: yamlFor({ mine: provider.origin }, undefined, { validation }),
    });
    await app.validate();
    await app.stop();
    return provider.received.length - before;
  };
  expect(await asked("registered")).toBe(0);
  expect(await asked("none")).toBe(0);
  expect(await asked("all")).toBe(4);
});

test("another task is tried with its smallest request", async () => {
  const provider = fakeProvider(({ body }) => {
    const { input } = JSON.parse(body);
    const data = [{ object: "embedding", index: 0, embedding: [0.5, 0.5] }];
    const usage = { prompt_tokens: 9, total_tokens: 9 };
    return Response.json({ object: "list", data: input ? data : [], model: "m", usage });
  });
  undo.push(provider.stop);
  const yaml = JSON.stringify({
    allow_literal_keys: true,
    validation: "all",
    providers: {
      mine: { type: "openai-compatible", base_url: provider.origin, api_key: "key-of-mine" },
    },
    models: [
      {
        id: "org/vectors",
        task: "feature-extraction",
        providers: [{ provider: "mine", provider_model: "m", price: { input: "1" } }],
      },
    ],
  });
  const app = await testApp({ yaml });
  undo.push(app.stop);
  await app.validate();
  const [known] = await app.site.validations.loadAll();
  expect(known).toMatchObject({
    ...{ modelId: "org/vectors", verdict: "passed" },
    checks: [
      { name: "reachable", verdict: "passed", why: null },
      { name: "task", verdict: "passed", why: null },
    ],
  });
  expect(provider.received).toHaveLength(1);
});
