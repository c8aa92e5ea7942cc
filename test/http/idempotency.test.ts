import { afterEach, expect, test } from "bun:test";
import { IDEMPOTENCY_KEY_CHARS_MAX, IDEMPOTENCY_MS } from "../../src/kernel/limits.js";
import { AT_REST, chat, testApp, until } from "../support/app.js";
import { postgres } from "../support/postgres.js";
import { chunk, DONE, fakeProvider, plainAnswer, streamed, yamlFor } from "../support/provider.js";
import { ASK, booksWorld } from "./books-world.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const KEY = { "idempotency-key": "order-1" };

test("the second request with the same key is sent nowhere, charged nothing, and names the first", async () => {
  const world = await booksWorld(cleanUps);
  const first = await world.ask({}, KEY);
  expect(first.status).toBe(200);
  const again = await world.app.answer(chat(world.ada.token, ASK, KEY));
  expect(again.status).toBe(409);
  const { error } = await again.json();
  expect(error).toMatchObject({
    code: "idempotency_conflict",
    param: "idempotency-key",
    first_request: { inference_id: first.id, state: "served" },
  });
  expect(error.message).toContain(first.id);
  expect(again.headers.get("inference-id")).not.toBe(first.id);
  expect(world.provider.received).toHaveLength(1);
  expect(await world.app.left(world.ada)).toBe(100_000_000n - 20_000n);
  expect(await world.app.state(world.ada)).toEqual(AT_REST);
});

test("of many requests with one key at once, one is served", async () => {
  const world = await booksWorld(cleanUps);
  const answers = await Promise.all(Array.from({ length: 20 }, () => world.ask({}, KEY)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(409)]);
  expect(world.provider.received).toHaveLength(1);
});

test("while the first is under way its state is running, whatever is asked the second time", async () => {
  let finish: () => void = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const world = await booksWorld(cleanUps, {
    reply: () => streamed([chunk("Hello"), () => finished, DONE]),
  });
  const first = world.ask({ stream: true }, KEY);
  await until(() => world.provider.received.length === 1);
  const answer = await world.app.answer(chat(world.ada.token, { ...ASK, max_tokens: 7 }, KEY));
  expect((await answer.json()).error.first_request.state).toBe("running");
  finish();
  expect((await first).status).toBe(200);
});

test("another payer, and the same one a day later, may use the key", async () => {
  const world = await booksWorld(cleanUps);
  const bob = await world.app.addUser("bob");
  expect((await world.ask({}, KEY)).status).toBe(200);
  expect((await world.ask({}, KEY, bob.token)).status).toBe(200);
  world.time.advance(IDEMPOTENCY_MS - 1_000);
  expect((await world.ask({}, KEY)).status).toBe(409);
  world.time.advance(1_000);
  expect((await world.ask({}, KEY)).status).toBe(200);
  expect((await world.ask({}, KEY)).status).toBe(409);
});

test("a request refused before anything was sent leaves its key free; one that was sent does not", async () => {
  let isDown = true;
  const world = await booksWorld(cleanUps, {
    reply: () => (isDown ? new Response("down", { status: 500 }) : plainAnswer()),
    price: { input: "0", output: "1000" },
  });
  expect((await world.ask({ model: "org/none" }, KEY)).status).toBe(404);
  expect((await world.ask({ max_tokens: -1 }, KEY)).status).toBe(400);
  const sent = await world.ask({}, KEY);
  expect(sent.status).toBe(502);
  isDown = false;
  const answer = await world.app.answer(chat(world.ada.token, ASK, KEY));
  expect((await answer.json()).error.first_request).toEqual({
    inference_id: sent.id,
    state: "failed",
  });
  expect((await world.ask({}, { "idempotency-key": "order-2" })).status).toBe(200);
});

test("what is too short of credit is refused, and may be asked for again with its key", async () => {
  const world = await booksWorld(cleanUps, { price: { input: "0", output: "1000000" } });
  expect((await world.ask({}, KEY)).status).toBe(402);
  await world.app.grant(world.ada, "100.00");
  expect((await world.ask({}, KEY)).status).toBe(200);
});

test("a key that is no key is refused and named", async () => {
  const world = await booksWorld(cleanUps);
  for (const key of ["", "two words", "größe", "k".repeat(IDEMPOTENCY_KEY_CHARS_MAX + 1)]) {
    const headers = new Headers({ authorization: `Bearer ${world.ada.token}` });
    // A header holds bytes: what is no Latin letter can only come in as something else.
    headers.set("idempotency-key", key === "größe" ? "gr\u00f6\u00dfe" : key);
    const request = new Request("http://turnpike.test/v1/chat/completions", {
      method: "POST",
      headers,
      body: JSON.stringify(ASK),
    });
    const answer = await world.app.answer(request);
    expect({ key, status: answer.status }).toEqual({ key, status: 400 });
    expect((await answer.json()).error.param).toBe("idempotency-key");
  }
  const longest = { "idempotency-key": "k".repeat(IDEMPOTENCY_KEY_CHARS_MAX) };
  expect((await world.ask({}, longest)).status).toBe(200);
  expect(world.provider.received).toHaveLength(1);
});

test("a key used on one node is used on another, and after both were started anew", async () => {
  const provider = fakeProvider(() => plainAnswer());
  cleanUps.push(provider.stop);
  const databaseUrl = await (await postgres()).freshDatabase();
  const node = () =>
    testApp({ yaml: yamlFor({ local: provider.origin }), config: { databaseUrl } });
  const [a, b] = [await node(), await node()];
  const ada = await a.addUser("ada");
  const first = await a.answer(chat(ada.token, ASK, KEY));
  expect(first.status).toBe(200);
  await first.text();
  const second = await b.answer(chat(ada.token, ASK, KEY));
  expect(second.status).toBe(409);
  await a.stop();
  await b.stop();
  const c = await node();
  cleanUps.push(c.stop);
  const third = await c.answer(chat(ada.token, ASK, KEY));
  expect((await third.json()).error.first_request).toEqual({
    inference_id: first.headers.get("inference-id"),
    state: "served",
  });
  expect(provider.received).toHaveLength(1);
});

test("while the store is away a request with a key is refused, and one without is served", async () => {
  const server = await postgres();
  const provider = fakeProvider(() => plainAnswer());
  cleanUps.push(provider.stop);
  const databaseUrl = await server.freshDatabase();
  const app = await testApp({ yaml: yamlFor({ local: provider.origin }), config: { databaseUrl } });
  const ada = await app.addUser("ada");
  const ask = async (headers = {}) => (await app.answer(chat(ada.token, ASK, headers))).status;
  expect(await ask()).toBe(200);
  await server.stop();
  try {
    expect(await ask(KEY)).toBe(502);
    expect(await ask()).toBe(200);
  } finally {
    await server.start();
  }
  await until(async () => (await ask(KEY)) === 200);
  await app.stop();
  expect(provider.received).toHaveLength(3);
}, 60_000);
