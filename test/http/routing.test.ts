import { afterEach, expect, test } from "bun:test";
import { AT_REST, call, chat, type TestUser, testApp, until } from "../support/app.js";
import { manualClock } from "../support/clock.js";
import {
  chunk,
  DONE,
  fakeProvider,
  plainAnswer,
  type Received,
  type Reply,
  streamed,
  usageChunk,
} from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const ASK = { model: "org/model", messages: [{ role: "user", content: "hi" }], max_tokens: 50 };

type Entry = {
  readonly reply?: (received: Received) => Reply;
  readonly price?: Readonly<Record<string, string>>;
  readonly offer?: Readonly<Record<string, unknown>>;
};

/** An app over fake providers by name, and a user. */
async function start(
  entries: Readonly<Record<string, Entry>>,
  limits: Readonly<Record<string, number>> = {},
  dice?: () => number,
) {
  const time = manualClock();
  const names = Object.keys(entries);
  const providers = Object.fromEntries(
    names.map((name) => [name, fakeProvider(entries[name]?.reply ?? (() => plainAnswer()))]),
  );
  for (const provider of Object.values(providers)) cleanUps.push(provider.stop);
  const yaml = {
    limits,
    providers: Object.fromEntries(
      names.map((name) => [name, { type: "openai-compatible", base_url: providers[name]?.origin }]),
    ),
    models: [
      {
        id: "org/model",
        task: "conversational",
        providers: names.map((name) => ({
          provider: name,
          provider_model: `at-${name}`,
          price: entries[name]?.price ?? { input: "1", output: "2" },
          ...entries[name]?.offer,
        })),
      },
    ],
  };
  const yamlText = JSON.stringify(yaml);
  const app = await testApp({ yaml: yamlText, clock: time.clock, ...(dice && { dice }) });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada");
  const ask = (model: string, more = {}) => app.answer(chat(ada.token, { ...ASK, model, ...more }));
  const route = async (model: string, more = {}): Promise<string | null> => {
    const response = await ask(model, more);
    await response.text();
    return response.headers.get("x-turnpike-route");
  };
  return { app, ada, ask, route, providers, advance: time.advance, now: time.clock.now };
}

const status =
  (code: number, headers: Readonly<Record<string, string>> = {}) =>
  (): Response =>
    new Response("{}", { status: code, headers });

const HANGS = (): Promise<Response> => new Promise(() => undefined);

test("a provider after the colon is the only one asked, by its own name for the model", async () => {
  const { route, ask, providers } = await start({ a: {}, b: {}, c: { reply: status(500) } });
  expect(await route("org/model:b")).toBe("policy=b; tried=b:200");
  expect(JSON.parse(providers.b?.received[0]?.body ?? "").model).toBe("at-b");
  expect((await ask("org/model:c")).status).toBe(502);
  expect(providers.a?.received).toEqual([]);
  expect(providers.b?.received.length).toBe(1);
});

test("the cheapest is judged by what this request costs, not by one of its prices", async () => {
  const { route } = await start({
    input: { price: { input: "0.1", output: "10" } },
    output: { price: { input: "10", output: "0.1" } },
  });
  expect(await route("org/model:cheapest", { max_tokens: 4_000 })).toContain("tried=output:200");
  const messages = [{ role: "user", content: "long ".repeat(2_000) }];
  expect(await route("org/model:cheapest", { messages, max_tokens: 1 })).toContain(
    "policy=cheapest; tried=input:200",
  );
});

const answerOf = (tokens: number) => ({ tokens, totalMs: 1_000, firstByteMs: 50 });

test("the fastest is who was measured to be, and who was not measured comes after", async () => {
  const { route, app, now } = await start({ a: {}, b: {} });
  const { statistics, catalog } = app.site.gateway;
  const [a, b] = catalog.model("org/model")?.mappings ?? [];
  if (!a || !b) throw new Error("two offers expected");
  expect(await route("org/model")).toBe("policy=fastest; tried=a:200");
  statistics.served(b, now(), answerOf(900));
  expect(await route("org/model:fastest")).toBe("policy=fastest; tried=b:200");
  for (let i = 0; i < 30; i++) statistics.served(a, now(), answerOf(5_000));
  expect(await route("org/model")).toBe("policy=fastest; tried=a:200");
});

