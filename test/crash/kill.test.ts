/** `kill -9` under load, again and again: the books must be what the provider says it delivered. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  addPayer,
  ask,
  deliveries,
  type Node,
  readBooks,
  type Seen,
  type Site,
  spoolFolders,
  sqliteOf,
  startSite,
  sums,
  until,
} from "./support.js";

const KILLS = 20;
const CALLERS = 12;
const SEED = Number(process.env.TURNPIKE_TEST_SEED ?? Date.now() % 1_000_000);
/** Dollars; more than all of this can cost. */
const BALANCE = "500";
const GRANTED = 500_000_000_000n;

let site: Site;
beforeAll(() => {
  site = startSite();
});
afterAll(() => site.end());

test(`after ${KILLS} kills under load, seed ${SEED}, nothing is lost and nothing is charged twice`, async () => {
  const random = randomFrom(SEED);
  site.sim.setDials("together", { first_token_ms: 10, tokens_per_second: 500 });
  const data = site.freshFolder();
  let node = await site.node({ data });
  const token = await addPayer(node, "ada", BALANCE);
  const seen: Seen[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const load = loadUntilDead(node, token, random, seen);
    const enough = seen.length + CALLERS + random(3 * CALLERS);
    await until("answers under load", () => seen.length >= enough, 10_000, node.printed);
    await Bun.sleep(random(50));
    await node.kill();
    await load;
    node = await site.node({ data });
    // Only the process that lives has a folder, so only it has leases.
    expect(spoolFolders(node)).toHaveLength(1);
  }
  expect((await ask(node, token, { tokens: 3 })).isComplete).toBe(true);
  expect(await node.stop()).toBe(0);
  await expectBooksAgree(node, seen);
}, 90_000);

/** Callers who ask one thing after the other, plain and streamed, until nobody answers any more. */
async function loadUntilDead(
  node: Node,
  token: string,
  random: (below: number) => number,
  seen: Seen[],
): Promise<void> {
  const caller = async (i: number): Promise<void> => {
    for (;;) {
      const one = await ask(node, token, { tokens: 1 + random(60), isStream: i % 2 === 0 });
      seen.push(one);
      if (!one.isComplete) return;
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, i) => caller(i)));
}

async function expectBooksAgree(node: Node, seen: readonly Seen[]): Promise<void> {
  const books = await readBooks(sqliteOf(node));
  expect(books.audit).toMatchObject({ balanced: true, faults: [] });
  const delivered = deliveries(site.sim);
  const requests = new Map(books.requests.map((request) => [request.id, request]));

  const complete = seen.filter(({ isComplete }) => isComplete);
  const refused = seen.filter(({ status = 200 }) => status !== 200);
  expect(refused).toEqual([]);
  expect(complete.length).toBeGreaterThan(KILLS * CALLERS);
  const wrong = complete.filter(({ id = "", cost }) => {
    const charged = requests.get(id)?.cost;
    return charged !== cost || String(charged) !== delivered.get(id)?.costNanoUsd;
  });
  expect(wrong).toEqual([]);

  // Also what was settled and never reached its caller is what the provider delivered.
  const served = books.requests.filter(({ outcome }) => outcome === "served");
  const invented = served.filter(({ id, cost }) => String(cost) !== delivered.get(id)?.costNanoUsd);
  expect(invented).toEqual([]);

  const interrupted = books.requests.filter(({ outcome }) => outcome === "interrupted");
  expect(interrupted.length).toBeGreaterThan(0);
  expect(interrupted.filter(({ cost, overrun }) => cost + overrun > 0n)).toEqual([]);
  expect(books.requests.map(({ outcome }) => outcome)).not.toContain("failed");

  // What the provider saw and we do not know of is what died before a byte of it went anywhere.
  const known = new Set(complete.map(({ id }) => id));
  const unknown = site.sim.log().filter(({ clientRequestId: id }) => !requests.has(id ?? ""));
  expect(unknown.filter(({ clientRequestId: id }) => known.has(id ?? ""))).toEqual([]);
  expect(unknown.length).toBeLessThan(KILLS * 2);

  const spent = books.requests.reduce((sum, { cost }) => sum + cost, 0n);
  expect(sums(books)).toEqual({ granted: GRANTED, left: GRANTED - spent, leased: 0n });
  expect(books.leases).toEqual([]);
  const settled = books.transfers.filter(({ code }) => code === "settle");
  expect(settled.reduce((sum, { amount }) => sum + amount, 0n)).toBe(spent);
  console.log(
    `${seen.length} asked, ${complete.length} seen complete, ${served.length} served, ${interrupted.length} interrupted, ${unknown.length} of which only the provider knows`,
  );
}

function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
