/** Four nodes on one Postgres, payers near their limits, and everything that can go wrong with nodes and store. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import { spoolStart } from "../../src/jobs/drain.js";
import { segmentFile } from "../../src/ledger/store.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { openStore } from "../../src/store/open.js";
import { type Postgres, postgres } from "../support/postgres.js";
import { type Random, randomFrom } from "../support/random.js";
import { figuresOf } from "./accounting.js";
import {
  type Asked,
  addPayers,
  askAt,
  granter,
  openPlaces,
  type Payer,
  type Place,
  replace,
  startCallers,
} from "./cluster.js";
import {
  deliveries,
  type Node,
  readBooks,
  type Site,
  spoolFolders,
  startSite,
  sums,
  until,
} from "./support.js";

const NODES = 4;
const PAYERS = 20;
const REQUESTS = 20_000;
const CALLERS_PER_PAYER = 3;
const TOKENS_MOST = 40;
/** Credit comes in pieces of this many tokens at most, as often as it takes to be short of it most of the time. */
const PIECE_TOKENS = 2_000;
const GRANT_EVERY_MS = 4_000;
/** Short, so that the test need not wait long; nodes are fenced after 8 s of silence. */
const LEASE_VALID_MS = 6_000;
const SEED = Number(process.env.TURNPIKE_TEST_SEED ?? Date.now() % 1_000_000);

let site: Site;
let server: Postgres;
beforeAll(async () => {
  site = startSite(() => ({}), { lease_valid_ms: LEASE_VALID_MS });
  server = await postgres();
});
afterAll(() => site.end());

test(`${REQUESTS} requests on ${NODES} nodes that die, freeze and lose their store, seed ${SEED}: overspend 0, phantom refusals 0, lost 0, doubled 0`, async () => {
  const random = randomFrom(SEED);
  site.sim.setDials("together", { first_token_ms: 5, tokens_per_second: 2_000 });
  const url = await server.freshDatabase();
  const places = await openPlaces(site, NODES, url);
  const [first] = places;
  if (!first) throw new Error("no node");
  const payers = await addPayers(first, PAYERS);
  const credit = await granter(url);
  const grants = startGranting(payers, credit, random);
  await Bun.sleep(1_000);

  const callers = startCallers(places, payers, {
    perPayer: CALLERS_PER_PAYER,
    tokensMost: TOKENS_MOST,
    random,
  });
  const thawed = await playHavoc(places, payers, url, random);
  await until(
    "enough was asked",
    () => callers.asked.length >= REQUESTS,
    60_000,
    () => places.map(({ node }) => node.printed().slice(-2_000)).join("\n"),
  );
  await callers.end();
  await grants.end();
  for (const { node } of places) expect(await node.stop()).toBe(0);
  await credit.end();

  const asked = [...callers.asked, ...thawed];
  const books = await readBooks(url);
  const { refused, died } = report(asked, books.requests.length);
  // Payers near their limits, and nodes with requests under way: without them nothing is proven.
  expect(refused).toBeGreaterThan(PAYERS);
  expect(died).toBeGreaterThan(NODES);
  const figures = figuresOf(asked, payers, books, deliveries(site.sim));
  console.log(
    `overspend ${figures.overspend}, phantom refusals ${figures.phantomRefusals}, lost ${figures.lost}, doubled ${figures.doubled}`,
  );
  expect(books.audit).toMatchObject({ balanced: true, faults: [] });
  expect(figures).toEqual({ overspend: 0n, phantomRefusals: 0, lost: 0, doubled: 0 });
  const spent = books.requests.reduce((sum, { cost }) => sum + cost, 0n);
  const { granted, left, leased } = sums(books);
  expect({ left, leased }).toEqual({ left: granted - spent, leased: 0n });
  expect(books.leases).toEqual([]);
}, 240_000);

