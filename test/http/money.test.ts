import { afterEach, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { nanoUsd } from "../../src/kernel/money.js";
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
  yamlFor,
} from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

/** A token of output costs a thousandth of a dollar: the free plan's credit is 100 of them. */
const DEAR = { input: "0", output: "1000" };
const DEAR_TOKEN = 1_000_000n;
const CREDIT = 100_000_000n;

const MESSAGES = [{ role: "user", content: "hi" }];
const ASK = { model: "org/model", messages: MESSAGES, max_tokens: 50 };

async function start(
  reply: (received: Received) => Reply,
  price?: Readonly<Record<string, string>>,
  more: Readonly<Record<string, unknown>> = {},
) {
  const time = manualClock();
  const provider = fakeProvider(reply);
  cleanUps.push(provider.stop);
  const app = await testApp({
    yaml: yamlFor({ local: provider.origin }, price, more),
    clock: time.clock,
  });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada");
  const ask = (body: Readonly<Record<string, unknown>> = {}, headers = {}, token = ada.token) =>
    app.answer(chat(token, { ...ASK, ...body }, headers));
  const newest = async (user: TestUser = ada) => {
    await app.drain();
    const answer = await app.answer(call("GET", "/api/turnpike/me/requests", user.token));
    return (await answer.json()).requests[0];
  };
  const sent = (i = 0) => JSON.parse(provider.received[i]?.body ?? "{}");
  return { app, ada, ask, newest, sent, provider, setTime: time.setTime };
}

type World = Awaited<ReturnType<typeof start>>;

async function expectAtRest({ app, ada }: World): Promise<void> {
  expect(await app.state(ada)).toEqual(AT_REST);
}

/** What a stream told: its text, its events and its closing comment. */
async function readStream(response: Response) {
  const text = await response.text();
  const data = [...text.matchAll(/^data: (.*)$/gm)].map(([, json = ""]) => json);
  const events = data.filter((json) => json !== "[DONE]").map((json) => JSON.parse(json));
  const comment = JSON.parse(/^: turnpike (.*)$/m.exec(text)?.[1] ?? "null");
  const said = events.map((event) => event.choices?.[0]?.delta?.content ?? "").join("");
  return { text, events, comment, said, isDone: text.endsWith(DONE) };
}

test("max_tokens is lowered to what the balance covers, and the answer says so", async () => {
  const table = [
    [{ max_tokens: 5_000 }, { max_tokens: 100 }, "max_tokens=100"],
    [{ max_tokens: 101 }, { max_tokens: 100 }, "max_tokens=100"],
    [{ max_tokens: 100 }, { max_tokens: 100 }, null],
    [{ max_tokens: 5_000, n: 3 }, { max_tokens: 33, n: 3 }, "max_tokens=33"],
    [{ max_tokens: undefined }, { max_tokens: 100 }, "max_tokens=100"],
    [{ max_tokens: null }, { max_tokens: 100 }, "max_tokens=100"],
    [
      { max_tokens: undefined, max_completion_tokens: 5_000 },
      { max_completion_tokens: 100 },
      "max_tokens=100",
    ],
  ] as const;
  const world = await start(() => plainAnswer({ prompt: 10, completion: 0 }), DEAR);
  for (const [i, [asked, expected, header]] of table.entries()) {
    const response = await world.ask(asked);
    expect(response.status).toBe(200);
    const { model: _model, messages: _messages, ...limits } = world.sent(i);
    expect(limits).toEqual(expected);
    expect(response.headers.get("x-turnpike-clamped")).toBe(header);
    await response.text();
  }
  await expectAtRest(world);
});

