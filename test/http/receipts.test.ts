import { afterEach, expect, test } from "bun:test";
import { parsePublicKey } from "../../src/ledger/receipt-key.js";
import { checkReceipt } from "../../src/ledger/signed-receipt.js";
import { AT_REST, call, chat } from "../support/app.js";
import { chunk, DONE, streamed, usageChunk } from "../support/provider.js";
import { ASK, booksWorld, fundsOf, ME } from "./books-world.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

test("a receipt tells what was used, at what price, by which way, and out of which bucket", async () => {
  const world = await booksWorld(cleanUps, {
    firstReply: () => new Response("busy", { status: 429 }),
    price: { input: "1", output: "2.5", cached_input: "0.1" },
    reply: () =>
      Response.json({
        id: "x",
        object: "chat.completion",
        created: 1,
        model: "m",
        choices: [
          { index: 0, finish_reason: "stop", message: { role: "assistant", content: "a" } },
        ],
        usage: {
          prompt_tokens: 10,
          completion_tokens: 5,
          total_tokens: 15,
          prompt_tokens_details: { cached_tokens: 3 },
          completion_tokens_details: { reasoning_tokens: 2 },
        },
      }),
  });
  const { id } = await world.ask({}, { "x-turnpike-tags": "team=search,env=prod" });
  const signed = await world.read(`${ME}/requests/${id}`);
  // 7 × 1 + 3 × 0.1 + 5 × 2.5 dollars per million is 19.8 µ$, which is 19,800 nano-dollars.
  expect(signed.receipt).toMatchObject({
    version: 1,
    inference_id: id,
    user_id: world.ada.user.id,
    payer: fundsOf(world.ada),
    group_id: null,
    tags: { env: "prod", team: "search" },
    model: "org/model",
    task: "conversational",
    provider: "local",
    stream: false,
    status: 200,
    outcome: "served",
    billed: "routed",
    policy: "fastest",
    attempts: [
      { provider: "first", result: "429" },
      { provider: "local", result: "200" },
    ],
    clamped: null,
    usage: {
      input_tokens: 10,
      cached_input_tokens: 3,
      cache_write_tokens: 0,
      output_tokens: 5,
      reasoning_tokens: 2,
      estimated: false,
    },
    price: { input: "1.00", output: "2.50", cached_input: "0.10" },
    items: [
      { unit: "input", quantity: "7", price_usd: "1.00", amount_nano_usd: "7000" },
      { unit: "cached_input", quantity: "3", price_usd: "0.10", amount_nano_usd: "300" },
      { unit: "output", quantity: "5", price_usd: "2.50", amount_nano_usd: "12500" },
    ],
    rounding_nano_usd: "0",
    cost_from: "count",
    counted_nano_usd: "19800",
    reported_nano_usd: null,
    cost_nano_usd: "19800",
    charged_nano_usd: "19800",
    overrun_nano_usd: "0",
    debits: [{ bucket: fundsOf(world.ada), kind: "plan", amount_nano_usd: "19800" }],
    corrections: [],
  });
  expect(BigInt(signed.receipt.held_nano_usd)).toBeGreaterThan(19_800n);
  expect(await world.app.state(world.ada)).toEqual(AT_REST);
});

test("a receipt is there at once after the answer, and verifies under the published key", async () => {
  const world = await booksWorld(cleanUps);
  const { id } = await world.ask();
  const answer = await world.app.answer(call("GET", `${ME}/requests/${id}`, world.ada.token));
  expect(answer.status).toBe(200);
  const text = await answer.text();
  const published = await world.app.answer(call("GET", "/api/turnpike/receipt-key"));
  const key = parsePublicKey(await published.text());
  if (!key) throw new Error("no key is published");
  expect(checkReceipt(text, key)).toMatchObject({ ok: true });
  expect(checkReceipt(text.replace('"status":200', '"status":201'), key)).toMatchObject({
    ok: false,
    why: "changed",
  });
});

test("what the balance lowered, what an own key costs, and what is free stand in the receipt", async () => {
  const world = await booksWorld(cleanUps, { price: { input: "0", output: "1000" } });
  const clamped = await world.ask({ max_tokens: 5_000 });
  expect((await world.read(`${ME}/requests/${clamped.id}`)).receipt).toMatchObject({
    clamped: "max_tokens=100",
    held_nano_usd: "100000000",
    charged_nano_usd: "5000000",
  });
  const own = await world.ask(
    { model: "org/model:local" },
    { "x-turnpike-provider-key": "key-of-my-own" },
  );
  expect((await world.read(`${ME}/requests/${own.id}`)).receipt).toMatchObject({
    billed: "own_key",
    policy: "local",
    price: {},
    items: [],
    cost_nano_usd: "0",
    debits: [],
  });
});

