import { afterEach, expect, test } from "bun:test";
import { AT_REST, chat, testApp, until } from "../support/app.js";
import { fakeProvider, plainAnswer, type Received, type Reply } from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const HEDGE_AFTER_MS = 40;
const ASK = {
  model: "org/model:preferred",
  messages: [{ role: "user", content: "hi" }],
  max_tokens: 50,
};

/** An answer that comes when it is told to. */
function held(usage = { prompt: 10, completion: 5 }) {
  let answer = (_reply: Response): void => undefined;
  const reply = (): Promise<Response> => new Promise((resolve) => (answer = resolve));
  return {
    reply,
    answer: () => answer(plainAnswer(usage)),
    fail: (status = 500) => answer(new Response("{}", { status })),
  };
}

type Behaviour = (received: Received) => Reply;

async function start(
  replies: Readonly<Record<string, Behaviour>>,
  more: {
    readonly limits?: Readonly<Record<string, number>>;
    readonly price?: Readonly<Record<string, Readonly<Record<string, string>>>>;
    readonly providers?: Readonly<Record<string, object>>;
    /** What their offers say beside the price. */
    readonly offers?: Readonly<Record<string, object>>;
  } = {},
) {
  const names = Object.keys(replies);
  const providers = Object.fromEntries(
    names.map((name) => [name, fakeProvider(replies[name] ?? (() => plainAnswer()))]),
  );
  for (const provider of Object.values(providers)) cleanUps.push(provider.stop);
  const mappings = names.map((provider) => ({
    provider,
    provider_model: "m",
    price: more.price?.[provider] ?? { input: "1", output: "2" },
    ...more.offers?.[provider],
  }));
  const yaml = {
    limits: { hedge_after_ms: HEDGE_AFTER_MS, ...more.limits },
    providers: Object.fromEntries(
      names.map((name) => [
        name,
        {
          type: "openai-compatible",
          base_url: providers[name]?.origin,
          ...more.providers?.[name],
        },
      ]),
    ),
    models: [
      { id: "org/model", task: "conversational", providers: mappings },
      {
        id: "org/vectors",
        task: "feature-extraction",
        providers: mappings.map((mapping) => ({ ...mapping, price: { input: "1" } })),
      },
    ],
  };
  const app = await testApp({ yaml: JSON.stringify(yaml) });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada");
  const ask = (body = {}, signal?: AbortSignal) =>
    app.answer(chat(ada.token, { ...ASK, ...body }, {}, signal));
  const count = (name: string): number => providers[name]?.received.length ?? 0;
  const charged = async (): Promise<bigint> => 100_000_000n - (await app.left(ada));
  return { app, ada, ask, providers, count, charged };
}

const triedIn = (response: Response): string | undefined =>
  response.headers.get("x-turnpike-route")?.split("tried=")[1];

const isGone = (received: Received | undefined): boolean => received?.signal.aborted === true;

test("a slow first candidate is called off when the second answers, and only the second is charged", async () => {
  const slow = held();
  const { ask, providers, charged, app, ada } = await start({
    a: slow.reply,
    b: () => plainAnswer({ prompt: 20, completion: 7 }),
  });
  const response = await ask();
  expect(response.status).toBe(200);
  expect(triedIn(response)).toBe("a:lost,b:200");
  expect(response.headers.get("x-inference-provider")).toBe("b");
  expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe("34000");
  const timing = response.headers.get("server-timing") ?? "";
  const own = Number(/turnpike;dur=([-\d.]+)/.exec(timing)?.[1]);
  expect(own).toBeGreaterThanOrEqual(0);
  expect(Number(/failed;dur=([\d.]+)/.exec(timing)?.[1])).toBeGreaterThan(HEDGE_AFTER_MS - 5);
  await until(() => isGone(providers.a?.received[0]));
  expect(await charged()).toBe(34_000n);
  expect(await app.state(ada)).toEqual(AT_REST);
  // It was not to blame for anything, so it is asked first again.
  const mapping = app.site.gateway.catalog.model("org/model")?.mappings[0];
  if (!mapping) throw new Error("no mapping");
  expect(app.site.gateway.breakers.restsForMs(mapping, Infinity)).toBe(0);
});

