import { afterEach, expect, test } from "bun:test";
import { call, chat, recordingLog, testApp } from "../support/app.js";
import { manualClock } from "../support/clock.js";
import {
  chunk,
  DONE,
  fakeProvider,
  plainAnswer,
  type Received,
  type Reply,
  streamed,
} from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const MODELS = ["org/one", "org/two"] as const;
const ASK = { messages: [{ role: "user", content: "hi" }], max_tokens: 50 };

type Behaviour = (received: Received) => Reply;

/** Two models, each served by all of the providers named, and a user who pays with operator keys. */
async function start(
  replies: Readonly<Record<string, Behaviour>>,
  limits: Readonly<Record<string, number>> = {},
) {
  const time = manualClock();
  const names = Object.keys(replies);
  const providers = Object.fromEntries(
    names.map((name) => [name, fakeProvider(replies[name] ?? (() => plainAnswer()))]),
  );
  for (const provider of Object.values(providers)) cleanUps.push(provider.stop);
  const yaml = {
    allow_literal_keys: true,
    limits,
    providers: Object.fromEntries(
      names.map((name) => [
        name,
        {
          type: "openai-compatible",
          base_url: providers[name]?.origin,
          api_key: `operators-key-of-${name}`,
        },
      ]),
    ),
    models: MODELS.map((id) => ({
      id,
      task: "conversational",
      providers: names.map((provider) => ({
        provider,
        provider_model: id,
        price: { input: "1", output: "2" },
      })),
    })),
  };
  const { log, lines } = recordingLog();
  const given = { yaml: JSON.stringify(yaml), clock: time.clock };
  const app = await testApp({ ...given, log });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada");
  const ask = (model: string, more = {}, token = ada.token): Promise<Response> =>
    app.answer(chat(token, { ...ASK, model: `${model}:preferred`, ...more }));
  const tried = async (model: string, more = {}, token = ada.token): Promise<string> => {
    const response = await ask(model, more, token);
    await response.text();
    return response.headers.get("x-turnpike-route")?.split("tried=")[1] ?? `${response.status}`;
  };
  return { app, ada, ask, tried, providers, lines, given, ...time };
}

const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  () =>
    new Response("{}", { status: code, headers });

const answers: Behaviour = () => plainAnswer();

test("a 429 rests one model of a provider, a refused account all of them", async () => {
  const limited = await start({ a: status(429, { "retry-after": "9" }), b: answers });
  expect(await limited.tried("org/one")).toBe("a:429,b:200");
  expect(await limited.tried("org/one")).toBe("b:200");
  expect(await limited.tried("org/two")).toBe("a:429,b:200");
  for (const code of [401, 402]) {
    const broke = await start({ a: status(code), b: answers });
    expect(await broke.tried("org/one")).toBe(`a:${code},b:200`);
    expect(await broke.tried("org/two")).toBe("b:200");
    broke.advance(60_000);
    expect(await broke.tried("org/two")).toBe(`a:${code},b:200`);
    broke.advance(60_000);
    expect(await broke.tried("org/two")).toBe("b:200");
  }
});

test("a provider that nobody answers at rests for all of its models", async () => {
  const { tried, providers } = await start({ a: answers, b: answers });
  await providers.a?.stop();
  for (let i = 0; i < 3; i++) expect(await tried("org/one")).toBe("a:connect,b:200");
  expect(await tried("org/one")).toBe("b:200");
  expect(await tried("org/two")).toBe("b:200");
});

