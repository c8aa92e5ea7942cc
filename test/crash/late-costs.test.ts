/** What a killed process had not heard of yet is heard by the next one. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { testApp } from "../support/app.js";
import { addPayer, ask, readBooks, type Site, sqliteOf, startSite, until } from "./support.js";

const STREAMS = 6;
const GRANTED = 10_000_000_000n;

let site: Site;
beforeAll(() => {
  site = startSite((sim) => ({
    billing: { url: `${sim.url("together")}/_billing`, request_id_header: "x-request-id" },
  }));
});
afterAll(() => site.end());

test("requests that were answered, and those cut by kill -9, cost at last what the provider says", async () => {
  const { sim } = site;
  const node = await site.node();
  const token = await addPayer(node, "ada", "10");
  const whole = await ask(node, token, { tokens: 25 });
  expect(whole.isComplete).toBe(true);

  sim.setDials("together", { tokens_per_second: 50 });
  const cut = Array.from({ length: STREAMS }, () =>
    ask(node, token, { tokens: 90, isStream: true }),
  );
  const plain = ask(node, token, { tokens: 90 });
  await Bun.sleep(700);
  await node.kill();
  expect((await Promise.all(cut)).map(({ isComplete }) => isComplete)).toEqual(
    cut.map(() => false),
  );
  await plain;
  await until("the provider saw them go", () => sim.log().length === STREAMS + 2, 5_000);
  const owed = sim.log().reduce((sum, entry) => sum + BigInt(entry.costNanoUsd), 0n);
  const interrupted = sim.log().filter(({ outcome }) => outcome === "aborted");
  expect(interrupted.reduce((sum, entry) => sum + Number(entry.costNanoUsd), 0)).toBeGreaterThan(0);

  // As the next process does it at its start, and then every minute.
  const app = await testApp({ data: node.data, yaml: site.yaml });
  const before = await readBooks(sqliteOf(node));
  const outcomes = before.requests.map(({ outcome }) => outcome).sort();
  expect(outcomes).toEqual([...Array.from({ length: STREAMS + 1 }, () => "interrupted"), "served"]);
  await app.askForCosts();
  const books = await readBooks(sqliteOf(node));
  expect(books.audit).toMatchObject({ balanced: true, faults: [] });
  expect(books.requests.reduce((sum, { cost }) => sum + cost, 0n)).toBe(owed);
  const left = books.accounts.find(({ id }) => id.includes(":purchased:"))?.balance;
  expect(left).toBe(GRANTED - owed);
  await app.stop();
}, 60_000);
