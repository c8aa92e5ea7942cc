/** Many callers at once on a balance that covers one of them. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { postgres } from "../support/postgres.js";
import {
  addOrganization,
  addPayer,
  ask,
  type Node,
  readBooks,
  type Site,
  sqliteOf,
  startSite,
  sums,
  TOKEN_COST,
} from "./support.js";

const CALLERS = 200;
const TOKENS = 50;
/** In dollars: exactly what `TOKENS` cost. */
const BALANCE = "0.05";

let site: Site;
beforeAll(() => {
  site = startSite();
});
afterAll(() => site.end());

type Payer = { readonly tokens: readonly string[]; readonly billTo?: string };

/** `pays` makes the payer and says whose tokens ask, and whom they bill. */
async function raceFor(
  nodes: readonly Node[],
  place: string,
  pays = async (node: Node): Promise<Payer> => ({ tokens: [await addPayer(node, "ada", BALANCE)] }),
): Promise<void> {
  const [first] = nodes;
  if (!first) throw new Error("no node");
  const { tokens, billTo } = await pays(first);
  // The other nodes have to have heard of the user.
  await Bun.sleep(1_000);
  const deliveredBefore = site.sim.log().length;
  site.sim.setDials("together", { first_token_ms: 300 });
  const seen = await Promise.all(
    Array.from({ length: CALLERS }, (_, i) =>
      ask(nodes[i % nodes.length] ?? first, tokens[(i >> 1) % tokens.length] ?? "", {
        tokens: TOKENS,
        isStream: i % 4 < 2,
        ...(billTo !== undefined && { billTo }),
      }),
    ),
  );
  const statuses = seen.map(({ status }) => status).sort();
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  expect(statuses.filter((status) => status === 402)).toHaveLength(CALLERS - 1);
  expect(seen.find(({ status }) => status === 200)).toMatchObject({
    isComplete: true,
    cost: BigInt(TOKENS) * TOKEN_COST,
  });
  expect(site.sim.log().length - deliveredBefore).toBe(1);
  for (const node of nodes) expect(await node.stop()).toBe(0);
  const books = await readBooks(place);
  expect(books.audit).toMatchObject({ balanced: true });
  expect(sums(books)).toEqual({ granted: BigInt(TOKENS) * TOKEN_COST, left: 0n, leased: 0n });
}

test("200 callers on credit for one: one is served and 199 refused, by one process on SQLite", async () => {
  const node = await site.node();
  await raceFor([node], sqliteOf(node));
});

test("200 callers on credit for one: one is served and 199 refused, by two workers on SQLite", async () => {
  const node = await site.node({ env: { TURNPIKE_WORKERS: "2" } });
  await raceFor([node], sqliteOf(node));
});

test("200 callers on credit for one: one is served and 199 refused, by two nodes on Postgres", async () => {
  const url = await (await postgres()).freshDatabase();
  const env = { DATABASE_URL: url };
  const nodes = [await site.node({ env }), await site.node({ env })];
  await raceFor(nodes, url);
});

test("200 requests of 20 members on an organization's credit for one: one is served, by two nodes on Postgres", async () => {
  const url = await (await postgres()).freshDatabase();
  const env = { DATABASE_URL: url };
  const nodes = [await site.node({ env }), await site.node({ env })];
  const names = Array.from({ length: 20 }, (_, i) => `member-${i}`);
  await raceFor(nodes, url, async (node) => ({
    tokens: await addOrganization(node, "acme", BALANCE, names),
    billTo: "acme",
  }));
});

test("what one node has leased and leaves idle is another's within a second, to the last of it, on Postgres", async () => {
  const url = await (await postgres()).freshDatabase();
  const env = { DATABASE_URL: url };
  const [a, b] = [await site.node({ env }), await site.node({ env })];
  site.sim.setDials("together", { first_token_ms: 0 });
  const token = await addPayer(a, "ada", BALANCE);
  await Bun.sleep(1_000);
  expect(await ask(a, token, { tokens: 1 })).toMatchObject({ status: 200 });
  const rest = BigInt(TOKENS - 1) * TOKEN_COST;
  const { left, leased } = sums(await readBooks(url));
  expect(left - leased).toBeLessThan(rest);
  const began = performance.now();
  const seen = await ask(b, token, { tokens: TOKENS - 1 });
  expect(performance.now() - began).toBeLessThan(1_000);
  expect(seen).toMatchObject({ isComplete: true, cost: rest });
  for (const node of [a, b]) expect(await node.stop()).toBe(0);
  expect(sums(await readBooks(url))).toMatchObject({ left: 0n, leased: 0n });
});