test("a stream whose provider ignores max_tokens is stopped exactly where the credit ends", async () => {
  let isCancelled = false;
  const world = await start((received) => {
    received.signal.addEventListener("abort", () => {
      isCancelled = true;
    });
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.from(chunk(" hello"))),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }, DEAR);
  const response = await world.ask({ stream: true, max_tokens: 5_000 });
  const { events, comment, said, isDone } = await readStream(response);
  expect(said).toBe(" hello".repeat(100));
  expect(events.at(-1)?.choices).toEqual([{ index: 0, delta: {}, finish_reason: "length" }]);
  expect(events.at(-1)?.turnpike).toMatchObject({ stopped: "insufficient_credit" });
  expect(comment).toMatchObject({
    stopped: "insufficient_credit",
    estimated: true,
    cost_nano_usd: String(CREDIT),
    credits_remaining_nano_usd: "0",
  });
  expect(isDone).toBe(true);
  expect(await world.app.left(world.ada)).toBe(0n);
  expect(await world.newest()).toMatchObject({ outcome: "stopped", overrun_nano_usd: "0" });
  await until(() => isCancelled);
  await expectAtRest(world);
  expect((await world.ask({ stream: true })).status).toBe(402);
});

test("a stopped stream still tells its usage to a caller who asked", async () => {
  const flood = Array.from({ length: 400 }, () => chunk(" hello"));
  const world = await start(() => streamed(flood), DEAR);
  const response = await world.ask({ stream: true, stream_options: { include_usage: true } });
  const { events, isDone } = await readStream(response);
  expect(isDone).toBe(true);
  expect(events.at(-1)).toMatchObject({
    choices: [],
    usage: { completion_tokens: 100, cost: 0.1, cost_nano_usd: String(CREDIT) },
  });
});

test("a stream without max_tokens that outgrows its hold takes more, and pays what it used", async () => {
  const words = Array.from({ length: 300 }, () => chunk(" hello"));
  const held: bigint[] = [];
  const world: World = await start(
    () =>
      streamed([
        ...words.slice(0, 150),
        async () => {
          await Bun.sleep(20);
          held.push((await world.app.state(world.ada)).held);
        },
        ...words.slice(150),
        chunk("", "stop"),
        usageChunk(10, 300),
        DONE,
      ]),
    { input: "0", output: "1" },
    { limits: { output_horizon_tokens: 16 } },
  );
  const response = await world.ask({ stream: true, max_tokens: undefined });
  const { said, comment } = await readStream(response);
  expect(world.sent()).not.toHaveProperty("max_tokens");
  expect(response.headers.get("x-turnpike-clamped")).toBeNull();
  expect(said).toBe(" hello".repeat(300));
  expect(comment).toMatchObject({ cost_nano_usd: "300000" });
  expect(comment).not.toHaveProperty("estimated");
  expect(held[0]).toBeGreaterThan(150_000n);
  expect(await world.app.left(world.ada)).toBe(CREDIT - 300_000n);
  await expectAtRest(world);
});

test("a cost above the hold is charged as far as the balance goes, and the rest is counted", async () => {
  const world = await start(() => plainAnswer({ prompt: 10, completion: 1_000 }), DEAR);
  const response = await world.ask();
  expect(response.status).toBe(200);
  expect(response.headers.get("x-turnpike-credits-remaining-nano-usd")).toBe("0");
  expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe(String(CREDIT));
  expect((await response.json()).usage).toMatchObject({ cost_nano_usd: String(CREDIT) });
  expect(await world.app.left(world.ada)).toBe(0n);
  expect(await world.newest()).toMatchObject({
    cost_nano_usd: String(CREDIT),
    overrun_nano_usd: String(1_000n * DEAR_TOKEN - CREDIT),
  });
  await expectAtRest(world);
});

test("a cost above the hold but within the balance is charged in full", async () => {
  const world = await start(() => plainAnswer({ prompt: 10, completion: 80 }), DEAR);
  const response = await world.ask({ max_tokens: 20 });
  expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe(String(80n * DEAR_TOKEN));
  expect(await world.app.left(world.ada)).toBe(20n * DEAR_TOKEN);
  expect(await world.newest()).toMatchObject({ overrun_nano_usd: "0" });
  await expectAtRest(world);
});

const usageAnswer = (usage: unknown): Response =>
  Response.json({ id: "1", choices: [{ index: 0, message: { content: "Hi" } }], usage });

