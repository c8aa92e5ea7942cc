/** What every engine must do the same with costs that are told later. Each test has a store of its own. */
import { beforeEach, describe, expect, test } from "bun:test";
import { askForCosts } from "../../src/jobs/late-costs.js";
import { noLog } from "../../src/kernel/log.js";
import { nanoUsd } from "../../src/kernel/money.js";
import type { AwaitedCost, LateCost, LateCostStore } from "../../src/ledger/late-cost.js";
import type { LedgerStore } from "../../src/ledger/store.js";
import { usageReader } from "../../src/store/books/usage.js";
import type { Database } from "../../src/store/database.js";
import { lateCostStore } from "../../src/store/late-costs/late-costs.js";
import { manualClock } from "../support/clock.js";
import {
  AT,
  batchOf,
  grantOf,
  limitOf,
  type SettlementFacts,
  settlementOf,
  usageBy,
} from "../support/ledger.js";
import { type Engine, freshStore } from "./fresh-store.js";

const FUNDS = "user:ada";
const BUDGET = "token:t";
const FIRST = "grant:user:ada:promotional:1";
const SECOND = "grant:user:ada:promotional:2";
const LIMIT = "limit:token:t:total";
const HOUR = 3_600_000;

export function lateCostContract(engine: Engine): void {
  describe(`costs told later, on ${engine.name}`, () => {
    const here = freshStore(engine);
    const { another } = here;
    let database: Database;
    let store: LedgerStore;
    let late: LateCostStore;

    beforeEach(async () => {
      ({ database, store } = here);
      late = lateCostStore(database);
      await store.openNode("a", AT);
      await store.openNode("b", AT);
      await store.grant(grantOf(FUNDS, 1_000n));
      await store.grant(grantOf(FUNDS, 500n, { id: SECOND, openedAt: AT + 1 }));
      await store.grant(limitOf(BUDGET, 5_000n));
    });

    const take = (node: string, need: bigint, bucket: string) =>
      store.takeLease({
        node,
        bucketId: bucket,
        need: nanoUsd(need),
        isAll: false,
        isSparing: true,
        now: AT,
      });

    const awaitedOf = (requestId: string, facts: Partial<AwaitedCost> = {}): AwaitedCost => ({
      requestId,
      provider: "acme",
      providerRequestId: `at-acme-${requestId}`,
      bucketIds: [FUNDS, BUDGET],
      at: AT,
      ...facts,
    });

    const lateOf = (requestId: string, cost: bigint, facts: Partial<LateCost> = {}): LateCost => ({
      requestId,
      outcome: "billed",
      cost: nanoUsd(cost),
      debits: [],
      overrun: nanoUsd(0n),
      ...facts,
    });

    /** A settled request that waits for its cost. */
    const settled = async (
      id: string,
      debits: Readonly<Record<string, bigint>>,
      facts: SettlementFacts = {},
    ): Promise<void> => {
      const batch = batchOf("a", [settlementOf(id, debits, facts)]);
      await store.applySettlements({ ...batch, awaited: [awaitedOf(id)] });
    };

    const balances = async (): Promise<Record<string, bigint>> => {
      const rows = await database.db.selectFrom("accounts").select(["id", "balance"]).execute();
      return Object.fromEntries(rows.map(({ id, balance }) => [id, balance]));
    };

    const requestOf = async (id: string) =>
      (await usageReader(database).newestRequests("user", 100)).find((row) => row.id === id);

    const waitingFor = (facts: Partial<Parameters<LateCostStore["waiting"]>[0]> = {}) =>
      late.waiting({ provider: "acme", endedBy: AT + HOUR, after: "", count: 100, ...facts });

    const settleLate = (costs: readonly LateCost[], node = "a", from = late) =>
      from.settleLate({ node, at: AT + HOUR, costs });

    type Ask = Parameters<typeof askForCosts>[0]["ask"];

    /** A round of asking an hour later; what is told or given up costs what it was found to. */
    const round = (tellers: readonly string[], ask: Ask): Promise<void> =>
      askForCosts({
        node: "a",
        clock: manualClock(AT + HOUR).clock,
        log: noLog,
        store: late,
        providers: tellers.map((id) => ({ id, delayMs: 0 })),
        ask,
        settle: async (told) => {
          await settleLate(
            told.map(({ waiting, ...what }) => lateOf(waiting.requestId, what.cost, what)),
          );
        },
        stopping: new AbortController().signal,
      });

    const expectBalanced = async (): Promise<void> => {
      expect(await store.audit()).toMatchObject({ balanced: true, faults: [] });
    };

    test("a request waits from when it has ended, in the order of ids, until it is settled", async () => {
      await take("a", 300n, FUNDS);
      const early = awaitedOf("r3");
      await store.applySettlements({ ...batchOf("a", []), awaited: [early] });
      expect(await waitingFor()).toEqual([]);
      await settled("r2", { [FIRST]: 20n }, { overrun: nanoUsd(5n), durationMs: 1_000 });
      await settled("r1", { [FIRST]: 10n });
      await store.applySettlements(batchOf("a", [settlementOf("r3", {})], 9));
      const [first, second, third] = await waitingFor();
      expect([first?.requestId, second?.requestId, third?.requestId]).toEqual(["r1", "r2", "r3"]);
      expect(second).toEqual({
        requestId: "r2",
        providerRequestId: "at-acme-r2",
        bucketIds: [FUNDS, BUDGET],
        cost: nanoUsd(25n),
        endedAt: AT + 1_000,
        asks: 0,
      });
      expect((await waitingFor({ after: "r1", count: 1 })).map((w) => w.requestId)).toEqual(["r2"]);
      expect((await waitingFor({ endedBy: AT + 999 })).map((w) => w.requestId)).toEqual([
        "r1",
        "r3",
      ]);
      expect(await waitingFor({ provider: "other" })).toEqual([]);
      await late.noteAsked(["r1", "r2"]);
      await late.noteAsked(["r2"]);
      expect((await waitingFor()).map(({ asks }) => asks)).toEqual([1, 2, 0]);
      await settleLate([lateOf("r2", 25n)]);
      expect((await waitingFor()).map((w) => w.requestId)).toEqual(["r1", "r3"]);
    });

    test("a job's time to be asked for comes, and comes again, until it is settled or was known at once", async () => {
      await take("a", 300n, FUNDS);
      const look = { path: "/jobs/1", host: "queue", asked: { images: 2 } };
      const begin = (id: string, job: AwaitedCost["job"], facts: SettlementFacts = {}) =>
        store.applySettlements({
          ...batchOf("a", [settlementOf(id, facts.isOwnKey ? {} : { [FIRST]: 10n }, facts)]),
          awaited: [awaitedOf(id, { ...(job && { job }) })],
        });
      await begin("r1", look);
      await begin("r2", look);
      await begin("r3", "known");
      await begin("r4", undefined);
      await begin("r5", look, { isOwnKey: true });
      const dueAt = async (now: number, count = 100) =>
        (await late.jobsToAskFor({ now, count })).map(({ requestId }) => requestId);
      expect(await dueAt(AT + 59_999)).toEqual([]);
      expect(await dueAt(AT + 60_000)).toEqual(["r1", "r2"]);
      expect(await dueAt(AT + 60_000, 1)).toHaveLength(1);
      const [job] = await late.jobsToAskFor({ now: AT + 60_000, count: 1 });
      expect(job).toMatchObject({ job: "at-acme-r1", look, asks: 0, begunAt: AT, cost: 10n });
      await late.askJobAgain("r1", AT + 120_000);
      expect(await dueAt(AT + 60_000)).toEqual(["r2"]);
      expect((await late.jobsToAskFor({ now: AT + 120_000, count: 9 }))[1]?.asks).toBe(1);
      await settleLate([lateOf("r2", 0n)]);
      expect(await dueAt(AT + 120_000)).toEqual(["r1"]);
      expect(await late.findJob("acme", "at-acme-r3")).toMatchObject({ isSettled: true });
      expect(await late.findJob("acme", "at-acme-r1")).toMatchObject({ isSettled: false, look });
      expect(await settleLate([lateOf("r3", 0n)])).toEqual(new Set());
      expect((await requestOf("r3"))?.cost).toBe(nanoUsd(10n));
      await expectBalanced();
    });

    test("what a provider was to tell is given up where nobody can ask it any more; its jobs are not", async () => {
      await take("a", 300n, FUNDS);
      await settled("r1", { [FIRST]: 100n });
      const job = { path: "/jobs/1", host: undefined, asked: {} };
      const begun = batchOf("a", [settlementOf("r2", { [FIRST]: 10n })]);
      await store.applySettlements({ ...begun, awaited: [awaitedOf("r2", { job })] });
      const nobody: Ask = async () => {
        throw new Error("it is not here any more");
      };
      for (let i = 0; i < 2; i++) await round(["other"], nobody);
      expect((await requestOf("r1"))?.cost).toBe(nanoUsd(100n));
      await round(["other"], nobody);
      expect(await requestOf("r1")).toMatchObject({ cost: 0n, counted: 100n, costFrom: "nobody" });
      expect(await requestOf("r2")).toMatchObject({ cost: 10n });
      expect(await late.findJob("acme", "at-acme-r2")).toMatchObject({ isSettled: false });
      await expectBalanced();
    });

    test("a higher cost is charged to a lease, and what no bucket had is overrun", async () => {
      await take("a", 300n, FUNDS);
      await take("b", 200n, FUNDS);
      await settled("r1", { [FIRST]: 100n });
      const debits = [{ account: FIRST, amount: nanoUsd(150n) }];
      const costs = [lateOf("r1", 270n, { debits, overrun: nanoUsd(20n) })];
      expect(await settleLate(costs, "b")).toEqual(new Set(["r1"]));
      expect(await balances()).toMatchObject({
        [FIRST]: 750n,
        "provider:acme": 270n,
        overrun: -20n,
      });
      expect(await requestOf("r1")).toMatchObject({
        cost: 270n,
        overrun: 20n,
        counted: 100n,
        costFrom: "provider",
      });
      const [row] = await usageBy(database, "user", "model", 0, AT + 2 * HOUR);
      expect(row).toMatchObject({ requests: 1, cost: 270n, overrun: 20n });
      await expectBalanced();
      // What b did not charge goes back with it.
      await store.closeNode("b", AT);
      await store.closeNode("a", AT);
      await expectBalanced();
      expect((await take("a", 10_000n, FUNDS)).slices.map(({ taken }) => BigInt(taken))).toEqual([
        750n,
        500n,
      ]);
    });

    test("a lower cost comes back to whom it was charged, the last spent first, and overrun before all", async () => {
      await take("a", 1_500n, FUNDS);
      await take("a", 1_500n, BUDGET);
      const debits = { [FIRST]: 1_000n, [SECOND]: 200n, [LIMIT]: 1_200n };
      const overrun = nanoUsd(50n);
      await settled("r1", debits, { overrun, cost: nanoUsd(1_250n) });
      await settleLate([lateOf("r1", 900n)]);
      expect(await balances()).toMatchObject({
        [FIRST]: 100n,
        [SECOND]: 500n,
        [LIMIT]: 4_100n,
        overrun: 0n,
        used: 900n,
        "provider:acme": 900n,
      });
      expect(await requestOf("r1")).toMatchObject({ cost: 900n, overrun: 0n, counted: 1_250n });
      await expectBalanced();
    });

    test("a cost that was never told is given back whole", async () => {
      await take("a", 300n, FUNDS);
      await settled("r1", { [FIRST]: 100n }, { overrun: nanoUsd(7n) });
      await settleLate([lateOf("r1", 0n, { outcome: "unbilled" })]);
      expect(await balances()).toMatchObject({ [FIRST]: 1_000n, overrun: 0n, "provider:acme": 0n });
      expect(await requestOf("r1")).toMatchObject({ cost: 0n, counted: 107n, costFrom: "nobody" });
      expect(await late.drift(0)).toMatchObject([{ requests: 0, unbilled: 1 }]);
      await expectBalanced();
    });

    test("a request with more debits than are read at once gets all of them back", async () => {
      const grants = Array.from({ length: 70 }, (_, i) => `grant:${FUNDS}:promotional:many-${i}`);
      for (const [i, id] of grants.entries()) {
        await store.grant(grantOf(FUNDS, 10n, { id, expiresAt: AT + HOUR + i }));
      }
      await take("a", 700n, FUNDS);
      await settled("r1", Object.fromEntries(grants.map((id) => [id, 10n])));
      await settleLate([lateOf("r1", 15n)]);
      const after = await balances();
      expect(grants.map((id) => after[id])).toEqual([0n, 5n, ...grants.slice(2).map(() => 10n)]);
      await expectBalanced();
    });

    test("twice is once, also with another cost and for another process", async () => {
      await take("a", 300n, FUNDS);
      await settled("r1", { [FIRST]: 100n });
      expect(await settleLate([lateOf("r1", 60n)], "a")).toEqual(new Set(["r1"]));
      // The answer got lost, and the same process asks again.
      expect(await settleLate([lateOf("r1", 60n)], "a")).toEqual(new Set(["r1"]));
      expect(await settleLate([lateOf("r1", 10n)], "b")).toEqual(new Set());
      expect(await late.settledBy("a", ["r1", "r2"])).toEqual(new Set(["r1"]));
      expect(await late.settledBy("b", ["r1"])).toEqual(new Set());
      expect(await balances()).toMatchObject({ [FIRST]: 940n, "provider:acme": 60n });
      await expectBalanced();
    });

    test("processes that settle the same at once move it once, while others drain", async () => {
      await take("a", 1_000n, FUNDS);
      await take("b", 500n, FUNDS);
      const ids = Array.from({ length: 30 }, (_, i) => `r${String(i).padStart(3, "0")}`);
      for (const id of ids) await settled(id, { [FIRST]: 10n });
      const others = await Promise.all([another(), another(), another()]);
      const rounds = others.map(async (each, i) => {
        const node = i % 2 === 0 ? "a" : "b";
        const costs = ids.map((id, j) => lateOf(id, BigInt((i + j) % 10)));
        // Each in an order of its own.
        return settleLate(i === 1 ? costs.toReversed() : costs, node, lateCostStore(each));
      });
      const drains = Array.from({ length: 10 }, (_, i) =>
        store.applySettlements(batchOf("a", [settlementOf(`s${i}`, { [FIRST]: 5n })], 50 + i)),
      );
      const [first, second, third] = await Promise.all(rounds);
      await Promise.all(drains);
      const total = (first?.size ?? 0) + (second?.size ?? 0) + (third?.size ?? 0);
      // Two of them are one process to the store, and may both be told that it was theirs.
      expect(total).toBeGreaterThanOrEqual(30);
      expect(new Set([...(first ?? []), ...(second ?? []), ...(third ?? [])]).size).toBe(30);
      expect(await waitingFor()).toEqual([]);
      await expectBalanced();
    });

    test("the provider that began last to answer is asked, and nobody where none of them answered", async () => {
      await take("a", 300n, FUNDS);
      const awaited = [
        awaitedOf("r1", { provider: "first" }),
        awaitedOf("r1"),
        awaitedOf("r2", { provider: "first" }),
        awaitedOf("r3"),
      ];
      const failed = { outcome: "failed", status: 502 } as const;
      const settlements = [
        settlementOf("r1", { [FIRST]: 10n }),
        settlementOf("r2", { [FIRST]: 10n }),
        settlementOf("r3", {}, failed),
      ];
      await store.applySettlements({ ...batchOf("a", settlements), awaited });
      await late.dropVoid();
      expect((await waitingFor()).map(({ requestId }) => requestId)).toEqual(["r1"]);
      expect(await waitingFor({ provider: "first" })).toEqual([]);
      expect(await requestOf("r2")).toMatchObject({ costFrom: "count" });
      expect(await settleLate([lateOf("r2", 5n), lateOf("r3", 5n)])).toEqual(new Set());
      await expectBalanced();
    });

    test("a note that comes again after it was settled changes nothing", async () => {
      await take("a", 300n, FUNDS);
      await settled("r1", { [FIRST]: 100n });
      await settleLate([lateOf("r1", 60n)]);
      await settled("r1", { [FIRST]: 100n });
      expect(await waitingFor()).toEqual([]);
      expect(await requestOf("r1")).toMatchObject({ cost: 60n });
      await expectBalanced();
    });

    test("a job's turn is one process's, until it lets it run out", async () => {
      const turn = (node: string, now: number, until: number) =>
        late.takeTurn({ job: "late_costs", node, now, until });
      expect(await turn("a", AT, AT + 100)).toBe(true);
      expect(await turn("b", AT + 50, AT + 150)).toBe(false);
      expect(await turn("a", AT + 50, AT + 200)).toBe(true);
      expect(await turn("b", AT + 199, AT + 300)).toBe(false);
      expect(await turn("b", AT + 200, AT + 300)).toBe(true);
      expect(await turn("a", AT + 250, AT + 400)).toBe(false);
      const others = await Promise.all([another(), another(), another(), another()]);
      const taken = await Promise.all(
        others.map((each, i) =>
          lateCostStore(each).takeTurn({ job: "x", node: `n${i}`, now: AT, until: AT + 1 }),
        ),
      );
      expect(taken.filter(Boolean)).toHaveLength(1);
    });

    test("drift is summed by provider over whole days", async () => {
      await take("a", 300n, FUNDS);
      const told = (id: string, at: number, cost: bigint, counted: bigint, provider = "acme") =>
        settlementOf(id, { [FIRST]: cost }, { at, counted: nanoUsd(counted), provider });
      const day = 24 * HOUR;
      const settlements = [
        told("r1", AT, 10n, 8n),
        told("r2", AT, 10n, 12n),
        told("r3", AT + day, 10n, 10n),
        told("r4", AT, 10n, 1n, "zeta"),
        settlementOf("r5", { [FIRST]: 10n }),
      ];
      await store.applySettlements(batchOf("a", settlements));
      const row = (provider: string, facts: object) => ({ provider, unbilled: 0, ...facts });
      expect(await late.drift(AT)).toEqual([
        row("acme", { requests: 3, counted: 30n, reported: 30n, above: 1, below: 1 }) as never,
        row("zeta", { requests: 1, counted: 1n, reported: 10n, above: 1, below: 0 }) as never,
      ]);
      expect(await late.drift(AT + day)).toMatchObject([{ requests: 1, above: 0, below: 0 }]);
      expect(await late.drift(AT + 2 * day)).toEqual([]);
    });

    test("more than ten thousand are asked for in batches, each once a round, and all are settled", async () => {
      const COUNT = 10_500;
      const ids = Array.from({ length: COUNT }, (_, i) => `r${String(i).padStart(6, "0")}`);
      for (let from = 0; from < COUNT; from += 500) {
        const some = ids.slice(from, from + 500);
        await store.applySettlements({
          ...batchOf(
            "a",
            some.map((id) => settlementOf(id, {})),
            from + 1,
          ),
          awaited: some.map((id) => awaitedOf(id)),
        });
      }
      const asked: number[] = [];
      await round(["acme"], async (_provider, some) => {
        asked.push(some.length);
        return new Map(some.map((id) => [id, nanoUsd(0n)]));
      });
      expect(asked).toEqual([10_000, 500]);
      expect(await waitingFor()).toEqual([]);
      await expectBalanced();
    }, 60_000);
  });
}