/** Every payer gets a little now and then, and is soon out of it again. */
function startGranting(
  payers: readonly Payer[],
  { grant }: Awaited<ReturnType<typeof granter>>,
  random: Random,
) {
  let isOver = false;
  const running = Promise.all(
    payers.map(async (payer) => {
      while (!isOver) {
        await grant(payer, 1 + random.below(PIECE_TOKENS));
        await Bun.sleep(random.below(2 * GRANT_EVERY_MS));
      }
    }),
  );
  return {
    end: async (): Promise<void> => {
      isOver = true;
      await running;
    },
  };
}

/** Returns what was asked of nodes just after they were thawed. */
async function playHavoc(
  places: readonly Place[],
  payers: readonly Payer[],
  url: string,
  random: Random,
): Promise<Asked[]> {
  const thawed: Asked[] = [];
  for (let round = 0; round < 2; round++) {
    await killSome(places, 4, random);
    const frozen = random.pick(places);
    await freeze(frozen, url);
    await killSome(
      places.filter((place) => place !== frozen),
      2,
      random,
    );
    await until("the frozen node is fenced", () => isFenced(url), 20_000);
    // By now others have spent what it had.
    await Bun.sleep(1_000);
    thawed.push(...(await thaw(frozen, payers)));
    await server.stop();
    await Bun.sleep(random.below(1_500));
    await server.start();
    await Bun.sleep(2_000);
  }
  return thawed;
}

async function killSome(places: readonly Place[], count: number, random: Random): Promise<void> {
  for (let i = 0; i < count; i++) {
    await Bun.sleep(500 + random.below(1_500));
    await replace(site, random.pick(places));
  }
}

/**
 * Halts a node when nothing is under way in it and nothing undrained: what a node had under way may cost more than
 * is left by the time it wakes, which is then an overrun by rule, and not what this test is about.
 */
async function freeze(place: Place, url: string): Promise<void> {
  place.isOut = true;
  await until("nothing is under way", () => place.underWay === 0, 10_000);
  await until("all is drained", () => isDrained(place.node, url), 10_000);
  place.node.freeze();
}

/** Wakes a node and asks it at once for everybody, with leases in its memory that were taken away meanwhile. */
async function thaw(place: Place, payers: readonly Payer[]): Promise<Asked[]> {
  place.node.thaw();
  const asked = await Promise.all(payers.map((payer) => askAt(place, payer, TOKENS_MOST)));
  place.isOut = false;
  return asked;
}

/** Whether the store has been told all that stands in the spool of a node. */
async function isDrained(node: Node, url: string): Promise<boolean> {
  const [id = ""] = spoolFolders(node);
  const database = await openStore(url);
  try {
    const { segment, offset } = (await ledgerStore(database).spoolPosition(id)) ?? spoolStart;
    return statSync(join(node.data, "spool", id, segmentFile(segment))).size === offset;
  } finally {
    await database.close();
  }
}

async function isFenced(url: string): Promise<boolean> {
  const database = await openStore(url);
  try {
    const query = database.db.selectFrom("nodes").select("id");
    return (await query.where("fenced_at", "is not", null).execute()).length > 0;
  } finally {
    await database.close();
  }
}

function report(asked: readonly Asked[], inBooks: number) {
  const count = (what: (one: Asked) => boolean): number => asked.filter(what).length;
  const refused = count(({ seen }) => seen.status === 402);
  const died = count(({ seen }) => !seen.isComplete && (seen.status ?? 200) === 200);
  const slowest = Math.max(...asked.map(({ from, to }) => to - from));
  console.log(
    [
      `${asked.length} asked, ${inBooks} in the books`,
      `${count(({ seen }) => seen.isComplete)} served`,
      `${refused} refused`,
      `${count(({ seen }) => seen.status === 502)} turned away for the store`,
      `${died} died with their node`,
      `the slowest took ${Math.round(slowest)} ms`,
    ].join(", "),
  );
  return { refused, died };
}