test("cached and reasoning tokens are priced once, wherever the provider counts them", async () => {
  const price = { input: "1", cached_input: "0.5", output: "2", reasoning: "3" };
  const table: readonly [Record<string, unknown>, string][] = [
    [
      // 60 × 1 + 40 × 0.5 + 30 × 2 + 20 × 3
      {
        prompt_tokens: 100,
        completion_tokens: 50,
        total_tokens: 150,
        prompt_tokens_details: { cached_tokens: 40 },
        completion_tokens_details: { reasoning_tokens: 20 },
      },
      "200000",
    ],
    [
      // Reasoning counted beside the completion: 80 + 50 × 2 + 20 × 3
      {
        prompt_tokens: 100,
        completion_tokens: 50,
        total_tokens: 170,
        prompt_cache_hit_tokens: 40,
        reasoning_tokens: 20,
      },
      "240000",
    ],
    [
      // More cached than there was, more reasoning than output: 10 × 0.5 + 5 × 3
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 15,
        cached_tokens: 99,
        completion_tokens_details: { reasoning_tokens: 99 },
      },
      "20000",
    ],
    [{ prompt_tokens: 0, completion_tokens: 0 }, "0"],
  ];
  let usage: unknown;
  const world = await start(() => usageAnswer(usage), price);
  let spent = 0n;
  for (const [given, cost] of table) {
    usage = given;
    const response = await world.ask();
    expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe(cost);
    const body = await response.json();
    // All that the provider said is still there.
    expect(body.usage).toMatchObject({ ...given, cost_nano_usd: cost });
    spent += BigInt(cost);
  }
  expect(await world.app.left(world.ada)).toBe(CREDIT - spent);
  await expectAtRest(world);
});

test("where the provider counts nothing, or nonsense, we count and say so", async () => {
  const counts = [
    undefined,
    null,
    {},
    "many",
    { prompt_tokens: -5, completion_tokens: 7 },
    { prompt_tokens: 1.5, completion_tokens: 7 },
    { prompt_tokens: "10", completion_tokens: "5" },
    { prompt_tokens: 10, completion_tokens: 1e300 },
  ];
  let usage: unknown;
  const world = await start(() => usageAnswer(usage));
  const estimate = await world.app.answer(
    call("POST", "/api/turnpike/estimate", world.ada.token, ASK),
  );
  const { input_tokens } = await estimate.json();
  for (const given of counts) {
    usage = given;
    const { usage: told } = await (await world.ask()).json();
    expect(told).toMatchObject({
      prompt_tokens: input_tokens,
      completion_tokens: 1,
      estimated: true,
      cost_nano_usd: String(input_tokens * 1_000 + 2_000),
    });
    expect(await world.newest()).toMatchObject({ estimated: true, output_tokens: 1 });
  }
  await expectAtRest(world);
});

test("a stream without usage is counted, and its comment says so", async () => {
  const world = await start(() => streamed([chunk(" hello hello"), chunk("", "stop"), DONE]), DEAR);
  const { comment } = await readStream(await world.ask({ stream: true }));
  expect(comment).toMatchObject({ estimated: true, cost_nano_usd: String(2n * DEAR_TOKEN) });
  await expectAtRest(world);
});