test("whom nobody ever asked is asked soon, and then as little as others of whom little is known", async () => {
  let dice = 1;
  const { route, app, now, advance } = await start({ a: {}, b: {} }, {}, () => dice);
  const { statistics, catalog } = app.site.gateway;
  const [a] = catalog.model("org/model")?.mappings ?? [];
  if (!a) throw new Error("an offer expected");
  for (let i = 0; i < 30; i++) statistics.served(a, now(), answerOf(100));
  dice = 0.25;
  expect(await route("org/model")).toBe("policy=fastest; tried=a:200");
  dice = 0.24;
  const alone = { provider: { allow_fallbacks: false } };
  expect(await route("org/model", alone)).toBe("policy=fastest; tried=a:200");
  expect(await route("org/model:cheapest")).toBe("policy=cheapest; tried=a:200");
  expect(await route("org/model")).toBe("policy=fastest; tried=b:200; explored=b");
  expect(await route("org/model")).not.toContain("explored");
  dice = 0.029;
  advance(120_001);
  expect(await route("org/model")).toContain("explored=");
});

test("the preferred order is the caller's own, and whom it leaves out comes last", async () => {
  const { app, ada, route, ask } = await start({ a: {}, b: {}, c: { reply: status(500) } });
  const path = "/api/turnpike/me/preferences";
  const put = (order: unknown) =>
    app.answer(call("PUT", path, ada.token, { provider_order: order }));
  expect((await put(["c", "b", "c"])).status).toBe(200);
  expect(await (await app.answer(call("GET", path, ada.token))).json()).toEqual({
    provider_order: ["c", "b"],
    disabled_providers: [],
  });
  expect(await route("org/model:preferred")).toBe("policy=preferred; tried=c:500,b:200");
  expect((await put(["nobody"])).status).toBe(404);
  expect((await put("b")).status).toBe(400);
  expect((await ask("org/model:preferred")).headers.get("x-inference-provider")).toBe("b");
});

test("a provider that a user has disabled is never asked for them, and a request that needs it says so", async () => {
  const { app, ada, route, ask, providers } = await start({ a: {}, b: {}, c: {} });
  const path = "/api/turnpike/me/preferences";
  const put = (wanted: object) => app.answer(call("PUT", path, ada.token, wanted));
  await put({ provider_order: ["b", "a"] });
  const answer = await put({ disabled_providers: ["b", "b"] });
  expect(await answer.json()).toEqual({ provider_order: ["b", "a"], disabled_providers: ["b"] });
  expect(await route("org/model:preferred")).toBe("policy=preferred; tried=a:200");
  const pinned = await ask("org/model:b");
  expect(pinned.status).toBe(403);
  expect((await pinned.json()).error).toMatchObject({
    code: "provider_disabled",
    disabled_providers: ["b"],
    message: expect.stringContaining("Disabled by your own preferences: b."),
  });
  expect(providers.b?.received).toEqual([]);
  expect((await put({ disabled_providers: ["nobody"] })).status).toBe(404);
  expect((await put({ disabled: ["a"] })).status).toBe(400);
  await put({ disabled_providers: [] });
  expect((await ask("org/model:b")).status).toBe(200);
});

test("what one answer's headers say is not in the next one's", async () => {
  let isDown = false;
  const ofA = ({ body }: Received): Reply => {
    if (isDown) return status(500)();
    const { stream } = JSON.parse(body);
    return stream ? streamed([chunk("hi", "stop"), usageChunk(9, 1), DONE]) : plainAnswer();
  };
  const { ask } = await start({ a: { reply: ofA }, b: {} });
  const ids: (string | null)[] = [];
  const told = async (suffix: string, more = {}) => {
    const { headers } = await ask(`org/model:${suffix}`, {
      provider: { order: ["a", "b"] },
      ...more,
    });
    ids.push(headers.get("inference-id"), headers.get("x-request-id"));
    return [headers.get("content-type"), headers.get("x-turnpike-route")];
  };
  const json = "application/json";
  expect(await told("preferred")).toEqual([json, "policy=preferred; tried=a:200"]);
  isDown = true;
  expect(await told("preferred")).toEqual([json, "policy=preferred; tried=a:500,b:200"]);
  isDown = false;
  expect(await told("preferred")).toEqual([json, "policy=preferred; tried=a:200"]);
  expect(await told("a")).toEqual([json, "policy=a; tried=a:200"]);
  const events = "text/event-stream; charset=utf-8";
  expect(await told("preferred", { stream: true })).toEqual([
    events,
    "policy=preferred; tried=a:200",
  ]);
  expect(await told("preferred")).toEqual([json, "policy=preferred; tried=a:200"]);
  expect(ids).toHaveLength(12);
  expect(new Set(ids).size).toBe(6);
});

