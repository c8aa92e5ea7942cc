/** What every engine must do the same. Each test has a store of its own, with nothing in it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { sql } from "kysely";
import { nanoUsd } from "../../src/kernel/money.js";
import { limitAccount } from "../../src/ledger/account.js";
import type { LeaseAnswer, LedgerStore } from "../../src/ledger/store.js";
import { usageReader } from "../../src/store/books/usage.js";
import { changeFeed } from "../../src/store/changes.js";
import type { Database } from "../../src/store/database.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { openStore } from "../../src/store/open.js";
import { tenantStore } from "../../src/store/tenants/tenants.js";
import { issueToken, registerUser } from "../../src/tenants/register.js";
import { manualClock } from "../support/clock.js";
import {
  AT,
  batchOf,
  grantOf,
  limitOf,
  settlementOf,
  standing,
  usageBy,
} from "../support/ledger.js";

export type Engine = {
  readonly name: string;
  readonly start?: () => Promise<unknown>;
  /** Where a new, empty store may be made. */
  readonly freshPlace: () => Promise<string>;
  readonly clean: () => void;
};

const FUNDS = "user:ada";
const GRANT = `grant:${FUNDS}:promotional:1`;
/** The first whole number that a double cannot hold. */
const BEYOND_DOUBLE = 2n ** 53n + 1n;
const CONNECTIONS = 4;