test("usage beside choices counts, and is hidden from a caller who did not ask", async () => {
  const last = JSON.stringify({
    id: "1",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta: { content: "!" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  });
  const world = await start(() => streamed([chunk("Hi"), `data: ${last}\n\n`]));
  const quiet = await readStream(await world.ask({ stream: true }));
  expect(quiet.said).toBe("Hi!");
  expect(quiet.text).not.toContain('"usage"');
  expect(quiet.comment).toMatchObject({ cost_nano_usd: "20000" });
  const loud = await readStream(
    await world.ask({ stream: true, stream_options: { include_usage: true } }),
  );
  expect(loud.said).toBe("Hi!");
  expect(loud.events.filter((event) => event.usage != null)).toEqual([
    expect.objectContaining({
      choices: [],
      usage: expect.objectContaining({ completion_tokens: 5, cost_nano_usd: "20000" }),
    }),
  ]);
  expect(await world.app.left(world.ada)).toBe(CREDIT - 40_000n);
});

test("an own key in the header needs a pinned provider, and is charged nothing", async () => {
  const world = await start(() => plainAnswer({ prompt: 1_000, completion: 1_000 }), DEAR);
  const header = { "x-turnpike-provider-key": "own-key-1234" };
  for (const model of ["org/model", "org/model:fastest", "org/model:cheapest"]) {
    const refused = await world.ask({ model }, header);
    expect(refused.status).toBe(400);
    expect((await refused.json()).error.message).toContain("needs a provider");
  }
  expect(world.provider.received).toEqual([]);

  const response = await world.ask({ model: "org/model:local", max_tokens: 9_000 }, header);
  expect(response.headers.get("x-turnpike-billed-to")).toBe("provider-key");
  expect(response.headers.get("x-turnpike-clamped")).toBeNull();
  expect(world.provider.received[0]?.headers.authorization).toBe("Bearer own-key-1234");
  expect(world.provider.received[0]?.headers).not.toHaveProperty("x-turnpike-provider-key");
  expect(response.headers.get("x-turnpike-credits-remaining-nano-usd")).toBe(String(CREDIT));
  expect((await response.json()).usage).toMatchObject({
    prompt_tokens: 1_000,
    cost: 0,
    cost_nano_usd: "0",
  });
  expect(await world.app.left(world.ada)).toBe(CREDIT);
  expect(await world.newest()).toMatchObject({ own_key: true, input_tokens: 1_000 });
  await expectAtRest(world);
});

/** Every file of a folder, as one text. */
function allBytesOf(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && !path.endsWith("turnpike.yaml"))
    .map((path) => readFileSync(path, "latin1"))
    .join("\n");
}

test("a stored own key is used and charged nothing, and is nowhere on the disk in clear", async () => {
  const world = await start(() => plainAnswer({ prompt: 10, completion: 1_000 }), DEAR);
  const { app, ada, ask, provider } = world;
  const path = "/api/turnpike/me/provider-keys/local";
  const key = "sk-own-stored-key-0123456789";
  const put = await app.answer(call("PUT", path, ada.token, { key }));
  expect(await put.json()).toEqual({ provider: "local", key: "…6789" });
  const list = await app.answer(call("GET", "/api/turnpike/me/provider-keys", ada.token));
  expect(await list.text()).not.toContain(key);

  const response = await ask({ max_tokens: 9_000 });
  expect(provider.received[0]?.headers.authorization).toBe(`Bearer ${key}`);
  expect(response.headers.get("x-turnpike-billed-to")).toBe("provider-key");
  expect((await response.json()).usage).toMatchObject({ cost_nano_usd: "0" });
  expect(await app.left(ada)).toBe(CREDIT);

  const bytes = allBytesOf(app.data);
  expect(bytes).toContain("local");
  expect(bytes).not.toContain(key);
  expect(bytes).not.toContain(Buffer.from(key).toString("base64"));

  const bea = await app.addUser("bea");
  await (await ask({}, {}, bea.token)).text();
  expect(provider.received[1]?.headers.authorization).toBe("Bearer key-of-local");

  await app.answer(call("DELETE", path, ada.token));
  expect((await ask()).headers.get("x-turnpike-billed-to")).toBe("user:ada");
  expect(provider.received[2]?.headers.authorization).toBe("Bearer key-of-local");
  await expectAtRest(world);
});

test("own keys that no header can carry, or for nobody, are refused", async () => {
  const { app, ada } = await start(() => plainAnswer());
  const put = (provider: string, body: unknown) =>
    app.answer(call("PUT", `/api/turnpike/me/provider-keys/${provider}`, ada.token, body));
  for (const key of ["", "short", "with space in it", "line\nbreak-in-it", 12345678, null]) {
    const response = await put("local", { key });
    expect({ key, status: response.status }).toEqual({ key, status: 400 });
  }
  expect((await put("nobody", { key: "long-enough-key" })).status).toBe(404);
  expect((await put("local", { key: "long-enough-key", more: 1 })).status).toBe(400);
});

