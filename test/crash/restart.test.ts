/** Processes that share a data folder start and die together. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  addPayer,
  ask,
  readBooks,
  type Site,
  spoolFolders,
  startSite,
  sums,
  TOKEN_COST,
} from "./support.js";

const PROCESSES = 4;
const ROUNDS = 4;

let site: Site;
beforeAll(() => {
  site = startSite();
});
afterAll(() => site.end());

test("processes that start at once on one folder recover the dead and leave each other alone", async () => {
  const data = site.freshFolder();
  let token = "";
  let served = 0n;
  for (let round = 0; round < ROUNDS; round++) {
    const nodes = await Promise.all(Array.from({ length: PROCESSES }, () => site.node({ data })));
    const [first] = nodes;
    if (!first) throw new Error("no node");
    expect(spoolFolders(first)).toHaveLength(PROCESSES);
    if (round === 0) {
      token = await addPayer(first, "ada", "10");
      await Bun.sleep(300);
    }
    const seen = await Promise.all(nodes.map((node) => ask(node, token, { tokens: 10 })));
    expect(seen.map(({ status }) => status)).toEqual(nodes.map(() => 200));
    served += BigInt(PROCESSES);
    if (round < ROUNDS - 1) await Promise.all(nodes.map((node) => node.kill()));
    else for (const node of nodes) expect(await node.stop()).toBe(0);
  }
  const books = await readBooks(`${data}/turnpike.sqlite`);
  expect(books.audit).toMatchObject({ balanced: true, faults: [] });
  const granted = 10_000_000_000n;
  expect(sums(books)).toEqual({ granted, left: granted - served * 10n * TOKEN_COST, leased: 0n });
  expect(books.leases).toEqual([]);
}, 60_000);