test("a request is tried at no more providers than the limit says", async () => {
  const reply = status(500);
  const { app, ada, ask, providers } = await start(
    { a: { reply }, b: { reply }, c: { reply }, d: {} },
    { attempts_max: 3 },
  );
  const response = await ask("org/model:preferred");
  expect(response.status).toBe(502);
  expect((await response.json()).error.attempts).toEqual(["a:500", "b:500", "c:500"]);
  expect(providers.d?.received).toEqual([]);
  expect(await app.left(ada)).toBe(100_000_000n);
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("no further attempt begins once the time for attempts is over", async () => {
  const late = { advance: (_ms: number): void => undefined };
  const reply = () => {
    late.advance(1_000);
    return status(500)();
  };
  const world = await start({ a: { reply }, b: {} }, { attempts_ms: 500 });
  late.advance = world.advance;
  const response = await world.ask("org/model:preferred");
  expect(response.status).toBe(502);
  expect(world.providers.b?.received).toEqual([]);
});

test("a provider that keeps failing rests, and is tried last until it has rested", async () => {
  let isUp = false;
  const { route, advance } = await start({
    a: { reply: () => (isUp ? plainAnswer() : status(500)()) },
    b: {},
  });
  for (let i = 0; i < 5; i++) {
    expect(await route("org/model:preferred")).toBe("policy=preferred; tried=a:500,b:200");
  }
  expect(await route("org/model:preferred")).toBe("policy=preferred; tried=b:200");
  advance(14_999);
  expect(await route("org/model:preferred")).toBe("policy=preferred; tried=b:200");
  advance(1);
  isUp = true;
  expect(await route("org/model:preferred")).toBe("policy=preferred; tried=a:200");
});

test("a provider that rests is still asked when nobody else can answer", async () => {
  let isUp = false;
  const { route } = await start({ a: { reply: () => (isUp ? plainAnswer() : status(500)()) } });
  for (let i = 0; i < 6; i++) await route("org/model");
  isUp = true;
  expect(await route("org/model")).toBe("policy=fastest; tried=a:200");
  expect(await route("org/model")).toBe("policy=fastest; tried=a:200");
});

test("a Retry-After is honoured from the first 429 on, in seconds and as a date", async () => {
  for (const value of ["30", new Date(Date.UTC(2026, 0, 15, 12, 0, 30)).toUTCString()]) {
    const { route, advance } = await start({
      a: { reply: status(429, { "retry-after": value }) },
      b: {},
    });
    expect(await route("org/model:preferred")).toBe("policy=preferred; tried=a:429,b:200");
    expect(await route("org/model:preferred")).toBe("policy=preferred; tried=b:200");
    advance(29_999);
    expect({ value, route: await route("org/model:preferred") }).toEqual({
      value,
      route: "policy=preferred; tried=b:200",
    });
    advance(1);
    expect(await route("org/model:preferred")).toBe("policy=preferred; tried=a:429,b:200");
  }
});

test("a Retry-After of a year is believed for five minutes", async () => {
  const { route, advance } = await start({
    a: { reply: status(429, { "retry-after": "31536000" }) },
    b: {},
  });
  await route("org/model:preferred");
  advance(300_000);
  expect(await route("org/model:preferred")).toBe("policy=preferred; tried=a:429,b:200");
});

test("a provider without tools gets no request that needs them", async () => {
  const { route, ask } = await start({
    a: { offer: { supports_tools: false } },
    b: { offer: { supports_tools: true } },
  });
  const tools = [{ type: "function", function: { name: "f", parameters: {} } }];
  expect(await route("org/model:preferred", { tools })).toBe("policy=preferred; tried=b:200");
  expect(await route("org/model:preferred", { tools: [] })).toBe("policy=preferred; tried=a:200");
  const refused = await ask("org/model:a", { tools });
  expect(refused.status).toBe(404);
  const { error } = await refused.json();
  expect(error).toMatchObject({ code: "model_not_served" });
  expect(error.served_if).toEqual(["a: does not support tools"]);
});

test("an offer that is not live is never asked", async () => {
  const { route, ask } = await start({ a: { offer: { status: "error" } }, b: {} });
  expect(await route("org/model:preferred")).toBe("policy=preferred; tried=b:200");
  expect((await ask("org/model:a")).status).toBe(404);
});

test("our own controls in the body reach no provider", async () => {
  const { ask, providers } = await start({ a: {} });
  await ask("org/model", { provider: { order: ["a"] } });
  expect(providers.a?.received[0]?.body).not.toContain("provider");
});

/** Aborts as soon as a provider has been asked, and waits until that reached it. */
async function hangUp(
  world: Awaited<ReturnType<typeof start>>,
  body: Readonly<Record<string, unknown>>,
): Promise<void> {
  const caller = new AbortController();
  const { app, ada, providers } = world;
  const answer = app.answer(chat(ada.token, body, {}, caller.signal));
  await until(() => providers.a?.received.length === 1);
  const started = performance.now();
  caller.abort();
  await until(() => providers.a?.received[0]?.signal.aborted === true);
  expect(performance.now() - started).toBeLessThan(200);
  await answer;
}

async function expectAborted(world: Awaited<ReturnType<typeof start>>): Promise<void> {
  const { app, ada, providers } = world;
  await until(async () => (await app.state(ada)).openRequests === 0);
  expect(await app.state(ada)).toEqual(AT_REST);
  // The provider is not to blame, and nobody else is asked.
  expect(providers.b?.received).toEqual([]);
  const mapping = app.site.gateway.catalog.model("org/model")?.mappings[0];
  if (!mapping) throw new Error("no mapping");
  expect(app.site.gateway.breakers.restsForMs(mapping, 0)).toBe(0);
  expect(app.site.gateway.statistics.evidenceOf(mapping, 0).errorRate).toBe(0);
}

test("a caller who hangs up before the answer is heard by the provider at once, and owes nothing", async () => {
  for (const stream of [false, true]) {
    const world = await start({ a: { reply: HANGS }, b: {} });
    await hangUp(world, { ...ASK, model: "org/model:preferred", stream });
    await expectAborted(world);
    expect(await world.app.left(world.ada)).toBe(100_000_000n);
    expect(await newestOf(world.app, world.ada)).toMatchObject({
      status: 499,
      outcome: "aborted",
      cost_nano_usd: "0",
    });
  }
});

const newestOf = async (app: Awaited<ReturnType<typeof testApp>>, { token }: TestUser) => {
  const response = await app.answer(call("GET", "/api/turnpike/me/requests", token));
  return (await response.json()).requests[0];
};

/** A stream that sends one event and then waits for ever. */
const stalls = (): Response =>
  streamed([chunk("Hello there, dear friend"), () => new Promise(() => undefined)]);

test("a caller who hangs up in the middle of a stream pays for what was delivered", async () => {
  for (const way of ["abort", "cancel"] as const) {
    const world = await start({ a: { reply: stalls }, b: {} });
    const { app, ada, providers } = world;
    const caller = new AbortController();
    const body = { ...ASK, model: "org/model:preferred", stream: true };
    const response = await app.answer(chat(ada.token, body, {}, caller.signal));
    const reader = response.body?.getReader();
    await reader?.read();
    if (way === "abort") caller.abort();
    else await reader?.cancel();
    await until(() => providers.a?.received[0]?.signal.aborted === true);
    await expectAborted(world);
    const request = await newestOf(app, ada);
    expect(request).toMatchObject({ status: 499, outcome: "aborted", estimated: true });
    expect(await app.left(ada)).toBe(100_000_000n - BigInt(request.cost_nano_usd));
    expect(BigInt(request.cost_nano_usd)).toBeGreaterThan(0n);
  }
});

test("a caller who never reads a stream and hangs up leaves no hold", async () => {
  const world = await start({ a: { reply: stalls }, b: {} });
  const caller = new AbortController();
  const { app, ada } = world;
  await app.answer(chat(ada.token, { ...ASK, stream: true }, {}, caller.signal));
  expect((await app.state(ada)).held).toBeGreaterThan(0n);
  caller.abort();
  await expectAborted(world);
});

test("a caller who hung up before asking is not served at all", async () => {
  const { app, ada, providers } = await start({ a: {} });
  const caller = new AbortController();
  caller.abort();
  await app.answer(chat(ada.token, ASK, {}, caller.signal)).catch(() => undefined);
  expect(providers.a?.received).toEqual([]);
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("a stream fails over as long as nothing of it reached the caller", async () => {
  const { route } = await start({
    a: { reply: () => streamed([": waking up\n\n", 'data: {"error":{"message":"no"}}\n\n']) },
    b: { reply: () => streamed([chunk("Hi", "stop"), usageChunk(3, 1), DONE]) },
  });
  expect(await route("org/model:preferred", { stream: true })).toBe(
    "policy=preferred; tried=a:error_in_200,b:200",
  );
});