test("a token's budget stops the token and nobody else, and holds on both buckets or on none", async () => {
  const world = await start(() => plainAnswer({ prompt: 0, completion: 20 }), DEAR);
  const { app, ada, ask } = world;
  const amount = nanoUsd(30n * DEAR_TOKEN);
  const token = await app.addToken(ada, { budget: { amount, period: "total" } });
  const first = await ask({ max_tokens: 20 }, {}, token);
  expect(first.status).toBe(200);
  expect(first.headers.get("x-turnpike-credits-remaining-nano-usd")).toBe(String(10n * DEAR_TOKEN));
  await first.text();
  const refused = await ask({ max_tokens: 20 }, {}, token);
  expect(refused.status).toBe(402);
  const { error } = await refused.json();
  expect(error).toMatchObject({
    bucket: "token_budget",
    resets_at: null,
    available_nano_usd: String(10n * DEAR_TOKEN),
    needed_nano_usd: String(16n * DEAR_TOKEN),
    max_tokens_that_fit: 10,
  });
  await expectAtRest(world);
  expect((await ask({ max_tokens: 20 })).status).toBe(200);
  expect(await app.left(ada)).toBe(CREDIT - 40n * DEAR_TOKEN);
});

test("funds that are shorter than the token's budget are the ones that refuse", async () => {
  const world = await start(() => plainAnswer({ prompt: 0, completion: 95 }), DEAR);
  const { app, ada, ask } = world;
  const token = await app.addToken(ada, {
    budget: { amount: nanoUsd(CREDIT * 9n), period: "month" },
  });
  await (await ask({ max_tokens: 95 })).text();
  const refused = await ask({}, {}, token);
  expect((await refused.json()).error).toMatchObject({
    code: "insufficient_credit",
    bucket: "credit",
  });
  await expectAtRest(world);
});

test("a budget per month opens anew with the month, and a total one does not", async () => {
  const world = await start(() => plainAnswer({ prompt: 0, completion: 20 }), DEAR);
  const { app, ada, ask } = world;
  const amount = nanoUsd(20n * DEAR_TOKEN);
  const monthly = await app.addToken(ada, { budget: { amount, period: "month" } });
  const total = await app.addToken(ada, { budget: { amount, period: "total" } });
  const statusOf = async (token: string) => (await ask({ max_tokens: 20 }, {}, token)).status;
  expect([await statusOf(monthly), await statusOf(monthly)]).toEqual([200, 402]);
  expect([await statusOf(total), await statusOf(total)]).toEqual([200, 402]);
  world.setTime(Date.UTC(2026, 1, 1));
  expect([await statusOf(monthly), await statusOf(monthly)]).toEqual([200, 402]);
  expect(await statusOf(total)).toBe(402);
  await expectAtRest(world);
});

test("the free plan ends at ten cents, and begins anew with the month", async () => {
  const world = await start(() => plainAnswer({ prompt: 0, completion: 30 }), DEAR);
  const { app, ada, ask } = world;
  for (let i = 0; i < 3; i++) expect((await ask({ max_tokens: 30 })).status).toBe(200);
  const refused = await ask({ max_tokens: 30 });
  expect(refused.status).toBe(402);
  expect((await refused.json()).error).toMatchObject({
    available_nano_usd: String(10n * DEAR_TOKEN),
    needed_nano_usd: String(16n * DEAR_TOKEN),
    resets_at: "2026-02-01T00:00:00.000Z",
    price: { provider: "local", output: "1000.00" },
  });
  expect((await ask({ max_tokens: 10 })).status).toBe(200);
  expect(await app.left(ada)).toBe(0n);

  world.setTime(Date.UTC(2026, 1, 1) - 1);
  expect((await ask({ max_tokens: 30 })).status).toBe(402);
  world.setTime(Date.UTC(2026, 1, 1));
  expect((await ask({ max_tokens: 30 })).status).toBe(200);
  expect(await app.left(ada)).toBe(70n * DEAR_TOKEN);
  // What is not used is not carried into the next month.
  world.setTime(Date.UTC(2026, 2, 1));
  expect((await ask({ max_tokens: 30 })).status).toBe(200);
  expect(await app.left(ada)).toBe(70n * DEAR_TOKEN);
  await expectAtRest(world);
});