test("what an offer says of its own time goes before the limit", async () => {
  const soon = await start(
    { a: held().reply, b: () => plainAnswer() },
    { limits: { hedge_after_ms: 0 }, offers: { a: { hedge_after_ms: HEDGE_AFTER_MS } } },
  );
  expect(triedIn(await soon.ask())).toBe("a:lost,b:200");
  const slow = held();
  const never = await start(
    { a: slow.reply, b: () => plainAnswer() },
    { limits: { hedge_after_ms: 1 }, offers: { a: { hedge_after_ms: 0 } } },
  );
  const asked = never.ask();
  await until(() => never.count("a") === 1);
  await Bun.sleep(HEDGE_AFTER_MS);
  slow.answer();
  expect(triedIn(await asked)).toBe("a:200");
  expect(never.count("b")).toBe(0);
});

test("whoever is called off counts as no faster than it was called off", async () => {
  const { ask, app } = await start({ a: held().reply, b: () => plainAnswer() });
  expect(triedIn(await ask())).toBe("a:lost,b:200");
  const { catalog, statistics, clock } = app.site.gateway;
  const [a, b] = (catalog.model("org/model")?.mappings ?? []).map((mapping) =>
    statistics.evidenceOf(mapping, clock.now()),
  );
  expect(a?.totalMs).toBeGreaterThanOrEqual(HEDGE_AFTER_MS - 5);
  expect(a?.throughput).toBeLessThan((50 * 1_000) / (HEDGE_AFTER_MS - 5));
  expect(a?.errorRate).toBe(0);
  expect(b?.answers).toBeCloseTo(1);
});

