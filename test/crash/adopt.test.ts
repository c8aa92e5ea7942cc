/** A machine is gone, and its disk turns up elsewhere. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { type Postgres, postgres } from "../support/postgres.js";
import {
  addPayer,
  ask,
  readBooks,
  type Site,
  spoolFolders,
  startSite,
  sums,
  TOKEN_COST,
  until,
} from "./support.js";

const TOKENS = 5;
const COST = BigInt(TOKENS) * TOKEN_COST;
const GRANTED = 1_000_000_000n;

let site: Site;
let server: Postgres;
beforeAll(async () => {
  site = startSite(() => ({}), { lease_valid_ms: 3_000 });
  server = await postgres();
});
afterAll(() => site.end());

test("a dead node's spool is adopted from another folder, and its leases come back", async () => {
  const url = await server.freshDatabase();
  const env = { DATABASE_URL: url };
  const [doomed, other] = [await site.node({ env }), await site.node({ env })];
  const token = await addPayer(doomed, "ada", "1");
  expect((await ask(doomed, token, { tokens: TOKENS })).status).toBe(200);
  await until("that is drained", async () => (await readBooks(url)).requests.length === 1, 5_000);
  await server.stop();
  try {
    for (let i = 0; i < 2; i++) {
      expect((await ask(doomed, token, { tokens: TOKENS })).status).toBe(200);
    }
    await doomed.kill();
  } finally {
    await server.start();
  }
  const carried = site.freshFolder();
  renameSync(doomed.data, carried);
  const [folder = ""] = spoolFolders({ ...doomed, data: carried });

  const { spools } = await site.cli(other, "spool", "adopt", carried);
  expect(spools).toEqual([{ node: folder, applied: 2, interrupted: 0 }]);
  const books = await readBooks(url);
  expect(books.audit).toMatchObject({ balanced: true, faults: [] });
  expect(books.requests.map(({ cost }) => cost)).toEqual([COST, COST, COST]);
  expect(books.leases).toEqual([]);
  expect(sums(books)).toEqual({ granted: GRANTED, left: GRANTED - 3n * COST, leased: 0n });
  expect(existsSync(join(carried, "spool", folder))).toBe(false);
  await other.stop();
}, 60_000);

test("the spool of a node that lives is left alone, wherever a copy of it is", async () => {
  const url = await server.freshDatabase();
  const env = { DATABASE_URL: url };
  const [alive, other] = [await site.node({ env }), await site.node({ env })];
  const [node = ""] = spoolFolders(alive);
  const copy = site.freshFolder();
  cpSync(join(alive.data, "spool"), join(copy, "spool"), { recursive: true });

  const { spools } = await site.cli(other, "spool", "adopt", copy);
  expect(spools).toEqual([{ node, refused: "alive" }]);
  expect(existsSync(join(copy, "spool", node))).toBe(true);
  const token = await addPayer(alive, "bob", "1");
  expect((await ask(alive, token, { tokens: TOKENS })).status).toBe(200);
  for (const each of [alive, other]) expect(await each.stop()).toBe(0);
}, 60_000);
