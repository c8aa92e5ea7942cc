/** The store is away for half a minute under load. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Postgres, postgres } from "../support/postgres.js";
import {
  addPayer,
  ask,
  deliveries,
  type Node,
  readBooks,
  type Seen,
  type Site,
  startSite,
  sums,
  until,
} from "./support.js";

const AWAY_MS = 30_000;
const WITHIN_MS = 15_000;
const CALLERS = 6;
const PAUSE_MS = 30;
const TOKENS = 20;

let site: Site;
let server: Postgres;
beforeAll(async () => {
  site = startSite();
  server = await postgres();
});
afterAll(() => site.end());

test("payers with a lease do not notice that Postgres is away for 30 s, and nothing is lost", async () => {
  const url = await server.freshDatabase();
  const env = { DATABASE_URL: url };
  const nodes = [await site.node({ env }), await site.node({ env })];
  const [first] = nodes;
  if (!first) throw new Error("no node");
  const payers = [await addPayer(first, "ada", "1000"), await addPayer(first, "bob", "1000")];
  const late = await addPayer(first, "cyd", "1000");
  await Bun.sleep(1_000);

  const load = startLoad(nodes, payers);
  await Bun.sleep(2_000);
  const before = load.seen.length;
  await server.stop();
  try {
    await Bun.sleep(AWAY_MS / 2);
    expect((await fetch(`${first.origin}/readyz`)).status).toBe(500);
    const refused = await ask(first, late, { tokens: TOKENS });
    expect(refused.status).toBe(502);
    expect(JSON.parse(refused.text)).toMatchObject({ error: { code: "store_unavailable" } });
    await Bun.sleep(AWAY_MS / 2);
  } finally {
    // Every other file's tests use it too.
    await server.start();
  }
  const during = load.seen.length - before;
  const back = Date.now();
  await until("the store is found again", () => served(first, late), WITHIN_MS, first.printed);
  await Bun.sleep(500);
  await load.end();

  const complete = load.seen.filter(({ isComplete }) => isComplete);
  expect(load.seen.filter(({ isComplete }) => !isComplete)).toEqual([]);
  expect(during).toBeGreaterThan(500);
  await until(
    "everything spooled is in the store",
    async () => (await readBooks(url)).requests.length >= complete.length,
    WITHIN_MS,
    first.printed,
  );
  const drainedMs = Date.now() - back;
  for (const node of nodes) expect(await node.stop()).toBe(0);

  const books = await readBooks(url);
  expect(books.audit).toMatchObject({ balanced: true, faults: [] });
  const charged = new Map(books.requests.map(({ id, cost }) => [id, cost]));
  const delivered = deliveries(site.sim);
  const wrong = complete.filter(
    ({ id = "", cost }) =>
      charged.get(id) !== cost || String(cost) !== delivered.get(id)?.costNanoUsd,
  );
  expect(wrong).toEqual([]);
  const spent = books.requests.reduce((sum, { cost }) => sum + cost, 0n);
  const { granted, left, leased } = sums(books);
  expect({ left, leased }).toEqual({ left: granted - spent, leased: 0n });
  console.log(
    `${during} served while it was away; all in the store ${drainedMs} ms after its return`,
  );
}, 100_000);

const served = async (node: Node, token: string): Promise<boolean> =>
  (await ask(node, token, { tokens: TOKENS })).isComplete;

function startLoad(nodes: readonly Node[], tokens: readonly string[]) {
  const seen: Seen[] = [];
  let isOver = false;
  const caller = async (i: number): Promise<void> => {
    const node = nodes[i % nodes.length];
    const token = tokens[Math.floor(i / nodes.length) % tokens.length];
    if (!node || token === undefined) throw new Error("nobody to ask");
    while (!isOver) {
      seen.push(await ask(node, token, { tokens: TOKENS, isStream: i % 3 === 0 }));
      await Bun.sleep(PAUSE_MS);
    }
  };
  const running = Promise.all(Array.from({ length: CALLERS }, (_, i) => caller(i)));
  return {
    seen,
    end: async (): Promise<void> => {
      isOver = true;
      await running;
    },
  };
}