test("a refusal names the cheapest chat model that still fits, keyless servers included", async () => {
  const offer = (provider: string, output: string) => ({
    provider,
    provider_model: "m",
    price: { input: "0", output },
  });
  const chatModel = (id: string, ...providers: unknown[]) => ({
    id,
    task: "conversational",
    providers,
  });
  const server = { type: "openai-compatible", base_url: "http://127.0.0.1:9" };
  const { ask } = await start(() => plainAnswer(), undefined, {
    providers: { local: { ...server, api_key: "key" }, mine: server },
    models: [
      chatModel("org/model", offer("local", "100000")),
      chatModel("org/small", offer("local", "2"), offer("mine", "1"), offer("groq", "0.001")),
      {
        id: "org/painter",
        task: "text-to-image",
        providers: [{ provider: "local", provider_model: "m", price: { image: "0.01" } }],
      },
    ],
  });
  const refused = await ask();
  expect(refused.status).toBe(402);
  expect((await refused.json()).error.cheapest_alternative).toEqual({
    model: "org/small:mine",
    needed_nano_usd: "16000",
  });
});

test("what a granted credit adds is spent after the month's own", async () => {
  const world = await start(() => plainAnswer({ prompt: 0, completion: 80 }), DEAR);
  const { app, ada, ask } = world;
  await app.grant(ada, "1.00");
  await (await ask({ max_tokens: 80 })).text();
  await (await ask({ max_tokens: 80 })).text();
  await app.drain();
  const credits = await (
    await app.answer(call("GET", "/api/turnpike/me/credits", ada.token))
  ).json();
  expect(credits).toMatchObject({
    spendable_nano_usd: String(1_100n * DEAR_TOKEN - 160n * DEAR_TOKEN),
    held_nano_usd: "0",
    spent_this_period_nano_usd: String(160n * DEAR_TOKEN),
  });
  const grants = credits.buckets.map((one: Record<string, string>) => [
    one.kind,
    one.left_nano_usd,
  ]);
  expect(grants).toContainEqual(["promotional", String(940n * DEAR_TOKEN)]);
});

test("requests at once never spend more than there is", async () => {
  const world = await start(() => plainAnswer({ prompt: 0, completion: 60 }), DEAR);
  const asked = Array.from({ length: 20 }, () => world.ask({ max_tokens: 60 }));
  const answers = await Promise.all(asked);
  const count = (code: number) => answers.filter(({ status }) => status === code).length;
  // One is served whole, one is clamped to the 40 that are left.
  expect([count(200), count(402)]).toEqual([2, 18]);
  const limits = world.provider.received.map(({ body }) => JSON.parse(body).max_tokens);
  expect(limits.sort()).toEqual([40, 60]);
  expect(await world.app.left(world.ada)).toBe(0n);
  await expectAtRest(world);
});

test("requests at once that fit together are all served", async () => {
  for (const wanted of [
    [84, 16],
    [16, 84],
    [50, 30, 20],
    [10, 10, 10, 10, 10, 10, 10, 10, 10, 10],
  ]) {
    const world = await start(
      (received) => plainAnswer({ prompt: 0, completion: JSON.parse(received.body).max_tokens }),
      DEAR,
    );
    const answers = await Promise.all(wanted.map((tokens) => world.ask({ max_tokens: tokens })));
    expect(answers.map(({ status }) => status)).toEqual(wanted.map(() => 200));
    expect(answers.map(({ headers }) => headers.get("x-turnpike-clamped"))).toEqual(
      wanted.map(() => null),
    );
    expect(await world.app.left(world.ada)).toBe(0n);
    await expectAtRest(world);
  }
});