test("the log says who rests and for how long, and when that is over", async () => {
  let isDown = true;
  const down: Behaviour = (received) => (isDown ? status(500)(received) : answers(received));
  const { tried, advance, lines } = await start({ a: down, b: answers });
  const news = () =>
    lines.flatMap(({ level, event, facts }) =>
      event.startsWith("rests") ? [{ level, event, facts }] : [],
    );
  for (let i = 0; i < 4; i++) expect(await tried("org/one")).toBe("a:500,b:200");
  expect(news()).toEqual([]);
  expect(await tried("org/one")).toBe("a:500,b:200");
  const about = { provider: "a", model: "org/one" };
  const [opened] = news();
  expect(opened).toMatchObject({ level: "warn", event: "rests", facts: about });
  expect(Number(opened?.facts?.for_ms)).toBeWithin(11_250, 15_001);
  advance(15_000);
  isDown = false;
  expect(await tried("org/one")).toBe("a:200");
  expect(news().slice(1)).toEqual([{ level: "info", event: "rests_no_more", facts: about }]);
  expect(await tried("org/one")).toBe("a:200");
  expect(news()).toHaveLength(2);
});

test("each process learns of an outage by five failed attempts, whatever comes in, and no request is lost", async () => {
  const { app, ada, tried, providers, given } = await start({ a: status(500), b: answers });
  const other = await testApp({ ...given, data: app.data });
  cleanUps.push(other.stop);
  for (let i = 0; i < 20; i++) {
    await tried("org/one");
    const response = await other.answer(chat(ada.token, { ...ASK, model: "org/one:preferred" }));
    expect(response.status).toBe(200);
    await response.text();
  }
  expect(providers.a?.received).toHaveLength(2 * 5);
  expect(providers.b?.received).toHaveLength(2 * 20);
});