export function storeContract(engine: Engine): void {
  describe(`the ${engine.name} store`, () => {
    let place: string;
    let open: Database[];
    let database: Database;
    let store: LedgerStore;

    /** A further connection to the same store, as another process would have it. */
    const another = async (): Promise<Database> => {
      const other = await openStore(place);
      open.push(other);
      return other;
    };

    beforeAll(async () => {
      await engine.start?.();
    });
    beforeEach(async () => {
      place = await engine.freshPlace();
      open = [];
      database = await another();
      store = ledgerStore(database);
    });
    afterEach(async () => {
      await Promise.all(open.map((each) => each.close()));
    });
    afterAll(engine.clean);

    const takenOf = (answer: LeaseAnswer): Record<string, bigint> =>
      Object.fromEntries(answer.slices.map(({ account, taken }) => [account, BigInt(taken)]));

    const take = async (node: string, need: bigint, bucket = FUNDS, now = AT) =>
      takenOf(
        await store.takeLease({
          node,
          bucketId: bucket,
          need: nanoUsd(need),
          isAll: false,
          isSparing: false,
          now,
        }),
      );

    const expectBalanced = async (): Promise<void> => {
      expect(await store.audit()).toMatchObject({ balanced: true, faults: [] });
    };

    describe("whole numbers", () => {
      test("2^53 + 1 nano-USD is written and read back to the last digit", async () => {
        await store.openNode("a", AT);
        await store.grant(grantOf(FUNDS, BEYOND_DOUBLE));
        expect(await take("a", BEYOND_DOUBLE)).toEqual({ [GRANT]: BEYOND_DOUBLE });
        const debit = { [GRANT]: BEYOND_DOUBLE };
        await store.applySettlements(batchOf("a", [settlementOf("r1", debit)]));
        expect((await standing(store, FUNDS)).spent).toBe(BEYOND_DOUBLE);
        const [request] = await usageReader(database).newestRequests("user", 1);
        expect(request?.cost).toBe(nanoUsd(BEYOND_DOUBLE));
        const [usage] = await usageBy(database, "user", "model", 0, AT + 1);
        expect(usage?.cost).toBe(nanoUsd(BEYOND_DOUBLE));
        await expectBalanced();
      });

      test("a budget of 2^53 + 1 nano-USD is kept with its token", async () => {
        const tenants = tenantStore(database, "a", manualClock().clock);
        const { user } = await registerUser(
          tenants,
          { name: "ada", plan: "free", role: "user" },
          AT,
        );
        const budget = { amount: nanoUsd(BEYOND_DOUBLE), period: "total" } as const;
        const { token } = issueToken(user.id, { name: "t", scopes: ["inference"], budget }, AT);
        await tenants.addToken(token);
        expect((await tenants.findTokenByHash(token.hash))?.budget).toEqual(budget);
      });
    });

    describe("openings", () => {
      test("the same grant twice is one grant", async () => {
        await store.grant(grantOf(FUNDS, 100n));
        await store.grant(grantOf(FUNDS, 100n));
        expect(await standing(store, FUNDS)).toEqual({ left: 100n, leased: 0n, spent: 0n });
        await expectBalanced();
      });

      test("a changed amount under the same id changes nothing that was opened", async () => {
        await store.grant(grantOf(FUNDS, 100n));
        await store.grant(grantOf(FUNDS, 900n));
        expect((await standing(store, FUNDS)).left).toBe(100n);
        await expectBalanced();
      });
    });

    describe("leases", () => {
      test("a lease is what is needed and half of the rest, and never more than there is", async () => {
        await store.grant(grantOf(FUNDS, 100n));
        expect(await take("a", 40n)).toEqual({ [GRANT]: 70n });
        expect(await take("b", 20n)).toEqual({ [GRANT]: 25n });
        expect(await take("b", 1_000n)).toEqual({ [GRANT]: 30n });
        expect(await take("c", 1n)).toEqual({});
        expect(await standing(store, FUNDS)).toEqual({ left: 100n, leased: 100n, spent: 0n });
        await expectBalanced();
      });

      test("a process that is sparing takes what it needs and no more", async () => {
        await store.grant(grantOf(FUNDS, 100n));
        const ask = { node: "a", bucketId: FUNDS, isAll: false, isSparing: true, now: AT };
        const answer = (need: bigint) => store.takeLease({ ...ask, need: nanoUsd(need) });
        expect(takenOf(await answer(40n))).toEqual({ [GRANT]: 40n });
        expect(takenOf(await answer(0n))).toEqual({ [GRANT]: 40n });
        expect(takenOf(await answer(61n))).toEqual({ [GRANT]: 100n });
      });

      test("a process that wants all or nothing takes nothing where there is less", async () => {
        await store.grant(grantOf(FUNDS, 100n));
        const ask = { node: "a", bucketId: FUNDS, isAll: true, isSparing: false, now: AT };
        const answer = (need: bigint) => store.takeLease({ ...ask, need: nanoUsd(need) });
        expect(await answer(101n)).toMatchObject({ slices: [], unleased: nanoUsd(100n) });
        expect(takenOf(await answer(100n))).toEqual({ [GRANT]: 100n });
      });

      test("the answer tells what is left unleased and whether others hold a lease", async () => {
        await store.grant(grantOf(FUNDS, 100n));
        const ask = {
          bucketId: FUNDS,
          need: nanoUsd(50n),
          isAll: false,
          isSparing: false,
          now: AT,
        };
        expect(await store.takeLease({ ...ask, node: "a" })).toMatchObject({
          unleased: nanoUsd(25n),
          othersHold: false,
          elsewhere: nanoUsd(0n),
        });
        expect(await store.takeLease({ ...ask, node: "b" })).toMatchObject({
          unleased: nanoUsd(0n),
          othersHold: true,
          elsewhere: nanoUsd(75n),
        });
        await store.returnLease("a", new Map([[GRANT, nanoUsd(75n)]]));
        expect(await store.takeLease({ ...ask, node: "b" })).toMatchObject({ othersHold: false });
      });

      test("what expires first is leased and listed first, what never expires last", async () => {
        const at = (id: string, expiresAt: number | undefined, openedAt = AT) =>
          store.grant(grantOf(FUNDS, 10n, { id: `grant:${id}`, expiresAt, openedAt }));
        await at("never", undefined, AT - 9);
        await at("late", AT + 2_000);
        await at("younger", AT + 1_000, AT + 5);
        await at("older", AT + 1_000, AT);
        await at("over", AT);
        const ask = {
          node: "a",
          bucketId: FUNDS,
          need: nanoUsd(24n),
          isAll: false,
          isSparing: false,
          now: AT,
        };
        const answer = await store.takeLease(ask);
        expect(takenOf(answer)).toEqual({
          "grant:older": 10n,
          "grant:younger": 10n,
          "grant:late": 10n,
          "grant:never": 2n,
        });
        expect(answer.slices.map(({ account }) => account)).toEqual([
          "grant:older",
          "grant:younger",
          "grant:late",
          "grant:never",
        ]);
      });

      test("connections that all want everything get no more than there is", async () => {
        await store.grant(grantOf(FUNDS, 1_000n));
        const stores = [store];
        for (let i = 1; i < CONNECTIONS; i++) stores.push(ledgerStore(await another()));
        const answers = await Promise.all(
          stores.flatMap((each, i) =>
            Array.from({ length: 10 }, () =>
              each.takeLease({
                node: `n${i}`,
                bucketId: FUNDS,
                need: nanoUsd(90n),
                isAll: false,
                isSparing: false,
                now: AT,
              }),
            ),
          ),
        );
        // Each answer tells all that was ever taken, so the largest of a node is what it has.
        const most = stores.map((_, i) =>
          answers
            .slice(i * 10, i * 10 + 10)
            .map(({ slices }) => slices.reduce((sum, { taken }) => sum + taken, 0n))
            .sort((a, b) => Number(a - b))
            .at(-1),
        );
        expect(most.reduce<bigint>((sum, taken = 0n) => sum + taken, 0n)).toBe(1_000n);
        expect(await standing(store, FUNDS)).toEqual({ left: 1_000n, leased: 1_000n, spent: 0n });
        await expectBalanced();
      });

      test("processes that all want everything get no more than there is", async () => {
        await store.grant(grantOf(FUNDS, 12_345n));
        const sums = await Promise.all(
          ["p1", "p2", "p3", "p4"].map((node) => run("take-leases.ts", place, node, FUNDS)),
        );
        expect(sums.reduce((sum, text) => sum + BigInt(text), 0n)).toBe(12_345n);
        expect(await standing(store, FUNDS)).toEqual({ left: 12_345n, leased: 12_345n, spent: 0n });
        await expectBalanced();
      });

      test("giving back is heard once, however often it is said", async () => {
        await store.grant(grantOf(FUNDS, 100n));
        await take("a", 100n);
        const back = (total: bigint) => store.returnLease("a", new Map([[GRANT, nanoUsd(total)]]));
        await back(30n);
        await back(30n);
        await back(20n);
        expect((await standing(store, FUNDS)).leased).toBe(70n);
        await Promise.all([back(50n), back(50n), back(50n), back(40n)]);
        expect((await standing(store, FUNDS)).leased).toBe(50n);
        await expectBalanced();
      });

      test("giving back on many connections at once is heard once", async () => {
        await store.grant(grantOf(FUNDS, 100n));
        await take("a", 100n);
        const stores = [store];
        for (let i = 1; i < CONNECTIONS; i++) stores.push(ledgerStore(await another()));
        for (let total = 10n; total <= 100n; total += 10n) {
          const report = new Map([[GRANT, nanoUsd(total)]]);
          await Promise.all(stores.map((each) => each.returnLease("a", report)));
          expect((await standing(store, FUNDS)).leased).toBe(100n - total);
        }
        await expectBalanced();
      });

      test("giving back something of an unknown node or account changes nothing", async () => {
        await store.grant(grantOf(FUNDS, 100n));
        await store.returnLease("nobody", new Map([[GRANT, nanoUsd(10n)]]));
        await store.returnLease("nobody", new Map([["grant:unknown", nanoUsd(10n)]]));
        expect(await standing(store, FUNDS)).toEqual({ left: 100n, leased: 0n, spent: 0n });
      });

      test("a recall is answered once every other process with something out has answered", async () => {
        await store.grant(grantOf(FUNDS, 100n));
        await take("a", 40n);
        await take("b", 10n);
        await take("c", 10n);
        const recall = await store.askBack("a", FUNDS, AT);
        const recalled = async (node: string, asked: number) =>
          (await store.recallState(node, FUNDS, asked, AT)).isAnswered;
        const isAnswered = () => recalled("a", recall);
        expect(await isAnswered()).toBe(false);
        await store.answerRecall("b", FUNDS, recall, new Map());
        expect(await isAnswered()).toBe(false);
        const c = (await take("c", 0n))[GRANT] ?? 0n;
        await store.returnLease("c", new Map([[GRANT, nanoUsd(c)]]));
        expect(await isAnswered()).toBe(true);
        const next = await store.askBack("a", FUNDS, AT);
        expect(next).toBeGreaterThan(recall);
        expect(await recalled("a", next)).toBe(false);
        await store.answerRecall("b", FUNDS, next, new Map());
        expect(await recalled("a", next)).toBe(true);
        expect(await isAnswered()).toBe(true);
      });

      test("an answer holds until its process takes more than it needs", async () => {
        await store.grant(grantOf(FUNDS, 100n));
        await take("b", 10n);
        const recall = await store.askBack("a", FUNDS, AT);
        await store.answerRecall("b", FUNDS, recall, new Map());
        const isAnswered = async () => (await store.recallState("a", FUNDS, recall, AT)).isAnswered;
        const ask = { node: "b", bucketId: FUNDS, need: nanoUsd(5n), isAll: false, now: AT };
        await store.takeLease({ ...ask, isSparing: true });
        expect(await isAnswered()).toBe(true);
        await store.takeLease({ ...ask, isSparing: false });
        expect(await isAnswered()).toBe(false);
      });
    });

    describe("settlements", () => {
      const BUDGET = "token:t";
      const LIMIT = `limit:${BUDGET}:total`;

      beforeEach(async () => {
        await store.openNode("a", AT);
        await store.grant(grantOf(FUNDS, 1_000n));
        await take("a", 1_000n);
      });

      const request = (n: number, amount = 10n) =>
        settlementOf(`r${n}`, { [GRANT]: amount }, { at: AT + n });
      const spent = async () => (await standing(store, FUNDS)).spent;

      test("the same batch twice moves money once, and so does an overlapping one", async () => {
        const batch = batchOf("a", [request(1), request(2)]);
        expect(await store.applySettlements(batch)).toEqual({ applied: 2 });
        expect(await store.applySettlements(batch)).toEqual({ applied: 0 });
        const overlapping = batchOf("a", [request(2), request(3)]);
        expect(await store.applySettlements(overlapping)).toEqual({ applied: 1 });
        expect(await standing(store, FUNDS)).toEqual({ left: 970n, leased: 970n, spent: 30n });
        const [hour] = await usageBy(database, "user", "model", 0, AT + 1);
        expect(hour).toMatchObject({ requests: 3, cost: nanoUsd(30n) });
        await expectBalanced();
      });

      test("the same settlement twice in one batch moves money once", async () => {
        const batch = batchOf("a", [request(1), request(2), request(1)]);
        expect(await store.applySettlements(batch)).toEqual({ applied: 2 });
        expect(await spent()).toBe(20n);
        const [hour] = await usageBy(database, "user", "model", 0, AT + 1);
        expect(hour?.requests).toBe(2);
        await expectBalanced();
      });

      test("a transaction that breaks off in the middle leaves nothing behind", async () => {
        await sql`alter table usage_hourly rename to elsewhere`.execute(database.db);
        const failing = store.applySettlements(batchOf("a", [request(1)], 500));
        await expect(failing).rejects.toThrow();
        await sql`alter table elsewhere rename to usage_hourly`.execute(database.db);
        expect(await standing(store, FUNDS)).toEqual({ left: 1_000n, leased: 1_000n, spent: 0n });
        expect(await store.spoolPosition("a")).toEqual({ segment: 0, offset: 0 });
        expect(await usageReader(database).newestRequests("user", 10)).toEqual([]);
        await store.applySettlements(batchOf("a", [request(1)], 500));
        expect(await spent()).toBe(10n);
        expect(await store.spoolPosition("a")).toEqual({ segment: 0, offset: 500 });
        await expectBalanced();
      });

      test("drains of the same records on many connections at once move money once", async () => {
        const stores = [store];
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
        expect(await standing(store, FUNDS)).toEqual({ left: 100n, leased: 100n, spent: 900n });
        await expectBalanced();
      });

      test("drains, leases and returns of many processes at once keep the books", async () => {
        await store.grant(grantOf(FUNDS, 50_000n, { id: "grant:more" }));
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
        for (const node of nodes) await store.closeNode(node, AT);
        expect(await standing(store, FUNDS)).toEqual({
          left: 51_000n - 2_400n,
          leased: 1_000n,
          spent: 2_400n,
        });
        await expectBalanced();
      });

      test("a request counts on its budget as on its funds", async () => {
        await store.grant(limitOf(BUDGET, 50n));
        await take("a", 50n, BUDGET);
        const both = settlementOf("r1", { [GRANT]: 20n, [LIMIT]: 20n });
        await store.applySettlements(batchOf("a", [both]));
        expect((await standing(store, BUDGET)).left).toBe(30n);
        expect(await spent()).toBe(20n);
        await expectBalanced();
      });

      test("an overrun is the operator's, and the provider is still owed the whole cost", async () => {
        const over = settlementOf("r1", { [GRANT]: 1_000n }, { overrun: nanoUsd(5n) });
        await store.applySettlements(batchOf("a", [over]));
        expect(await spent()).toBe(1_000n);
        const balances = await database.db
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
        await store.applySettlements(
          batchOf("a", [settlementOf("r1", {}, { outcome: "interrupted", status: 502 })]),
        );
        expect(await spent()).toBe(0n);
        const [kept] = await usageReader(database).newestRequests("user", 1);
        expect(kept).toMatchObject({ id: "r1", outcome: "interrupted", cost: nanoUsd(0n) });
        await expectBalanced();
      });

      test("closing a node gives back all it had leased and not spent, once", async () => {
        await store.applySettlements(batchOf("a", [request(1, 100n)]));
        await store.returnLease("a", new Map([[GRANT, nanoUsd(50n)]]));
        await store.closeNode("a", AT);
        await store.closeNode("a", AT);
        await store.closeNode("nobody", AT);
        expect(await standing(store, FUNDS)).toEqual({ left: 900n, leased: 0n, spent: 100n });
        expect(await take("b", 900n)).toEqual({ [GRANT]: 900n });
        await expectBalanced();
      });

      test("a node that is closed on many connections at once gives back once", async () => {
        const stores = [store];
        for (let i = 1; i < CONNECTIONS; i++) stores.push(ledgerStore(await another()));
        await Promise.all(stores.map((each) => each.closeNode("a", AT)));
        expect(await standing(store, FUNDS)).toEqual({ left: 1_000n, leased: 0n, spent: 0n });
        await expectBalanced();
      });
    });

    describe("expiry", () => {
      const END = AT + 1_000;

      test("what is left of a grant expires once, and what is leased only when it comes back", async () => {
        await store.openNode("a", AT);
        await store.grant(grantOf(FUNDS, 100n, { expiresAt: END }));
        await take("a", 20n);
        expect(await store.expireAccounts(END - 1)).toBe(0);
        expect(await store.expireAccounts(END)).toBe(1);
        expect(await store.expireAccounts(END)).toBe(0);
        expect(await balanceOf("expired")).toBe(40n);
        await store.applySettlements(batchOf("a", [settlementOf("r1", { [GRANT]: 15n })]));
        await store.closeNode("a", AT);
        expect(await store.expireAccounts(END)).toBe(1);
        expect(await balanceOf("expired")).toBe(85n);
        expect(await balanceOf(GRANT)).toBe(0n);
        await expectBalanced();
      });

      test("an expired grant can be neither leased nor seen", async () => {
        await store.grant(grantOf(FUNDS, 100n, { expiresAt: END }));
        expect(await take("a", 1n, FUNDS, END)).toEqual({});
        expect((await store.credit(FUNDS, END)).accounts).toEqual([]);
      });

      test("what is left of a limit that ran out goes back to where it came from", async () => {
        const limit = limitAccount("token:t", { amount: nanoUsd(9n), period: "month" }, AT);
        await store.grant(limit);
        expect(await balanceOf("allowance:token:t")).toBe(-9n);
        expect(await store.expireAccounts(limit.expiresAt ?? 0)).toBe(1);
        expect(await balanceOf("allowance:token:t")).toBe(0n);
        expect(await balanceOf("expired")).toBeUndefined();
        await expectBalanced();
      });

      test("many connections that expire at slightly different moments expire once", async () => {
        const stores = [store];
        for (let i = 1; i < CONNECTIONS; i++) stores.push(ledgerStore(await another()));
        for (let round = 0; round < 5; round++) {
          await store.grant(grantOf(FUNDS, 100n, { id: `grant:${round}`, expiresAt: END }));
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
          await store.grant(grantOf(FUNDS, 100n, { id, expiresAt: END }));
          const ask = {
            node: "a",
            bucketId: FUNDS,
            need: nanoUsd(100n),
            isAll: false,
            isSparing: false,
            now: END - 1,
          };
          await Promise.all([store.takeLease(ask), other.expireAccounts(END + round)]);
        }
        await expectBalanced();
      });

      const balanceOf = async (id: string): Promise<bigint | undefined> => {
        const query = database.db.selectFrom("accounts").select("balance").where("id", "=", id);
        return (await query.executeTakeFirst())?.balance;
      };
    });

    describe("the audit", () => {
      beforeEach(async () => {
        await store.openNode("a", AT);
        await store.grant(grantOf(FUNDS, 1_000n));
        await store.grant(limitOf("token:t", 500n));
        await take("a", 600n);
        await take("a", 500n, "token:t");
        const debits = { [GRANT]: 100n, "limit:token:t:total": 100n };
        await store.applySettlements(batchOf("a", [settlementOf("r1", debits)]));
        await expectBalanced();
      });

      const faults = async (): Promise<string> => {
        const report = await store.audit();
        expect(report.balanced).toBe(false);
        return report.faults.join("\n");
      };
      const db = () => database.db;

      const changeRow = (facts: Record<string, bigint>, id = "r1") =>
        db().updateTable("settlements").set(facts).where("id", "=", id).execute();

      test("names the accounts and the request of a settlement that was changed", async () => {
        await changeRow({ charged: 101n });
        const named = await faults();
        expect(named).toContain(`account ${GRANT}: says 900, its transfers say 899`);
        expect(named).toContain("account limit:token:t:total: says 400, its transfers say 399");
        expect(named).toContain("account provider:acme: says 100, its transfers say 101");
        expect(named).toContain("request r1: cost 100, its provider was credited 101");
        await changeRow({ charged: 100n, unpaid: 3n });
        expect(await faults()).toContain("account overrun is missing");
      });

      test("names the accounts of a settlement whose profile or purse was changed", async () => {
        await db().updateTable("profiles").set({ provider: "else" }).execute();
        const named = await faults();
        expect(named).toContain("account provider:acme: says 100, its transfers say 0");
        expect(named).toContain("account provider:else is missing");
        await db().updateTable("profiles").set({ provider: "acme" }).execute();
        await db().deleteFrom("purse_accounts").where("account", "=", GRANT).execute();
        expect(await faults()).toContain(`account ${GRANT}: says 900, its transfers say 1000`);
      });

      test("names the accounts of a posted transfer that was changed, sent elsewhere or removed", async () => {
        const open = `open:${GRANT}`;
        const change = (facts: { amount?: bigint; credit?: string }) =>
          db().updateTable("posted_transfers").set(facts).where("id", "=", open).execute();
        await change({ amount: 1_001n });
        expect(await faults()).toContain(`account ${GRANT}: says 900, its transfers say 901`);
        await change({ amount: 1_000n, credit: "provider:else" });
        expect(await faults()).toContain("account provider:else is missing");
        await db().deleteFrom("posted_transfers").where("id", "=", open).execute();
        expect(await faults()).toContain(`account ${GRANT}: says 900, its transfers say -100`);
      });

      test("names a transfer of nothing, of less than nothing, and one to itself", async () => {
        const add = (id: string, amount: bigint, credit: string) =>
          db()
            .insertInto("posted_transfers")
            .values({ id, debit: "outside", credit, amount, code: "grant", at: AT })
            .execute();
        await add("t0", 0n, GRANT);
        await add("t1", -5n, GRANT);
        await add("t2", 5n, "outside");
        const named = await faults();
        expect(named).toContain("transfer t0: the amount is 0");
        expect(named).toContain("transfer t1: the amount is -5");
        expect(named).toContain("transfer t2: outside pays itself");
      });

      test("names an account whose balance was changed", async () => {
        await db().updateTable("accounts").set({ balance: 901n }).where("id", "=", GRANT).execute();
        const named = await faults();
        expect(named).toContain(`account ${GRANT}: says 901, its transfers say 900`);
        expect(named).toContain("all balances sum to 1, not 0");
      });

      test("names an account that was removed", async () => {
        await db().deleteFrom("accounts").where("id", "=", "provider:acme").execute();
        expect(await faults()).toContain("account provider:acme is missing");
      });

      test("names an account of which more or less is leased than its leases say", async () => {
        const lease = () => db().updateTable("leases").where("account", "=", GRANT);
        await lease().set({ taken: 799n }).execute();
        expect(await faults()).toContain(`account ${GRANT}: 700 leased, its leases say 699`);
        await lease().set({ taken: 800n }).execute();
        await expectBalanced();
        await db().updateTable("accounts").set({ leased: 0n }).where("id", "=", GRANT).execute();
        expect(await faults()).toContain(`account ${GRANT}: 0 leased, its leases say 700`);
        await db().deleteFrom("leases").where("account", "=", GRANT).execute();
        await expectBalanced();
      });

      test("names an account of which more is leased than it has", async () => {
        await db().updateTable("accounts").set({ leased: 950n }).where("id", "=", GRANT).execute();
        await db()
          .updateTable("leases")
          .set({ taken: 1_050n })
          .where("account", "=", GRANT)
          .execute();
        expect(await faults()).toContain(`account ${GRANT}: 950 leased of 900`);
      });

      test("names a request whose cost was changed, also where the sum stays the same", async () => {
        await store.applySettlements(
          batchOf("a", [settlementOf("r2", { [GRANT]: 50n, "limit:token:t:total": 50n })]),
        );
        await changeRow({ cost: 90n });
        expect(await faults()).toContain("request r1: cost 90, its provider was credited 100");
        await changeRow({ cost: 60n }, "r2");
        expect(await faults()).toContain("request r2: cost 60, its provider was credited 50");
      });

      test("names the accounts of a request that was removed, and one that was made up", async () => {
        await db().deleteFrom("settlements").where("id", "=", "r1").execute();
        expect(await faults()).toContain(`account ${GRANT}: says 900, its transfers say 1000`);
        const split = { [GRANT]: 40n, "limit:token:t:total": 40n, [`${GRANT}0`]: 10n };
        await store.grant(grantOf(FUNDS, 10n, { id: `${GRANT}0` }));
        await take("a", 10n);
        await store.applySettlements(batchOf("a", [settlementOf("r2", split)]));
        await db().updateTable("settlements").set({ id: "r9" }).where("id", "=", "r2").execute();
        const named = await faults();
        expect(named).toContain("request r9: cost 50, its provider was credited 0");
        expect(named).toContain("request r2: is missing, its provider was credited 50");
      });

      test("names a grant whose granted amount is not what was transferred", async () => {
        await db().updateTable("accounts").set({ granted: 9n }).where("id", "=", GRANT).execute();
        expect(await faults()).toContain(`account ${GRANT}: granted 9, its transfers say 1000`);
      });

      test("reads a ledger of more than one page", async () => {
        const requests = Array.from({ length: 21_000 }, (_, n) =>
          settlementOf(`q${n}`, { [GRANT]: 0n }, { overrun: nanoUsd(1n), debits: [] }),
        );
        for (let from = 0; from < requests.length; from += 3_000) {
          await store.applySettlements(batchOf("a", requests.slice(from, from + 3_000)));
        }
        expect(await store.audit()).toMatchObject({ balanced: true, transfers: 21_004 });
        await changeRow({ unpaid: 2n }, "q9");
        expect(await faults()).toContain("account overrun: says -21000, its transfers say -21001");
      });
    });

    describe("transactions", () => {
      test("that wait in the middle do not mix with what else this process does", async () => {
        await store.openNode("a", AT);
        const slow = database.transact(async (tx) => {
          await tx
            .insertInto("nodes")
            .values({ id: "slow", opened_at: AT, segment: 0, offset: 0 })
            .execute();
          await Bun.sleep(50);
          throw new Error("thought better of it");
        });
        const others = Promise.all([
          store.grant(grantOf(FUNDS, 10n)),
          store.openNode("b", AT),
          take("a", 5n),
          store.credit(FUNDS, AT),
        ]);
        await expect(slow).rejects.toThrow("thought better of it");
        await others;
        const nodes = await database.db.selectFrom("nodes").select("id").orderBy("id").execute();
        expect(nodes.map(({ id }) => id)).toEqual(["a", "b"]);
        expect((await standing(store, FUNDS)).left).toBe(10n);
        await expectBalanced();
      });

      test("of many processes wait for each other rather than fail", async () => {
        await store.grant(grantOf(FUNDS, 1_000_000n));
        const stores = [store];
        for (let i = 1; i < CONNECTIONS; i++) stores.push(ledgerStore(await another()));
        await Promise.all(
          stores.map(async (each, i) => {
            for (let round = 0; round < 25; round++) {
              await each.takeLease({
                node: `n${i}`,
                bucketId: FUNDS,
                need: nanoUsd(10n),
                isAll: false,
                isSparing: false,
                now: AT,
              });
            }
          }),
        );
        await expectBalanced();
      });
    });

    describe("opening the store", () => {
      test("six processes that open a fresh store at once find it whole", async () => {
        for (let round = 0; round < 3; round++) {
          const fresh = await engine.freshPlace();
          const at = String(Date.now() + 400);
          await Promise.all(Array.from({ length: 6 }, () => run("open-store.ts", fresh, at)));
          const opened = await openStore(fresh);
          open.push(opened);
          const versions = await opened.db.selectFrom("schema_version").selectAll().execute();
          expect(versions).toHaveLength(1);
        }
      });

      test("a store of a newer Turnpike is left alone", async () => {
        await database.db.updateTable("schema_version").set({ version: 999n }).execute();
        await expect(another()).rejects.toThrow("use a newer Turnpike");
      });
    });

    describe("changes", () => {
      test("reach another connection within a second", async () => {
        const feed = changeFeed(await another());
        const seen = await feed.latest();
        const told = Promise.withResolvers<number>();
        const unwatch = await feed.watch(() => {
          feed
            .since(seen)
            .then((changes) => changes.length > 0 && told.resolve(Date.now()), told.reject);
        });
        // The listener has to be there first, or only the poll would tell.
        await Bun.sleep(150);
        const tenants = tenantStore(database, "a", manualClock().clock);
        const began = Date.now();
        const { user } = await registerUser(
          tenants,
          { name: "ada", plan: "free", role: "user" },
          AT,
        );
        const within = (await told.promise) - began;
        await unwatch();
        expect(within).toBeLessThan(1_000);
        expect(await feed.since(seen)).toMatchObject([{ topic: "user", key: user.id, node: "a" }]);
      });

      test("come in the order of their numbers, each once, however many write", async () => {
        const writers = [store];
        for (let i = 1; i < CONNECTIONS; i++) writers.push(ledgerStore(await another()));
        const feed = changeFeed(database);
        const start = await feed.latest();
        const seen: number[] = [];
        let last = start;
        let isDone = false;
        const reading = (async () => {
          while (!isDone || (await feed.latest()) > last) {
            for (const { seq } of await feed.since(last)) {
              seen.push(seq);
              last = seq;
            }
            await Bun.sleep(1);
          }
        })();
        const asked = await Promise.all(
          writers.flatMap((each, i) =>
            Array.from({ length: 20 }, (_, n) => each.askBack(`n${i}`, `bucket-${n}`, AT)),
          ),
        );
        isDone = true;
        await reading;
        expect(seen).toEqual([...asked].sort((a, b) => a - b));
        expect(new Set(seen).size).toBe(80);
      });

      test("that are old are forgotten, and their numbers are not used again", async () => {
        const feed = changeFeed(database);
        const first = await store.askBack("a", FUNDS, AT);
        await feed.forget(AT + 3_600_001);
        expect(await feed.since(0)).toEqual([]);
        expect(await store.askBack("a", FUNDS, AT)).toBeGreaterThan(first);
      });
    });

    describe("tenants", () => {
      const tenants = () => tenantStore(database, "a", manualClock().clock);
      const add = (name: string) =>
        registerUser(tenants(), { name, plan: "free", role: "user" }, AT);

      test("a user is found with everything that is theirs, and nobody else's", async () => {
        const { user: ada, issued } = await add("ada");
        const { user: bob } = await add("bob");
        const key = { userId: ada.id, provider: "acme", sealed: "s", mask: "…", createdAt: AT };
        await tenants().putProviderKey(key);
        await tenants().putProviderKey({ ...key, sealed: "newer" });
        await tenants().setTerms(ada.id, { plan: "pro" });
        const preferences = {
          providerOrder: ["acme", "zeta"],
          disabledProviders: ["bad", "worse"],
        };
        await tenants().setPreferences(ada.id, preferences);
        expect(await tenants().loadUser(ada.id)).toEqual({
          users: [{ ...ada, plan: "pro", ...preferences }],
          tokens: [issued.token],
          providerKeys: [{ ...key, sealed: "newer" }],
        });
        expect(await tenants().findUserByName("bob")).toEqual(bob);
        expect(await tenants().findUserByName("Bob")).toBeUndefined();
        expect((await tenants().loadAll()).users).toHaveLength(2);
        expect(await tenants().deleteProviderKey(ada.id, "acme")).toBe(true);
        expect(await tenants().deleteProviderKey(ada.id, "acme")).toBe(false);
        expect(await tenants().loadUser("nobody")).toBeUndefined();
      });

      test("a name is given once, also when two ask at the same moment", async () => {
        const outcomes = await Promise.allSettled([add("ada"), add("ada"), add("ada")]);
        expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
        const { users, tokens } = await tenants().loadAll();
        expect([users.length, tokens.length]).toEqual([1, 1]);
      });

      test("a token is revoked once, and only by its own user", async () => {
        const { user, issued } = await add("ada");
        const { user: bob } = await add("bob");
        expect(await tenants().revokeToken(bob.id, issued.token.id, AT)).toBe(false);
        expect(await tenants().revokeToken(user.id, issued.token.id, AT)).toBe(true);
        expect(await tenants().revokeToken(user.id, issued.token.id, AT)).toBe(false);
        expect((await tenants().findTokenByHash(issued.token.hash))?.revokedAt).toBe(AT);
      });
    });

    describe("usage", () => {
      const HOUR = 3_600_000;

      beforeEach(async () => {
        await store.openNode("a", AT);
        const used = (id: string, facts: object) => settlementOf(id, {}, facts);
        await store.applySettlements(
          batchOf("a", [
            used("r1", { at: AT, model: "m/1", overrun: nanoUsd(5n) }),
            used("r2", { at: AT + 60_000, model: "m/1", provider: "zeta", overrun: nanoUsd(7n) }),
            used("r3", { at: AT + 24 * HOUR, model: "m/2", tokenId: "t2", overrun: nanoUsd(1n) }),
            used("r4", { at: AT, model: "m/1", isOwnKey: true }),
            used("r5", { at: AT, userId: "someone else", overrun: nanoUsd(99n) }),
          ]),
        );
      });

      const summary = async (
        by: "model" | "provider" | "day" | "token",
        until = AT + 48 * HOUR,
      ) => {
        const rows = await usageBy(database, "user", by, AT - HOUR, until);
        return rows.map((row) => [row.key, row.requests, Number(row.cost), row.isOwnKey]);
      };

      test("is summed by model, provider, token, dearest first, and day by day, own keys apart", async () => {
        expect(await summary("model")).toEqual([
          ["m/1", 2, 12, false],
          ["m/2", 1, 1, false],
          ["m/1", 1, 0, true],
        ]);
        expect(await summary("provider")).toEqual([
          ["zeta", 1, 7, false],
          ["acme", 2, 6, false],
          ["acme", 1, 0, true],
        ]);
        expect(await summary("day")).toEqual([
          ["2026-01-15", 2, 12, false],
          ["2026-01-15", 1, 0, true],
          ["2026-01-16", 1, 1, false],
        ]);
        expect((await summary("token")).map(([key]) => key)).toEqual(["token", "t2", "token"]);
      });

      test("ends before `until`", async () => {
        expect(await summary("model", AT + 24 * HOUR)).toEqual([
          ["m/1", 2, 12, false],
          ["m/1", 1, 0, true],
        ]);
      });

      test("shows the newest requests of one user first", async () => {
        const rows = await usageReader(database).newestRequests("user", 2);
        expect(rows.map(({ id }) => id)).toEqual(["r3", "r2"]);
        expect(rows[1]).toEqual({
          id: "r2",
          at: AT + 60_000,
          model: "m/1",
          provider: "zeta",
          status: 200,
          outcome: "served",
          isOwnKey: false,
          inputTokens: 10,
          cachedInputTokens: 0,
          cacheWriteTokens: 0,
          outputTokens: 5,
          reasoningTokens: 0,
          isEstimated: false,
          measured: undefined,
          cost: nanoUsd(7n),
          counted: undefined,
          costFrom: "count",
          overrun: nanoUsd(7n),
          durationMs: 3,
        });
      });
    });
  });
}

/** Runs a script of this folder in a process of its own; what it printed. */
async function run(script: string, ...args: readonly string[]): Promise<string> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, script), ...args], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [printed, complaints] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (child.exitCode !== 0)
    throw new Error(`${script} ended with ${child.exitCode}: ${complaints}`);
  return printed;
}