test("a first candidate that answers after all wins, and the second is called off", async () => {
  const [slow, never] = [held(), held()];
  const { ask, providers, count, charged, app, ada } = await start({
    a: slow.reply,
    b: never.reply,
  });
  const asked = ask();
  await until(() => count("b") === 1);
  slow.answer();
  const response = await asked;
  expect(triedIn(response)).toBe("b:lost,a:200");
  expect(response.headers.get("server-timing")).not.toContain("failed");
  await until(() => isGone(providers.b?.received[0]));
  expect(await charged()).toBe(20_000n);
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("when both answer at once, one is charged and the other's hold goes back", async () => {
  for (let round = 0; round < 10; round++) {
    const [one, two] = [held(), held({ prompt: 30, completion: 9 })];
    const { ask, count, charged, app, ada } = await start({ a: one.reply, b: two.reply });
    const asked = ask();
    await until(() => count("b") === 1);
    for (const each of round % 2 ? [one, two] : [two, one]) each.answer();
    const response = await asked;
    const winner = response.headers.get("x-inference-provider");
    expect(triedIn(response)).toBe(winner === "a" ? "b:lost,a:200" : "a:lost,b:200");
    expect(await charged()).toBe(winner === "a" ? 20_000n : 48_000n);
    expect(await app.state(ada)).toEqual(AT_REST);
  }
});

test("whichever of the two fails, the other one's answer is given", async () => {
  for (const failing of [0, 1]) {
    const both = [held(), held()];
    const { ask, count, charged, app, ada } = await start({
      a: both[0]?.reply ?? (() => plainAnswer()),
      b: both[1]?.reply ?? (() => plainAnswer()),
    });
    const asked = ask();
    await until(() => count("b") === 1);
    both[failing]?.fail();
    await Bun.sleep(10);
    both[1 - failing]?.answer();
    const response = await asked;
    expect(triedIn(response)).toBe(failing === 0 ? "a:500,b:200" : "b:500,a:200");
    expect(await charged()).toBe(20_000n);
    expect(await app.state(ada)).toEqual(AT_REST);
  }
});

test("when both fail a third is tried, and no more than the bound", async () => {
  const both = [held(), held()];
  const { ask, count, app, ada } = await start(
    {
      a: both[0]?.reply ?? (() => plainAnswer()),
      b: both[1]?.reply ?? (() => plainAnswer()),
      c: () => new Response("{}", { status: 502 }),
      d: () => plainAnswer(),
    },
    { limits: { attempts_max: 3 } },
  );
  const asked = ask();
  await until(() => count("b") === 1);
  for (const each of both) each.fail();
  const response = await asked;
  expect(response.status).toBe(502);
  const { error } = (await response.json()) as { error: { attempts: string[] } };
  expect(error.attempts.toSorted()).toEqual(["a:500", "b:500", "c:502"]);
  expect(count("d")).toBe(0);
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("a caller who hangs up is heard by both, and owes nothing", async () => {
  const both = [held(), held()];
  const { ask, count, providers, charged, app, ada } = await start({
    a: both[0]?.reply ?? (() => plainAnswer()),
    b: both[1]?.reply ?? (() => plainAnswer()),
  });
  const caller = new AbortController();
  const asked = ask({}, caller.signal);
  await until(() => count("b") === 1);
  caller.abort();
  await asked;
  await until(() => isGone(providers.a?.received[0]) && isGone(providers.b?.received[0]));
  expect(await charged()).toBe(0n);
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("there is no hedge whose hold the balance does not cover, or that the price forbids", async () => {
  const table: Readonly<Record<string, Parameters<typeof start>[1]>> = {
    // A tenth of a dollar does not hold 50 tokens at this price.
    unaffordable: { price: { b: { input: "1", output: "10000" } } },
    bySecond: { price: { b: { compute_second: "0.0001" } } },
    toldLater: {
      providers: { b: { billing: { url: "http://127.0.0.1:9/b", request_id_header: "x-id" } } },
    },
    noRetries: { limits: { attempts_max: 1 } },
    off: { limits: { hedge_after_ms: 0 } },
    tooLong: { limits: { hedge_tokens_max: 49 } },
  };
  for (const [name, more] of Object.entries(table)) {
    const slow = held();
    const { ask, count, app, ada } = await start({ a: slow.reply, b: () => plainAnswer() }, more);
    const asked = ask();
    await until(() => count("a") === 1);
    await Bun.sleep(HEDGE_AFTER_MS * 2);
    expect([name, count("b")]).toEqual([name, 0]);
    slow.answer();
    expect([name, triedIn(await asked)]).toEqual([name, "a:200"]);
    expect(await app.state(ada)).toEqual(AT_REST);
  }
});

test("a candidate that could not be hedged with is still there when the first fails", async () => {
  const slow = held();
  const more = { price: { b: { compute_second: "0.0001" } } };
  const { ask, count } = await start({ a: slow.reply, b: () => plainAnswer() }, more);
  const asked = ask();
  await until(() => count("a") === 1);
  await Bun.sleep(HEDGE_AFTER_MS * 2);
  slow.fail();
  expect(triedIn(await asked)).toBe("a:500,b:200");
});

test("streams and requests without a limit are never hedged, and a refusal is final", async () => {
  for (const body of [{ stream: true }, { max_tokens: undefined }]) {
    const slow = held();
    const { ask, count } = await start({ a: slow.reply, b: () => plainAnswer() });
    const asked = ask(body);
    await until(() => count("a") === 1);
    await Bun.sleep(HEDGE_AFTER_MS * 2);
    expect(count("b")).toBe(0);
    slow.answer();
    await (await asked).text();
  }
  const both = [held(), held()];
  const { ask, count, providers, app, ada } = await start({
    a: both[0]?.reply ?? (() => plainAnswer()),
    b: both[1]?.reply ?? (() => plainAnswer()),
  });
  const asked = ask();
  await until(() => count("b") === 1);
  both[1]?.fail(400);
  expect((await asked).status).toBe(400);
  await until(() => isGone(providers.a?.received[0]));
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("embeddings are hedged too", async () => {
  const vectors = (): Response =>
    Response.json({
      object: "list",
      data: [{ object: "embedding", index: 0, embedding: [0.1, 0.2] }],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
  const slow = held();
  const { app, ada, charged } = await start({ a: slow.reply, b: vectors });
  const body = JSON.stringify({ model: "org/vectors:preferred", input: "hi" });
  const headers = { authorization: `Bearer ${ada.token}`, "content-type": "application/json" };
  const response = await app.answer(
    new Request("http://turnpike.test/v1/embeddings", { method: "POST", headers, body }),
  );
  expect(triedIn(response)).toBe("a:lost,b:200");
  expect(await charged()).toBe(3_000n);
  expect(await app.state(ada)).toEqual(AT_REST);
});