test("a 429 rests as long as its headers say where it has no Retry-After", async () => {
  const { tried, advance } = await start({
    a: status(429, { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m1s" }),
    b: answers,
  });
  expect(await tried("org/one")).toBe("a:429,b:200");
  advance(60_999);
  expect(await tried("org/one")).toBe("b:200");
  advance(1);
  expect(await tried("org/one")).toBe("a:429,b:200");
});

test("an answer that was the last one within a limit is followed by a rest, up to a minute", async () => {
  for (const stream of [false, true]) {
    for (const [reset, restMs] of [
      ["2s", 2_000],
      ["24h0m0s", 60_000],
    ] as const) {
      const headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": reset,
      };
      const lastOne: Behaviour = () => {
        const answer = stream ? streamed([chunk("Hi", "stop"), DONE]) : plainAnswer();
        for (const [name, value] of Object.entries(headers)) answer.headers.set(name, value);
        return answer;
      };
      const { tried, advance } = await start({ a: lastOne, b: stream ? lastOne : answers });
      expect(await tried("org/one", { stream })).toBe("a:200");
      expect(await tried("org/one", { stream })).toBe("b:200");
      advance(restMs - 1);
      if (!stream) expect(await tried("org/one")).toBe("b:200");
      advance(1);
      expect(await tried("org/one", { stream })).toBe("a:200");
    }
  }
});

test("what fails with a caller's own key rests the provider for nobody", async () => {
  for (const code of [429, 500, 503]) {
    const { app, ada, tried, ask, providers } = await start({
      a: (received) =>
        received.headers.authorization === "Bearer own-key-12345"
          ? status(code)(received)
          : answers(received),
      b: answers,
    });
    const path = "/api/turnpike/me/provider-keys/a";
    expect((await app.answer(call("PUT", path, ada.token, { key: "own-key-12345" }))).ok).toBe(
      true,
    );
    for (let i = 0; i < 8; i++) expect(await tried("org/one")).toBe(`a:${code},b:200`);
    const bob = await app.addUser("bob");
    expect(await tried("org/one", {}, bob.token)).toBe("a:200");
    expect((await ask("org/one", {}, bob.token)).headers.get("x-inference-provider")).toBe("a");
    expect(providers.a?.received.at(-1)?.headers.authorization).toBe("Bearer operators-key-of-a");
  }
});

test("after its rest one request finds out, while the others go elsewhere", async () => {
  let release = (): void => undefined;
  let isUp = false;
  const { tried, advance, providers } = await start({
    a: async (received) => {
      if (!isUp) return status(500)(received);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return plainAnswer();
    },
    b: answers,
  });
  for (let i = 0; i < 5; i++) await tried("org/one");
  advance(15_000);
  isUp = true;
  const before = providers.a?.received.length ?? 0;
  const probe = tried("org/one");
  for (let i = 0; i < 5; i++) expect(await tried("org/one")).toBe("b:200");
  expect((providers.a?.received.length ?? 0) - before).toBe(1);
  release();
  expect(await probe).toBe("a:200");
  const next = tried("org/one");
  while (providers.a?.received.length === before + 1) await Bun.sleep(1);
  release();
  expect(await next).toBe("a:200");
});

test("a provider whose streams break off rests, though each of them had begun", async () => {
  const { tried } = await start({
    a: () => streamed([chunk("Hel")]),
    b: () => streamed([chunk("Hi", "stop"), DONE]),
  });
  for (let i = 0; i < 5; i++) expect(await tried("org/one", { stream: true })).toBe("a:200");
  expect(await tried("org/one", { stream: true })).toBe("b:200");
});

test("once its retries are spent a provider's failure is final, says so, and others keep theirs", async () => {
  const limits = { retry_burst: 2, retry_floor_per_second: 1, retry_percent: 1 };
  const { tried, ask, providers, advance, app, ada } = await start(
    { a: status(500), b: status(500), c: answers },
    limits,
  );
  const order = (...names: string[]) => ({ provider: { order: names } });
  // Two retries of a's, and one is what it may not fall below before it rests; so a rests after the second.
  expect(await tried("org/one", order("a"))).toBe("a:500,b:500,c:200");
  expect(await tried("org/one", order("a"))).toBe("a:500,b:500,c:200");
  await app.answer(chat(ada.token, { ...ASK, model: "org/one:c" }));
  expect(await tried("org/one", order("a"))).toBe("c:200");
  // Only c is left in good health: where it fails too, those that rest are tried as long as there are retries.
  await providers.c?.stop();
  const spent = await ask("org/two", order("a", "b"));
  expect(spent.status).toBe(502);
  const { error } = (await spent.json()) as { error: Record<string, unknown> };
  expect(error).toMatchObject({
    code: "provider_error",
    attempts: ["a:500"],
    retry_budget: "spent",
  });
  expect(error.message).toContain("the retry budget of a is spent");
  advance(1_000);
  expect((await ask("org/two", order("a", "b"))).status).toBe(502);
  expect(await app.state(ada)).toMatchObject({ openRequests: 0, held: 0n, balanced: true });
});

/** A word every two seconds, of a clock that the pauses between words move. */
const trickle =
  (advance: (ms: number) => void, words: number): Behaviour =>
  () =>
    streamed([
      ...Array.from({ length: words }, () => [
        chunk("ah "),
        async () => {
          await Bun.sleep(25);
          advance(2_000);
          await Bun.sleep(5);
        },
      ]).flat(),
      chunk("!", "stop"),
      DONE,
    ]);

test("a stream that trickles is given up where a least rate is set, and charged for what came", async () => {
  let advance = (_ms: number): void => undefined;
  const move = (ms: number) => advance(ms);
  const a: Behaviour = (received) => trickle(move, 20)(received);
  for (const [rate, isGivenUp] of [
    [0, false],
    [1, false],
    [2, true],
  ] as const) {
    const world = await start({ a }, { slow_stream_bytes_per_second: rate });
    advance = world.advance;
    const text = await (await world.ask("org/one", { stream: true })).text();
    expect([rate, text.includes("[DONE]")]).toEqual([rate, !isGivenUp]);
    if (isGivenUp) {
      expect(text).toContain('"code":"provider_timeout"');
      expect(text).toMatch(/brought only \d+ bytes of text in 1\d{4} ms/);
      const delivered = text.split('"content":"ah "').length - 1;
      expect(delivered).toBeGreaterThanOrEqual(5);
      expect(delivered).toBeLessThan(10);
      const charged = 100_000_000n - (await world.app.left(world.ada));
      expect(text).toContain(`"cost_nano_usd":"${charged}"`);
      expect(charged).toBeGreaterThan(0n);
    }
    expect(await world.app.state(world.ada)).toMatchObject({ openRequests: 0, held: 0n });
  }
});
