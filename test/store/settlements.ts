/** What every engine must do the same when requests are settled, and when grants and limits expire. */
import { beforeEach, describe, expect, test } from "bun:test";
import { sql } from "kysely";
import { nanoUsd } from "../../src/kernel/money.js";
import { limitAccount } from "../../src/ledger/account.js";
import { usageReader } from "../../src/store/books/usage.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import {
  AT,
  batchOf,
  grantOf,
  limitOf,
  settlementOf,
  standing,
  usageBy,
} from "../support/ledger.js";
import { CONNECTIONS, type Engine, FUNDS, freshStore, GRANT } from "./fresh-store.js";

export function settlementContract(engine: Engine): void {
  describe(`settlements and expiry, on ${engine.name}`, () => {
    const here = freshStore(engine);
    const { another, take, expectBalanced } = here;

    describe("settlements", () => {
      const BUDGET = "token:t";
      const LIMIT = `limit:${BUDGET}:total`;

      beforeEach(async () => {
        await here.store.openNode("a", AT);
        await here.store.grant(grantOf(FUNDS, 1_000n));
        await take("a", 1_000n);
      });

      const request = (n: number, amount = 10n) =>
        settlementOf(`r${n}`, { [GRANT]: amount }, { at: AT + n });
      const spent = async () => (await standing(here.store, FUNDS)).spent;

      test("the same batch twice moves money once, and so does an overlapping one", async () => {
        const batch = batchOf("a", [request(1), request(2)]);
        expect(await here.store.applySettlements(batch)).toEqual({ applied: 2 });
        expect(await here.store.applySettlements(batch)).toEqual({ applied: 0 });
        const overlapping = batchOf("a", [request(2), request(3)]);
        expect(await here.store.applySettlements(overlapping)).toEqual({ applied: 1 });
        expect(await standing(here.store, FUNDS)).toEqual({ left: 970n, leased: 970n, spent: 30n });
        const [hour] = await usageBy(here.database, "user", "model", 0, AT + 1);
        expect(hour).toMatchObject({ requests: 3, cost: nanoUsd(30n) });
        await expectBalanced();
      });

      test("the same settlement twice in one batch moves money once", async () => {
        const batch = batchOf("a", [request(1), request(2), request(1)]);
        expect(await here.store.applySettlements(batch)).toEqual({ applied: 2 });
        expect(await spent()).toBe(20n);
        const [hour] = await usageBy(here.database, "user", "model", 0, AT + 1);
        expect(hour?.requests).toBe(2);
        await expectBalanced();
      });

      test("a transaction that breaks off in the middle leaves nothing behind", async () => {
        await sql`alter table usage_hourly rename to elsewhere`.execute(here.database.db);
        const failing = here.store.applySettlements(batchOf("a", [request(1)], 500));
        await expect(failing).rejects.toThrow();
        await sql`alter table elsewhere rename to usage_hourly`.execute(here.database.db);
        expect(await standing(here.store, FUNDS)).toEqual({
          left: 1_000n,
          leased: 1_000n,
          spent: 0n,
        });
        expect(await here.store.spoolPosition("a")).toEqual({ segment: 0, offset: 0 });
        expect(await usageReader(here.database).newestRequests("user", 10)).toEqual([]);
        await here.store.applySettlements(batchOf("a", [request(1)], 500));
        expect(await spent()).toBe(10n);
        expect(await here.store.spoolPosition("a")).toEqual({ segment: 0, offset: 500 });
        await expectBalanced();
      });

      test("drains of the same records on many connections at once move money once", async () => {
        const stores = [here.store];
        for (let i = 1; i < CONNECTIONS; i++) stores.push(ledgerStore(await another()));
        const requests = Array.from({ length: 300 }, (_, n) => request(n, 3n));
        const outcomes = await Promise.all(
          stores.flatMap((each, i) =>
            [0, 100, 200].map((from) =>
              each.applySettlements(batchOf("a", requests.slice(from, from + 100 - i))),
            ),
          ),
        );
        expect(outcomes.reduce((sum, { applied }) => sum + applied, 0)).toBe(300);
        expect(await standing(here.store, FUNDS)).toEqual({
          left: 100n,
          leased: 100n,
          spent: 900n,
        });
        await expectBalanced();
      });

      test("drains, leases and returns of many processes at once keep the books", async () => {
        await here.store.grant(grantOf(FUNDS, 50_000n, { id: "grant:more" }));
        const nodes = ["b", "c", "d", "e"];
        const stores = await Promise.all(nodes.map(async () => ledgerStore(await another())));
        await Promise.all(
          stores.map(async (each, i) => {
            const node = nodes[i] ?? "";
            await each.openNode(node, AT);
            let returned = 0n;
            for (let round = 0; round < 10; round++) {
              const ask = {
                node,
                bucketId: FUNDS,
                need: nanoUsd(100n),
                isAll: false,
                isSparing: false,
                now: AT,
              };
              const { slices } = await each.takeLease(ask);
              const got = slices.find(({ account }) => account === "grant:more");
              if (!got) continue;
              const used = settlementOf(`${node}-${round}`, { "grant:more": 60n });
              returned = got.taken - BigInt(round + 1) * 60n;
              await Promise.all([
                each.applySettlements(batchOf(node, [used])),
                each.returnLease(node, new Map([["grant:more", nanoUsd(returned)]])),
              ]);
            }
          }),
        );
        await expectBalanced();
        for (const node of nodes) await here.store.closeNode(node, AT);
        expect(await standing(here.store, FUNDS)).toEqual({
          left: 51_000n - 2_400n,
          leased: 1_000n,
          spent: 2_400n,
        });
        await expectBalanced();
      });

      test("a request counts on its budget as on its funds", async () => {
        await here.store.grant(limitOf(BUDGET, 50n));
        await take("a", 50n, BUDGET);
        const both = settlementOf("r1", { [GRANT]: 20n, [LIMIT]: 20n });
        await here.store.applySettlements(batchOf("a", [both]));
        expect((await standing(here.store, BUDGET)).left).toBe(30n);
        expect(await spent()).toBe(20n);
        await expectBalanced();
      });

      test("an overrun is the operator's, and the provider is still owed the whole cost", async () => {
        const over = settlementOf("r1", { [GRANT]: 1_000n }, { overrun: nanoUsd(5n) });
        await here.store.applySettlements(batchOf("a", [over]));
        expect(await spent()).toBe(1_000n);
        const balances = await here.database.db
          .selectFrom("accounts")
          .select(["id", "balance"])
          .where("id", "in", ["overrun", "provider:acme"])
          .orderBy("id")
          .execute();
        expect(balances).toEqual([
          { id: "overrun", balance: -5n },
          { id: "provider:acme", balance: 1_005n },
        ]);
        await expectBalanced();
      });

      test("a free request is kept and moves nothing", async () => {
        await here.store.applySettlements(
          batchOf("a", [settlementOf("r1", {}, { outcome: "interrupted", status: 502 })]),
        );
        expect(await spent()).toBe(0n);
        const [kept] = await usageReader(here.database).newestRequests("user", 1);
        expect(kept).toMatchObject({ id: "r1", outcome: "interrupted", cost: nanoUsd(0n) });
        await expectBalanced();
      });

      test("closing a node gives back all it had leased and not spent, once", async () => {
        await here.store.applySettlements(batchOf("a", [request(1, 100n)]));
        await here.store.returnLease("a", new Map([[GRANT, nanoUsd(50n)]]));
        await here.store.closeNode("a", AT);
        await here.store.closeNode("a", AT);
        await here.store.closeNode("nobody", AT);
        expect(await standing(here.store, FUNDS)).toEqual({ left: 900n, leased: 0n, spent: 100n });
        expect(await take("b", 900n)).toEqual({ [GRANT]: 900n });
        await expectBalanced();
      });

      test("a node that is closed on many connections at once gives back once", async () => {
        const stores = [here.store];
        for (let i = 1; i < CONNECTIONS; i++) stores.push(ledgerStore(await another()));
        await Promise.all(stores.map((each) => each.closeNode("a", AT)));
        expect(await standing(here.store, FUNDS)).toEqual({ left: 1_000n, leased: 0n, spent: 0n });
        await expectBalanced();
      });
    });

    describe("expiry", () => {
      const END = AT + 1_000;

      test("what is left of a grant expires once, and what is leased only when it comes back", async () => {
        await here.store.openNode("a", AT);
        await here.store.grant(grantOf(FUNDS, 100n, { expiresAt: END }));
        await take("a", 20n);
        expect(await here.store.expireAccounts(END - 1)).toBe(0);
        expect(await here.store.expireAccounts(END)).toBe(1);
        expect(await here.store.expireAccounts(END)).toBe(0);
        expect(await balanceOf("expired")).toBe(40n);
        await here.store.applySettlements(batchOf("a", [settlementOf("r1", { [GRANT]: 15n })]));
        await here.store.closeNode("a", AT);
        expect(await here.store.expireAccounts(END)).toBe(1);
        expect(await balanceOf("expired")).toBe(85n);
        expect(await balanceOf(GRANT)).toBe(0n);
        await expectBalanced();
      });

      test("an expired grant can be neither leased nor seen", async () => {
        await here.store.grant(grantOf(FUNDS, 100n, { expiresAt: END }));
        expect(await take("a", 1n, FUNDS, END)).toEqual({});
        expect((await here.store.credit(FUNDS, END)).accounts).toEqual([]);
      });

      test("what is left of a limit that ran out goes back to where it came from", async () => {
        const limit = limitAccount("token:t", { amount: nanoUsd(9n), period: "month" }, AT);
        await here.store.grant(limit);
        expect(await balanceOf("allowance:token:t")).toBe(-9n);
        expect(await here.store.expireAccounts(limit.expiresAt ?? 0)).toBe(1);
        expect(await balanceOf("allowance:token:t")).toBe(0n);
        expect(await balanceOf("expired")).toBeUndefined();
        await expectBalanced();
      });

      test("many connections that expire at slightly different moments expire once", async () => {
        const stores = [here.store];
        for (let i = 1; i < CONNECTIONS; i++) stores.push(ledgerStore(await another()));
        for (let round = 0; round < 5; round++) {
          await here.store.grant(grantOf(FUNDS, 100n, { id: `grant:${round}`, expiresAt: END }));
          const counts = await Promise.all(
            stores.map((each, i) => each.expireAccounts(END + round * 10 + i)),
          );
          expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1);
        }
        expect(await balanceOf("expired")).toBe(500n);
        await expectBalanced();
      });

      test("a grant that expires while it is being leased goes one way or the other", async () => {
        const other = ledgerStore(await another());
        for (let round = 0; round < 10; round++) {
          const id = `grant:${round}`;
          await here.store.grant(grantOf(FUNDS, 100n, { id, expiresAt: END }));
          const ask = {
            node: "a",
            bucketId: FUNDS,
            need: nanoUsd(100n),
            isAll: false,
            isSparing: false,
            now: END - 1,
          };
          await Promise.all([here.store.takeLease(ask), other.expireAccounts(END + round)]);
        }
        await expectBalanced();
      });

      const balanceOf = async (id: string): Promise<bigint | undefined> => {
        const query = here.database.db
          .selectFrom("accounts")
          .select("balance")
          .where("id", "=", id);
        return (await query.executeTakeFirst())?.balance;
      };
    });
  });
}
