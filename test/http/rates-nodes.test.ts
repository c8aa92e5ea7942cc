/** Rate limits on several nodes at once: exact over all of them, and nobody refused while there is room anywhere. */
import { afterEach, describe, expect, test } from "bun:test";
import { nanoUsd } from "../../src/kernel/money.js";
import { chat, type TestApp, tempFolder, testApp, until } from "../support/app.js";
import { runningClock } from "../support/clock.js";
import { postgres } from "../support/postgres.js";
import { fakeProvider, plainAnswer, type Reply, yamlFor } from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

/** A second into a minute. */
const START = Date.UTC(2026, 0, 15, 12, 0, 1);
const ASK = { model: "org/model", messages: [{ role: "user", content: "hi" }], max_tokens: 20 };

type Cluster = Awaited<ReturnType<typeof start>>;

/** Nodes on one store, each with a clock that begins at the same time and runs by itself. */
async function start(
  databaseUrl: string | undefined,
  plan: Readonly<Record<string, unknown>>,
  reply: () => Reply = () => plainAnswer(),
  count = 2,
) {
  const provider = fakeProvider(reply);
  cleanUps.push(provider.stop);
  const plans = { free: { monthly_credit: "50.00", ...plan } };
  const yaml = yamlFor({ local: provider.origin }, undefined, { plans });
  const data = tempFolder();
  cleanUps.push(data.remove);
  const time = runningClock(START);
  const node = async (clock = time.clock): Promise<TestApp> => {
    const config = databaseUrl === undefined ? {} : { databaseUrl };
    const app = await testApp({ yaml, data: data.path, clock, config });
    let stopped: Promise<void> | undefined;
    const stop = () => {
      stopped ??= app.stop();
      return stopped;
    };
    cleanUps.push(stop);
    return { ...app, stop };
  };
  const nodes: TestApp[] = [];
  for (let i = 0; i < count; i++) nodes.push(await node());
  const [first] = nodes;
  if (!first) throw new Error("no node");
  const { token } = await first.addUser("ada");
  return { nodes, node, provider, token, ...time };
}

/** Asks all nodes in turn, all at once. */
async function askAll({ nodes, token }: Pick<Cluster, "nodes" | "token">, requests: number) {
  const asked = Array.from({ length: requests }, (_, i) =>
    (nodes[i % nodes.length] as TestApp).answer(chat(token, ASK)),
  );
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  const of = (wanted: number) => statuses.filter((status) => status === wanted).length;
  return { admitted: of(200), refused: of(429), others: requests - of(200) - of(429) };
}

const ENGINES = [
  ["SQLite", async () => undefined],
  ["Postgres", async () => (await postgres()).freshDatabase()],
] as const;

