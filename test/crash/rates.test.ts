/** Rate limits on two processes, of which one is killed in the middle of what it was doing. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { fenceAfterMs } from "../../src/ledger/claim.js";
import { postgres } from "../support/postgres.js";
import { addPayer, ask, type Node, type Site, startSite, until } from "./support.js";

const LEASE_VALID_MS = 2_000;
/** Silence is noticed a few heartbeats late, and this machine is busy. */
const LATE_MS = 6_000;
const PLACES = 4;
const REQUESTS = 30;

let site: Site;
beforeAll(() => {
  site = startSite(() => ({}), { lease_valid_ms: LEASE_VALID_MS });
});
afterAll(() => site.end());

/** Nothing here takes as long as what is left of the minute afterwards. */
async function earlyInMinute(): Promise<void> {
  const left = 60_000 - (Date.now() % 60_000);
  if (left < 40_000) await Bun.sleep(left);
}

const statusesAt = async (node: Node, token: string, count: number): Promise<number[]> => {
  const asked = Array.from({ length: count }, () => ask(node, token, { tokens: 5 }));
  return (await Promise.all(asked)).map(({ status }) => status ?? 0).sort();
};

const admitted = (statuses: readonly number[]): number =>
  statuses.filter((status) => status === 200).length;

/** As a node tells its caller. */
async function placesLeft({ origin }: Node, token: string): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${origin}/api/turnpike/me/limits`, { headers });
  const { limits } = (await answer.json()) as { limits: { rate: string; left: number }[] };
  return limits.find(({ rate }) => rate === "concurrent_requests")?.left;
}

const ENGINES = [
  ["SQLite", async () => undefined],
  ["Postgres", async () => (await postgres()).freshDatabase()],
] as const;

for (const [name, freshDatabase] of ENGINES) {
  test(`the places of a killed process come back within the time of its claim, and what it used of a minute does not (${name})`, async () => {
    site.sim.setDials("together", { first_token_ms: 5 });
    const url = await freshDatabase();
    const env = url === undefined ? {} : { DATABASE_URL: url };
    const data = site.freshFolder();
    const doomed = await site.node({ data, env });
    const other = await site.node({ data, env });
    const token = await addPayer(doomed, "ada", "5.00");
    await site.cli(
      doomed,
      ...["user", "limit", "ada", "--concurrent-requests", String(PLACES)],
      ...["--requests-per-minute", String(REQUESTS)],
    );
    await Bun.sleep(1_000);
    await earlyInMinute();
    const minute = Math.floor(Date.now() / 60_000);
    const before = site.sim.log().length;

    site.sim.setDials("together", { first_token_ms: 30_000 });
    const hanging = Array.from({ length: PLACES }, () => ask(doomed, token, { tokens: 5 }));
    await until("all hang", async () => (await placesLeft(doomed, token)) === 0, 5_000);
    expect(await statusesAt(other, token, 2)).toEqual([429, 429]);

    await doomed.kill();
    const killedAt = performance.now();
    for (const { isComplete } of await Promise.all(hanging)) expect(isComplete).toBe(false);
    site.sim.setDials("together", { first_token_ms: 5 });
    await until(
      "all places are back",
      async () => admitted(await statusesAt(other, token, PLACES)) === PLACES,
      fenceAfterMs(LEASE_VALID_MS) + LATE_MS,
    );
    expect(performance.now() - killedAt).toBeGreaterThan(LEASE_VALID_MS);

    for (let i = 0; i < REQUESTS; i++) await statusesAt(other, token, 1);
    expect(Math.floor(Date.now() / 60_000)).toBe(minute);
    expect(site.sim.log().length - before).toBeLessThanOrEqual(REQUESTS);
    expect(await other.stop()).toBe(0);
  }, 180_000);
}