test("a budget that was counted down stands beside the credit that paid", async () => {
  const world = await booksWorld(cleanUps);
  const token = await world.app.addToken(world.ada, {
    scopes: ["inference", "read"],
    budget: { amount: 1_000_000n as never, period: "month" },
  });
  const { id } = await world.ask({}, {}, token);
  const { receipt } = await world.read(`${ME}/requests/${id}`, token);
  expect(receipt.debits.map(({ kind }: { kind: string }) => kind)).toEqual(["plan", "budget"]);
  expect(
    new Set(receipt.debits.map((debit: { amount_nano_usd: string }) => debit.amount_nano_usd)),
  ).toEqual(new Set(["20000"]));
});

test("streams and failures have receipts; what nobody was asked for has none", async () => {
  let isDown = false;
  const world = await booksWorld(cleanUps, {
    reply: () =>
      isDown
        ? new Response("down", { status: 500 })
        : streamed([chunk("Hello"), usageChunk(10, 5), DONE]),
  });
  const served = await world.ask({ stream: true });
  expect((await world.read(`${ME}/requests/${served.id}`)).receipt).toMatchObject({
    stream: true,
    outcome: "served",
    cost_nano_usd: "20000",
  });
  isDown = true;
  const failed = await world.ask();
  expect(failed.status).toBe(502);
  expect((await world.read(`${ME}/requests/${failed.id}`)).receipt).toMatchObject({
    outcome: "failed",
    attempts: [{ provider: "local", result: "500" }],
    cost_nano_usd: "0",
    held_nano_usd: "0",
  });
  const unknown = await world.ask({ model: "org/other" });
  expect((await world.get(`${ME}/requests/${unknown.id}`)).status).toBe(404);
});

test("what failed was not counted, also where its price is by the request", async () => {
  const world = await booksWorld(cleanUps, {
    price: { request: "0.01" },
    reply: () => new Response("down", { status: 500 }),
  });
  const { id } = await world.ask();
  expect((await world.read(`${ME}/requests/${id}`)).receipt).toMatchObject({
    outcome: "failed",
    price: { request: "0.01" },
    items: [],
    rounding_nano_usd: "0",
    counted_nano_usd: "0",
    cost_nano_usd: "0",
  });
});

test("nobody sees the receipts of somebody else, nor hears that there are any", async () => {
  const world = await booksWorld(cleanUps);
  const bob = await world.app.addUser("bob");
  const { id } = await world.ask();
  const refused = await world.get(`${ME}/requests/${id}`, bob.token);
  const missing = await world.get(`${ME}/requests/${id.replace(/.$/, "x")}`, bob.token);
  expect([refused.status, missing.status]).toEqual([404, 404]);
  expect((await refused.json()).error.message.replaceAll(id, "")).toBe(
    (await missing.json()).error.message.replaceAll(id.replace(/.$/, "x"), ""),
  );
  expect((await world.app.answer(call("GET", `${ME}/requests/${id}`))).status).toBe(401);
  const inference = await world.app.addToken(world.ada, { scopes: ["inference"] });
  expect((await world.get(`${ME}/requests/${id}`, inference)).status).toBe(403);
});

test("tags that cannot be read are refused before anything is sent", async () => {
  const world = await booksWorld(cleanUps);
  const table: readonly (readonly [tags: string, says: string])[] = [
    ["team", "no name=value"],
    ["=x", "a name is"],
    ["team=a b", "a value is"],
    ["team=a,team=b", "twice"],
    [Array.from({ length: 9 }, (_, i) => `t${i}=x`).join(","), "8 is the most"],
    [`${"n".repeat(33)}=x`, "1 to 32"],
    [`team=${"v".repeat(65)}`, "1 to 64"],
  ];
  for (const [tags, says] of table) {
    const request = chat(world.ada.token, ASK, { "x-turnpike-tags": tags });
    const answer = await world.app.answer(request);
    expect(answer.status).toBe(400);
    const { error } = await answer.json();
    expect(error).toMatchObject({ code: "bad_request", param: "x-turnpike-tags" });
    expect(error.message).toContain(says);
  }
  expect(world.provider.received).toEqual([]);
});