for (const [name, freshDatabase] of ENGINES) {
  describe(name, () => {
    test("of 400 requests at once on two nodes, exactly the 100 of the minute are admitted", async () => {
      const cluster = await start(await freshDatabase(), { requests_per_minute: 100 });
      expect(await askAll(cluster, 400)).toEqual({ admitted: 100, refused: 300, others: 0 });
      expect(cluster.provider.received).toHaveLength(100);
      expect(await askAll(cluster, 20)).toEqual({ admitted: 0, refused: 20, others: 0 });
      cluster.advance(60_000);
      expect(await askAll(cluster, 400)).toEqual({ admitted: 100, refused: 300, others: 0 });
    }, 60_000);

    test("a node that comes late has what the other one left idle, to the last request", async () => {
      const cluster = await start(await freshDatabase(), { requests_per_minute: 60 });
      const [first, second] = cluster.nodes;
      if (!first || !second) throw new Error("no node");
      const at = (node: TestApp) => ({ ...cluster, nodes: [node] });
      expect(await askAll(at(first), 1)).toMatchObject({ admitted: 1 });
      for (let i = 0; i < 59; i++) expect((await askAll(at(second), 1)).admitted).toBe(1);
      expect(await askAll(at(second), 5)).toMatchObject({ refused: 5 });
      expect(await askAll(at(first), 5)).toMatchObject({ refused: 5 });
    }, 60_000);

    test("no more than allowed are under way on all nodes together, and each place that is free is found", async () => {
      let running = 0;
      let most = 0;
      const reply = async () => {
        most = Math.max(most, ++running);
        await Bun.sleep(15);
        running--;
        return plainAnswer();
      };
      const limit = 7;
      const cluster = await start(await freshDatabase(), { concurrent_requests: limit }, reply, 3);
      let served = 0;
      const caller = async (i: number): Promise<void> => {
        for (let turn = 0; turn < 12; turn++) {
          const node = cluster.nodes[(i + turn) % 3] as TestApp;
          const { status } = await node.answer(chat(cluster.token, ASK));
          if (status === 200) served++;
          else await Bun.sleep(20);
        }
      };
      await Promise.all(Array.from({ length: 30 }, (_, i) => caller(i)));
      expect(most).toBe(limit);
      expect(served).toBeGreaterThan(limit);
      await Bun.sleep(150);
      // One node alone has all places again, wherever they were used.
      const [last] = cluster.nodes.slice(-1);
      if (!last) throw new Error("no node");
      expect(await askAll({ ...cluster, nodes: [last] }, limit)).toMatchObject({ admitted: limit });
    }, 60_000);

    test("tokens that were held and not used are used by another node", async () => {
      const cluster = await start(await freshDatabase(), { tokens_per_minute: 1_000 }, () =>
        plainAnswer({ prompt: 10, completion: 5 }),
      );
      for (let i = 0; i < 60; i++) {
        const node = cluster.nodes[i % 2] as TestApp;
        const { status } = await node.answer(chat(cluster.token, { ...ASK, max_tokens: 80 }));
        expect([i, status]).toEqual([i, 200]);
      }
      const node = cluster.nodes[0] as TestApp;
      const last = await node.answer(chat(cluster.token, { ...ASK, max_tokens: 95 }));
      expect(last.status).toBe(429);
    }, 60_000);

    test("a node that stops leaves its places to the others, and what it used of a minute stays used", async () => {
      const cluster = await start(await freshDatabase(), {
        requests_per_minute: 10,
        concurrent_requests: 4,
      });
      const [first, second] = cluster.nodes;
      if (!first || !second) throw new Error("no node");
      expect(await askAll({ ...cluster, nodes: [first] }, 4)).toMatchObject({ admitted: 4 });
      await first.stop();
      const rest = { ...cluster, nodes: [second] };
      expect(await askAll(rest, 4)).toMatchObject({ admitted: 4 });
      for (let i = 0; i < 2; i++) expect(await askAll(rest, 1)).toMatchObject({ admitted: 1 });
      expect(await askAll(rest, 1)).toMatchObject({ refused: 1 });
    }, 60_000);

    test("nodes whose clocks disagree on the minute admit each minute's share and no more", async () => {
      const cluster = await start(await freshDatabase(), { requests_per_minute: 20 }, undefined, 1);
      const ahead = runningClock(START + 60_000);
      const late = cluster.nodes;
      const early = [await cluster.node(ahead.clock)];
      expect(await askAll({ ...cluster, nodes: late }, 30)).toMatchObject({ admitted: 20 });
      expect(await askAll({ ...cluster, nodes: early }, 30)).toMatchObject({ admitted: 20 });
      cluster.advance(60_000);
      expect(await askAll({ ...cluster, nodes: late }, 30)).toMatchObject({ admitted: 0 });
    }, 60_000);
  });
}

test("a busy caller finds the next minute's lease at hand, without a word to the store", async () => {
  const cluster = await start(undefined, { requests_per_minute: 100 }, undefined, 1);
  const [node] = cluster.nodes;
  if (!node) throw new Error("no node");
  cluster.advance(56_000);
  expect(await askAll(cluster, 1)).toMatchObject({ admitted: 1 });
  const { rates, clock } = node.site.gateway;
  const next = `@${Math.floor(clock.now() / 60_000) + 1}`;
  const ahead = () => rates.book.bucketIds().find((id) => id.endsWith(next)) ?? "";
  await until(() => ahead() !== "" && rates.book.free(ahead(), clock.now()) > 0n);
  expect(rates.book.free(ahead(), clock.now())).toBe(nanoUsd(50n));
});

test("minutes that are over leave nothing behind, neither in memory nor, soon, in the store", async () => {
  const cluster = await start(undefined, {
    requests_per_minute: 100,
    tokens_per_minute: 100_000,
    concurrent_requests: 10,
  });
  const { rateLeases } = (cluster.nodes[0] as TestApp).site;
  const known = () => cluster.nodes.flatMap(({ site }) => site.gateway.rates.book.bucketIds());
  for (let minute = 0; minute < 3; minute++) {
    expect(await askAll(cluster, 6)).toMatchObject({ admitted: 6 });
    cluster.advance(60_000);
  }
  const seen = known();
  expect(seen.length).toBeGreaterThan(6);
  await arrives(() => known().length === 0);
  expect((await rateLeases.leased(seen)).size).toBe(new Set(seen).size);
  await rateLeases.forgetMinutes(START + 3_600_000);
  const kept = await rateLeases.leased(seen);
  expect([...kept.values()]).toEqual([0]);
}, 30_000);

/** As `until`, for what a job does that runs every second. */
async function arrives(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 10; tries++)
    if (
      await until(condition).then(
        () => true,
        () => false,
      )
    )
      return;
  throw new Error("waited ten seconds in vain");
}