test("an estimate agrees with what is then held and charged, and itself costs nothing", async () => {
  let tokens = 0;
  let held = 0n;
  const world: World = await start(async () => {
    held = (await world.app.state(world.ada)).held;
    return plainAnswer({ prompt: tokens, completion: 50 });
  });
  const { app, ada, ask, provider } = world;
  const body = { ...ASK, route: "/v1/chat/completions" };
  const response = await app.answer(call("POST", "/api/turnpike/estimate", ada.token, body));
  expect(response.status).toBe(200);
  const estimate = await response.json();
  const [local] = estimate.providers;
  expect(estimate).toMatchObject({ balance_nano_usd: String(CREDIT), model: "org/model" });
  expect(local).toMatchObject({
    provider: "local",
    price: { input: "1.00", output: "2.00" },
    output_tokens: 50,
    own_key: false,
  });
  expect(provider.received).toEqual([]);
  expect(await app.left(ada)).toBe(CREDIT);

  tokens = estimate.input_tokens;
  const answer = await ask();
  expect(answer.headers.get("x-turnpike-cost-nano-usd")).toBe(local.expected_cost_nano_usd);
  expect(String(held)).toBe(local.hold_nano_usd);
  const cost = BigInt(local.expected_cost_nano_usd);
  expect(local.calls_left).toBe(String(CREDIT / cost));
  expect(answer.headers.get("x-turnpike-calls-left")).toBe(String((CREDIT - cost) / cost));
  await answer.text();

  for (const [change, code] of [
    [{ route: "/v1/embeddings" }, 400],
    [{ model: "nobody/nothing" }, 404],
    [{ max_tokens: -1 }, 400],
  ] as const) {
    const refused = await app.answer(
      call("POST", "/api/turnpike/estimate", ada.token, { ...ASK, ...change }),
    );
    expect(refused.status).toBe(code);
  }
  await expectAtRest(world);
});

test("what is left is told right after an idle lease went back to the store", async () => {
  const world = await start(() => plainAnswer({ prompt: 0, completion: 20 }), DEAR);
  const { app, ask } = world;
  await (await ask()).text();
  world.setTime(app.site.gateway.clock.now() + 60_000);
  await app.site.gateway.keeper.returnIdle();
  const own = { "x-turnpike-provider-key": "own-key-1234" };
  const response = await ask({ model: "org/model:local" }, own);
  expect(response.headers.get("x-turnpike-credits-remaining-nano-usd")).toBe(
    String(80n * DEAR_TOKEN),
  );
  await expectAtRest(world);
});

test("calls left counts calls like this one, and a stream tells it at its end", async () => {
  const world = await start(
    (received) =>
      received.body.includes('"stream":true')
        ? streamed([chunk("Hi", "stop"), usageChunk(0, 20), DONE])
        : plainAnswer({ prompt: 0, completion: 20 }),
    DEAR,
  );
  const plain = await world.ask();
  expect(plain.headers.get("x-turnpike-calls-left")).toBe("4");
  expect(plain.headers.get("x-turnpike-credits-remaining-nano-usd")).toBe(String(80n * DEAR_TOKEN));
  const stream = await readStream(await world.ask({ stream: true }));
  expect(stream.comment).toMatchObject({
    calls_left: 3,
    credits_remaining_nano_usd: String(60n * DEAR_TOKEN),
    billed_to: "user:ada",
  });
});

test("a model whose offer has no price is served to nobody but those with a key of their own", async () => {
  const { ask } = await start(() => plainAnswer(), {});
  const refused = await ask();
  expect(refused.status).toBe(404);
  expect((await refused.json()).error.served_if).toEqual(["local: has no price"]);
  const own = await ask({ model: "org/model:local" }, { "x-turnpike-provider-key": "own-key-1" });
  expect(own.status).toBe(200);
});
