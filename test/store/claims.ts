/** What every engine must do the same with claims, and with what is settled after they are gone. */
import { beforeEach, describe, expect, test } from "bun:test";
import { nanoUsd } from "../../src/kernel/money.js";
import type { LedgerStore } from "../../src/ledger/store.js";
import { lateCostStore } from "../../src/store/late-costs/late-costs.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { AT, batchOf, grantOf, limitOf, settlementOf, standing } from "../support/ledger.js";
import { type Engine, freshStore } from "./fresh-store.js";

const FUNDS = "user:ada";
const BUDGET = "token:t";
const FIRST = "grant:user:ada:promotional:1";
const SECOND = "grant:user:ada:promotional:2";
const LIMIT = "limit:token:t:total";
const VALID_MS = 10_000;

export function claimContract(engine: Engine): void {
  describe(`claims, on ${engine.name}`, () => {
    const here = freshStore(engine);
    const { another } = here;
    let store: LedgerStore;

    beforeEach(async () => {
      ({ store } = here);
      for (const node of ["a", "b"]) {
        await store.openNode(node, AT, { host: `host-of-${node}`, validMs: VALID_MS });
      }
      await store.grant(grantOf(FUNDS, 100n));
    });

    const takeWith = (node: string, wish: { need: bigint; isAll?: boolean; atLeast?: bigint }) =>
      store.takeLease({
        node,
        bucketId: FUNDS,
        need: nanoUsd(wish.need),
        isAll: wish.isAll ?? false,
        atLeast: nanoUsd(wish.atLeast ?? 0n),
        isSparing: true,
        now: AT,
      });
    /** All that a node has of its funds after asking for more. */
    const take = async (node: string, need: bigint, wish: object = {}): Promise<bigint> => {
      const { slices } = await takeWith(node, { need, ...wish });
      return slices.reduce(
        (sum, { taken, returned, settled }) => sum + taken - returned - settled,
        0n,
      );
    };
    const fence = async (node: string): Promise<boolean> => {
      const [claim] = (await store.otherClaims("")).filter((each) => each.node === node);
      return claim !== undefined && store.fenceNode(claim, AT + 1);
    };
    const settle = (node: string, id: string, debits: Record<string, bigint>) =>
      store.applySettlements(batchOf(node, [settlementOf(id, debits)]));
    const requestOf = async (id: string) => {
      const query = here.database.db.selectFrom("requests").select(["cost", "overrun"]);
      return query.where("id", "=", id).executeTakeFirstOrThrow();
    };
    const expectBalanced = async (): Promise<void> => {
      expect(await store.audit()).toMatchObject({ balanced: true, faults: [] });
    };

    describe("renewing", () => {
      test("moves the beat that others see, and says how long the claim is good without it", async () => {
        const [before] = await store.otherClaims("b");
        expect(before).toMatchObject({ node: "a", validMs: VALID_MS });
        expect(await store.renewClaim("a", AT + 1)).toBe(true);
        const [after] = await store.otherClaims("b");
        expect(after?.beat).toBeGreaterThan(before?.beat ?? Number.NaN);
      });

      test("is refused after the node was fenced, or closed, or if it never opened", async () => {
        expect(await fence("a")).toBe(true);
        expect(await store.renewClaim("a", AT)).toBe(false);
        await store.closeNode("b", AT);
        expect(await store.renewClaim("b", AT)).toBe(false);
        expect(await store.renewClaim("nobody", AT)).toBe(false);
        expect(await store.otherClaims("c")).toEqual([]);
      });

      test("comes before a fence that was decided without knowing of it", async () => {
        const [seen] = await store.otherClaims("b");
        await store.renewClaim("a", AT);
        expect(await store.fenceNode({ node: "a", beat: seen?.beat ?? 0 }, AT)).toBe(false);
        expect(await store.renewClaim("a", AT)).toBe(true);
      });

      test("either wins over a fence, or the fence over it, however they meet", async () => {
        const others = [store, ledgerStore(await another()), ledgerStore(await another())];
        for (let round = 0; round < 20; round++) {
          const node = `race-${round}`;
          await store.openNode(node, AT, { host: "", validMs: VALID_MS });
          const [claim] = (await store.otherClaims("")).filter((each) => each.node === node);
          const [isRenewed, ...fences] = await Promise.all([
            store.renewClaim(node, AT),
            ...others.map((each) => each.fenceNode(claim ?? { node, beat: 0 }, AT)),
          ]);
          expect(fences.filter(Boolean)).toHaveLength(isRenewed ? 0 : 1);
          expect(await store.renewClaim(node, AT)).toBe(isRenewed ?? false);
        }
      });
    });

    describe("what a fenced node had leased", () => {
      beforeEach(async () => {
        await take("a", 70n);
        await fence("a");
      });

      test("stays set aside as long as nobody else is short", async () => {
        expect(await take("b", 30n)).toBe(30n);
        expect(await standing(store, FUNDS)).toEqual({ left: 100n, leased: 100n, spent: 0n });
        await expectBalanced();
      });

      test("goes to who needs it, and no more of it than is needed", async () => {
        expect(await take("b", 50n, { isAll: true })).toBe(50n);
        expect(await standing(store, FUNDS)).toMatchObject({ leased: 100n });
        expect(await take("b", 50n, { isAll: true })).toBe(100n);
        await expectBalanced();
      });

      test("is left alone by who could do nothing with it", async () => {
        expect(await take("b", 101n, { isAll: true })).toBe(0n);
        expect(await take("b", 102n, { atLeast: 101n })).toBe(0n);
        expect(await standing(store, FUNDS)).toMatchObject({ leased: 70n });
        expect(await take("b", 102n, { atLeast: 100n })).toBe(100n);
        await expectBalanced();
      });

      test("goes once, however many ask for it at the same moment", async () => {
        const stores = [store, ledgerStore(await another()), ledgerStore(await another())];
        for (let i = 0; i < stores.length; i++) await store.openNode(`n${i}`, AT);
        const answers = await Promise.all(
          stores.map((each, i) =>
            each.takeLease({
              node: `n${i}`,
              bucketId: FUNDS,
              need: nanoUsd(60n),
              isAll: true,
              isSparing: true,
              now: AT,
            }),
          ),
        );
        expect(answers.filter(({ slices }) => slices.length > 0)).toHaveLength(1);
        await expectBalanced();
      });

      test("counts for a recall, and nobody waits for the node to answer it", async () => {
        const recall = await store.askBack("b", FUNDS, AT);
        expect(await store.recallState("b", FUNDS, recall, AT)).toEqual({
          isAnswered: true,
          unleased: nanoUsd(100n),
        });
      });

      test("cannot be given back by the node beyond what others have left of it", async () => {
        await take("b", 80n);
        await store.returnLease("a", new Map([[FIRST, nanoUsd(70n)]]));
        expect(await standing(store, FUNDS)).toMatchObject({ left: 100n, leased: 80n });
        await expectBalanced();
      });

      test("goes back when the node is closed, also for its being lost", async () => {
        expect(await store.closeLost(AT, AT + 9)).toBe(0);
        expect(await store.closeLost(AT + 2, AT + 9)).toBe(1);
        expect(await standing(store, FUNDS)).toMatchObject({ left: 100n, leased: 0n });
        await expectBalanced();
      });
    });

    describe("what a fenced node had settled", () => {
      beforeEach(async () => {
        await take("a", 70n);
        await fence("a");
      });

      test("is paid by what was kept back for it", async () => {
        await settle("a", "r1", { [FIRST]: 40n });
        expect(await requestOf("r1")).toEqual({ cost: 40n, overrun: 0n });
        expect(await standing(store, FUNDS)).toEqual({ left: 60n, leased: 30n, spent: 40n });
        await expectBalanced();
      });

      test("is paid by whatever nobody leased, once others have what was kept back", async () => {
        await take("b", 95n);
        await settle("a", "r1", { [FIRST]: 40n });
        // 5 of the 70 were still kept back; the other 35 nobody has any more.
        expect(await requestOf("r1")).toEqual({ cost: 40n, overrun: 35n });
        expect(await standing(store, FUNDS)).toEqual({ left: 95n, leased: 95n, spent: 5n });
        await expectBalanced();
      });

      test("is charged to what else the payer has before it is an overrun", async () => {
        await take("b", 100n);
        await store.grant(grantOf(FUNDS, 25n, { id: SECOND, openedAt: AT + 1 }));
        await settle("a", "r1", { [FIRST]: 20n });
        await settle("a", "r2", { [FIRST]: 20n });
        expect([await requestOf("r1"), await requestOf("r2")]).toEqual([
          { cost: 20n, overrun: 0n },
          { cost: 20n, overrun: 15n },
        ]);
        expect(await standing(store, FUNDS)).toEqual({ left: 100n, leased: 100n, spent: 25n });
        await expectBalanced();
      });

      test("is charged the same on every bucket: what the tightest of them allows", async () => {
        await store.grant(limitOf(BUDGET, 10n));
        await settle("a", "r1", { [FIRST]: 30n, [LIMIT]: 30n });
        expect(await requestOf("r1")).toEqual({ cost: 30n, overrun: 20n });
        expect(await standing(store, FUNDS)).toMatchObject({ left: 90n, spent: 10n });
        expect(await standing(store, BUDGET)).toMatchObject({ left: 0n, spent: 10n });
        await expectBalanced();
      });

      test("moves money once, however often it is said and in one batch with others", async () => {
        const batch = batchOf("a", [
          settlementOf("r1", { [FIRST]: 10n }),
          settlementOf("r1", { [FIRST]: 10n }),
          settlementOf("r2", { [FIRST]: 15n }),
        ]);
        expect(await store.applySettlements(batch)).toEqual({ applied: 2 });
        expect(await store.applySettlements(batch)).toEqual({ applied: 0 });
        expect(await standing(store, FUNDS)).toMatchObject({ left: 75n, leased: 45n, spent: 25n });
        await expectBalanced();
      });

      test("is charged exactly, while others take what was kept back", async () => {
        const stores = [store, ledgerStore(await another()), ledgerStore(await another())];
        await Promise.all([
          ...Array.from({ length: 12 }, (_, i) => settle("a", `r${i}`, { [FIRST]: 5n })),
          ...Array.from({ length: 12 }, (_, i) =>
            stores[i % 3]?.takeLease({
              node: "b",
              bucketId: FUNDS,
              need: nanoUsd(7n),
              isAll: true,
              isSparing: true,
              now: AT,
            }),
          ),
        ]);
        const { left, leased, spent } = await standing(store, FUNDS);
        const rows = await Promise.all(Array.from({ length: 12 }, (_, i) => requestOf(`r${i}`)));
        const overrun = rows.reduce((sum, row) => sum + (row?.overrun ?? 0n), 0n);
        expect({ spent, left }).toEqual({ spent: 60n - overrun, left: 40n + overrun });
        expect(leased).toBeLessThanOrEqual(left);
        await expectBalanced();
      });

      test("is wholly an overrun where the account was never heard of", async () => {
        await settle("a", "r1", { "grant:of-another-store": 9n });
        expect(await requestOf("r1")).toEqual({ cost: 9n, overrun: 9n });
        await expectBalanced();
      });

      test("is charged after the node was closed, as far as there is money", async () => {
        await store.closeNode("a", AT);
        await take("b", 90n);
        await settle("a", "r1", { [FIRST]: 40n });
        expect(await requestOf("r1")).toEqual({ cost: 40n, overrun: 30n });
        await expectBalanced();
      });

      test("waits, where its cost was told later, until the node has leases again", async () => {
        const late = lateCostStore(here.database);
        const cost = { requestId: "r1", outcome: "billed" as const, cost: nanoUsd(5n) };
        const batch = { node: "a", at: AT, costs: [{ ...cost, debits: [], overrun: nanoUsd(0n) }] };
        await expect(late.settleLate(batch)).rejects.toThrow("the node was fenced");
        await store.rejoinNode("a", AT);
        expect(await late.settleLate(batch)).toEqual(new Set());
      });
    });

    describe("a node that rejoins", () => {
      test("has a claim again and no lease, and leases anew as if for the first time", async () => {
        await take("a", 70n);
        await settle("a", "r1", { [FIRST]: 10n });
        await fence("a");
        await settle("a", "r2", { [FIRST]: 10n });
        await store.rejoinNode("a", AT + 2);
        expect(await store.renewClaim("a", AT + 3)).toBe(true);
        expect(await standing(store, FUNDS)).toEqual({ left: 80n, leased: 0n, spent: 20n });
        const { slices } = await takeWith("a", { need: 5n });
        expect(slices).toMatchObject([{ taken: 5n, returned: 0n, settled: 0n }]);
        await expectBalanced();
      });

      test("cannot be fenced for a silence of before", async () => {
        const [seen] = await store.otherClaims("b");
        await fence("a");
        await store.rejoinNode("a", AT + 2);
        expect(await store.fenceNode(seen ?? { node: "a", beat: 0 }, AT + 3)).toBe(false);
      });
    });

    describe("leases that ended", () => {
      test("are those with nothing out, and are forgotten with their sums", async () => {
        await take("a", 70n);
        await settle("a", "r1", { [FIRST]: 40n });
        expect(await store.endedLeases("a", [FUNDS, BUDGET])).toEqual(new Map([[BUDGET, []]]));
        await store.returnLease("a", new Map([[FIRST, nanoUsd(30n)]]));
        const ended = await store.endedLeases("a", [FUNDS]);
        expect(ended).toEqual(new Map([[FUNDS, [{ account: FIRST, taken: nanoUsd(70n) }]]]));
        await store.dropLeases("a", ended);
        expect(await here.database.db.selectFrom("leases").selectAll().execute()).toEqual([]);
        await expectBalanced();
      });

      test("stay when they were taken up again meanwhile", async () => {
        await take("a", 70n);
        await store.returnLease("a", new Map([[FIRST, nanoUsd(70n)]]));
        const ended = await store.endedLeases("a", [FUNDS]);
        await take("a", 20n);
        await store.returnLease("a", new Map([[FIRST, nanoUsd(90n)]]));
        await store.dropLeases("a", ended);
        const { slices } = await takeWith("a", { need: 5n });
        expect(slices).toMatchObject([{ taken: 95n, returned: 90n }]);
        await expectBalanced();
      });
    });

    test("nodes are listed with their host, their state and what they have of people's funds", async () => {
      await store.grant(limitOf(BUDGET, 50n));
      await take("a", 70n);
      await store.takeLease({
        node: "a",
        bucketId: BUDGET,
        need: nanoUsd(50n),
        isAll: false,
        isSparing: true,
        now: AT,
      });
      await store.renewClaim("a", AT + 5);
      await store.openNode("c", AT + 1);
      await fence("c");
      await store.closeNode("b", AT + 7);
      const shown = (await store.nodes(AT)).map(({ id, host, state, leased, lastHeartbeatAt }) => ({
        id,
        host,
        state,
        leased: BigInt(leased),
        lastHeartbeatAt,
      }));
      expect(shown).toEqual([
        { id: "a", host: "host-of-a", state: "open", leased: 70n, lastHeartbeatAt: AT + 5 },
        { id: "b", host: "host-of-b", state: "closed", leased: 0n, lastHeartbeatAt: AT },
        { id: "c", host: "", state: "fenced", leased: 0n, lastHeartbeatAt: AT + 1 },
      ]);
      expect((await store.nodes(AT + 7)).map(({ id }) => id)).toEqual(["a", "c"]);
    });
  });
}
