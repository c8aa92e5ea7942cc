import { afterEach, expect, test } from "bun:test";
import { FORGET_AT_ONCE } from "../../src/kernel/limits.js";
import { AT_REST, recordingLog, testApp } from "../support/app.js";
import { manualClock } from "../support/clock.js";
import { settlementOf } from "../support/ledger.js";
import { booksWorld, ME, type World } from "./books-world.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const DAY = 86_400_000;

/** A whole round of forgetting; its pauses pass as fast as they come. */
async function forget({ app, time }: Pick<World, "app" | "time">): Promise<void> {
  let isDone = false;
  const round = app.forgetOld().finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await Bun.sleep(1);
    time.advance(20);
  }
  await round;
}

const RETENTION = { retention: { request_days: 10, hourly_usage_days: 20, usage_days: 70 } };

test("requests, hours and months are forgotten in their time, and the books still add up", async () => {
  const world = await booksWorld(cleanUps, { more: RETENTION });
  const { id } = await world.ask({}, { "x-turnpike-tags": "team=a", "idempotency-key": "k" });
  const january = await world.read(`${ME}/invoices/2026-01`);
  const usage = async (by: string) =>
    (await world.read(`${ME}/usage?by=${by}&from=2026-01-01`)).rows;
  const byDay = await usage("day,model");

  world.time.advance(9 * DAY);
  await forget(world);
  expect((await world.get(`${ME}/requests/${id}`)).status).toBe(200);
  expect((await world.ask({}, { "idempotency-key": "k" })).status).toBe(200);

  world.time.advance(2 * DAY);
  await forget(world);
  const gone = await world.get(`${ME}/requests/${id}`);
  expect(gone.status).toBe(404);
  expect((await gone.json()).error.message).toContain("10 days");
  expect((await usage("hour"))[0].hour).toBe("2026-01-15T12:00:00Z");

  world.time.advance(10 * DAY);
  await forget(world);
  expect((await usage("hour"))[0].hour).toBe("2026-01-15T00:00:00Z");
  expect(await usage("day,model")).toEqual(expect.arrayContaining(byDay));

  world.time.advance(80 * DAY);
  await forget(world);
  expect(await usage("day")).toEqual([]);
  const after = await world.read(`${ME}/invoices/2026-01`);
  expect(after).toMatchObject({ usage: [], usage_kept: false });
  expect(BigInt(after.charged_nano_usd)).toBe(40_000n);
  expect(after.charged_nano_usd).not.toBe(january.charged_nano_usd);
  const page = await (await world.get(`${ME}/invoices/2026-01?format=html`)).text();
  expect(page).toContain("not kept for so long");
  expect(await world.app.state(world.ada)).toEqual(AT_REST);
});

test("a great many rows go in small transactions, with requests served in between", async () => {
  const world = await booksWorld(cleanUps, { more: RETENTION });
  const node = world.app.site.gateway.node;
  const at = world.time.clock.now();
  const many = Array.from({ length: 5 * FORGET_AT_ONCE + 1 }, (_, i) =>
    settlementOf(`old-${i}`, {}, { at, model: `org/${i}` }),
  );
  await world.app.site.ledger.applySettlements({
    node,
    settlements: many,
    upTo: { segment: 0, offset: 0 },
  });
  world.time.advance(30 * DAY);
  const round = forget(world);
  expect((await world.ask()).status).toBe(200);
  await round;
  expect((await world.get(`${ME}/requests/old-0`)).status).toBe(404);
  expect(await world.app.site.books.receipts.request("old-0")).toBeUndefined();
  expect(await world.app.site.books.receipts.request(`old-${5 * FORGET_AT_ONCE}`)).toBeUndefined();
  expect((await world.app.site.ledger.audit()).balanced).toBe(true);
});

test("one node at a time forgets, and another one goes on when it has fallen silent", async () => {
  const time = manualClock();
  const { log, lines } = recordingLog();
  const one = await testApp({ clock: time.clock, log });
  cleanUps.push(one.stop);
  const two = await testApp({ clock: time.clock, log, data: one.data });
  cleanUps.push(two.stop);
  const { node } = one.site.gateway;
  const settlement = settlementOf("r1", {}, { at: time.clock.now() });
  await one.site.ledger.applySettlements({
    node,
    settlements: [settlement],
    upTo: { segment: 0, offset: 0 },
  });
  time.advance(100 * DAY);
  const rounds = () => lines.filter(({ event }) => event === "forgotten").length;
  const turn = { job: "retention", node: "another", now: time.clock.now() };
  expect(await one.site.lateCosts.takeTurn({ ...turn, until: turn.now + 60_000 })).toBe(true);
  await forget({ app: two as never, time });
  expect(rounds()).toBe(0);
  time.advance(60_000);
  await forget({ app: two as never, time });
  expect(rounds()).toBe(1);
});
