/** What plans and limits bring, when, and how often, on each engine. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { sql } from "kysely";
import { AMOUNT_MAX, type NanoUsd, nanoUsd } from "../../src/kernel/money.js";
import { anchorOn } from "../../src/kernel/period.js";
import { extraGrant } from "../../src/ledger/account.js";
import type { LedgerStore } from "../../src/ledger/store.js";
import { usageReader } from "../../src/store/books/usage.js";
import { changeFeed } from "../../src/store/changes.js";
import type { Database } from "../../src/store/database.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { openStore } from "../../src/store/open.js";
import { tenantStore } from "../../src/store/tenants/tenants.js";
import { type Plan, planOf } from "../../src/tenants/plan.js";
import { issueToken, registerUser } from "../../src/tenants/register.js";
import type { TermsChange } from "../../src/tenants/store.js";
import type { User } from "../../src/tenants/user.js";
import { manualClock } from "../support/clock.js";
import { AT, batchOf, grantOf, settlementOf, standing } from "../support/ledger.js";
import { postgresEngine, sqliteEngine } from "./engines.js";

const CONNECTIONS = 4;
const DAY = 86_400_000;
const FEBRUARY = Date.UTC(2026, 1, 1);

const on = (name: string, fields: Partial<Plan>) => [name, planOf(name, fields)] as const;
const PLANS = new Map([
  on("free", { monthlyCredit: nanoUsd(100n) }),
  on("pro", { monthlyCredit: nanoUsd(2_000n), extraUsage: "pay_as_you_go" }),
  on("open", { extraUsage: "pay_as_you_go", spendingLimit: nanoUsd(500n) }),
]);

for (const engine of [sqliteEngine(), postgresEngine()]) {
  describe(`plans in the ${engine.name} store`, () => {
    let place: string;
    let open: Database[];
    let database: Database;
    let store: LedgerStore;
    let user: User;
    let funds: string;

    const another = async (): Promise<Database> => {
      const other = await openStore(place);
      open.push(other);
      return other;
    };
    const stores = async (): Promise<LedgerStore[]> => {
      const all = [store];
      for (let i = 1; i < CONNECTIONS; i++) all.push(ledgerStore(await another(), PLANS));
      return all;
    };
    const tenants = (now = AT) => tenantStore(database, "a", manualClock(now).clock);
    const setTerms = (change: TermsChange, now = AT) => tenants(now).setTerms(user.id, change);
    const take = (node: string, need: bigint, now = AT, from = store) =>
      from.takeLease({
        node,
        bucketId: funds,
        need: nanoUsd(need),
        isAll: false,
        isSparing: true,
        now,
      });
    const settle = (node: string, id: string, account: string, amount: bigint) =>
      store.applySettlements(
        batchOf(node, [settlementOf(id, { [account]: amount }, { payer: funds })]),
      );
    /** Kind by kind: granted and left. */
    const credit = async (now = AT) => {
      const { accounts } = await store.credit(funds, now);
      return accounts.map(({ kind, granted, left }) => [kind, Number(granted), Number(left)]);
    };
    const accountsOf = async (kind: string) =>
      database.db.selectFrom("accounts").selectAll().where("grant_kind", "=", kind).execute();
    const balanceOf = async (id: string) =>
      (await database.db.selectFrom("accounts").select("balance").where("id", "=", id).execute())[0]
        ?.balance;

    beforeAll(async () => {
      await engine.start?.();
    });
    beforeEach(async () => {
      place = await engine.freshPlace();
      open = [];
      database = await another();
      store = ledgerStore(database, PLANS);
      const wanted = { name: "ada", plan: "free", role: "user" } as const;
      ({ user } = await registerUser(tenants(), wanted, AT));
      funds = `user:${user.id}`;
      await store.openNode("a", AT);
    });
    afterEach(async () => {
      // Whatever a test did, the books must still be right.
      expect(await store.audit()).toMatchObject({ balanced: true, faults: [] });
      await Promise.all(open.map((each) => each.close()));
    });
    afterAll(engine.clean);

    describe("a period's credit", () => {
      test("opens once, however many connections ask for it at once", async () => {
        await Promise.all(
          (await stores()).flatMap((each, i) => [
            take(`n${i}`, 1n, AT, each),
            each.credit(funds, AT),
          ]),
        );
        expect(await credit()).toEqual([["plan", 100, 100]]);
      });

      test("renews once for processes that all slept over the end, and once for the months they slept", async () => {
        const all = await stores();
        await Promise.all(all.map((each, i) => take(`n${i}`, 5n, AT, each)));
        const later = Date.UTC(2026, 4, 3);
        const answers = await Promise.all(
          all.flatMap((each, i) => [
            take(`n${i}`, 5n, later, each),
            take(`n${i}`, 5n, later + 1, each),
          ]),
        );
        // Nobody was given anything of the old month: what each has of the new one is all that is not over.
        for (const { slices } of answers) {
          expect(slices.filter((slice) => (slice.expiresAt ?? 0) > later)).toHaveLength(1);
        }
        expect(await credit(later)).toEqual([["plan", 100, 100]]);
        expect((await accountsOf("plan")).map(({ id }) => id).sort()).toEqual([
          `grant:${funds}:plan:2026-01`,
          `grant:${funds}:plan:2026-05`,
        ]);
      });

      test("is worth nothing when its period is over, and what is left of it expires", async () => {
        await take("a", 40n);
        await settle("a", "r1", `grant:${funds}:plan:2026-01`, 40n);
        expect(await credit(FEBRUARY - 1)).toEqual([["plan", 100, 60]]);
        expect(await credit(FEBRUARY)).toEqual([["plan", 100, 100]]);
        expect(await store.expireAccounts(FEBRUARY)).toBe(1);
        expect(await balanceOf("expired")).toBe(60n);
      });

      test("runs from the anchor day, and a new day counts from the end of the period under way", async () => {
        await database.db.updateTable("users").set({ anchor_day: 20 }).execute();
        expect((await store.credit(funds, AT)).accounts[0]).toMatchObject({
          id: `grant:${funds}:plan:2025-12-20`,
          expiresAt: Date.UTC(2026, 0, 20),
        });
        await setTerms({ anchorDay: 1 });
        expect(await credit()).toEqual([["plan", 100, 100]]);
        const next = Date.UTC(2026, 0, 20);
        expect((await store.credit(funds, next)).accounts).toMatchObject([
          { id: `grant:${funds}:plan:2026-01-20`, expiresAt: FEBRUARY },
        ]);
        expect((await store.credit(funds, FEBRUARY)).accounts).toMatchObject([
          { id: `grant:${funds}:plan:2026-02`, expiresAt: Date.UTC(2026, 2, 1) },
        ]);
        const [row] = (await tenants().loadAll()).users;
        expect(row?.anchor).toEqual({ ...anchorOn(1), keptStart: AT - 26.5 * DAY, keptEnd: next });
      });
    });

    describe("a change of plan", () => {
      test("up tops this period's credit up to the new amount at once", async () => {
        await take("a", 30n);
        await settle("a", "r1", `grant:${funds}:plan:2026-01`, 30n);
        await setTerms({ plan: "pro" });
        expect(await credit()).toEqual([["plan", 2_000, 1_970]]);
      });

      test("down keeps what was given until the period ends", async () => {
        await setTerms({ plan: "pro" });
        expect(await credit()).toEqual([["plan", 2_000, 2_000]]);
        await setTerms({ plan: "free" });
        expect(await credit()).toEqual([["plan", 2_000, 2_000]]);
        expect(await credit(FEBRUARY)).toEqual([["plan", 100, 100]]);
      });

      test("to and fro, on many connections at once, brings the larger credit once", async () => {
        const all = await stores();
        await Promise.all(
          all.map(async (each, i) => {
            for (let round = 0; round < 6; round++) {
              await setTerms({ plan: (round + i) % 2 === 0 ? "pro" : "free" });
              await each.credit(funds, AT);
            }
          }),
        );
        await setTerms({ plan: "pro" });
        expect(await credit()).toEqual([["plan", 2_000, 2_000]]);
      });

      test("counts what accounts opened under a plan's own name hold in this period", async () => {
        const old = (plan: string, amount: bigint, expiresAt: number) =>
          store.grant(
            grantOf(funds, amount, {
              id: `grant:${funds}:plan:${plan}:2026-01`,
              grantKind: "plan",
              expiresAt,
            }),
          );
        await old("free", 100n, FEBRUARY);
        expect(await credit()).toEqual([["plan", 100, 100]]);
        await setTerms({ plan: "pro" });
        expect((await credit()).map(([, granted]) => granted).sort()).toEqual([100, 1_900]);
        expect((await standing(store, funds)).left).toBe(2_000n);
        expect(await credit(FEBRUARY)).toEqual([["plan", 2_000, 2_000]]);
      });
    });

    describe("pay-as-you-go", () => {
      const limit = (amount: bigint | null, now = AT) =>
        setTerms({ spendingLimit: amount as NanoUsd | null }, now);

      test("is nothing until somebody sets a limit, and nothing on plans without it", async () => {
        await setTerms({ plan: "pro" });
        expect(await credit()).toEqual([["plan", 2_000, 2_000]]);
        await limit(300n);
        expect(await credit()).toEqual([
          ["plan", 2_000, 2_000],
          ["pay_as_you_go", 300, 300],
        ]);
        await setTerms({ plan: "free" });
        expect((await standing(store, funds)).left).toBe(2_000n);
      });

      test("may be set by the plan, and the payer's own word counts more, 0 too", async () => {
        await setTerms({ plan: "open" });
        expect(await credit()).toEqual([["pay_as_you_go", 500, 500]]);
        await limit(0n);
        expect((await standing(store, funds)).left).toBe(0n);
        await limit(null);
        expect(await credit()).toEqual([["pay_as_you_go", 500, 500]]);
      });

      test("is spent last, whatever expires when", async () => {
        await setTerms({ plan: "pro", spendingLimit: nanoUsd(300n) });
        const extra = (id: string, kind: "promotional" | "purchased", expiresAt?: number) =>
          store.grant(
            extraGrant(funds, { id, kind, amount: nanoUsd(10n), at: AT - DAY, expiresAt }),
          );
        await extra("never", "purchased");
        await extra("later", "promotional", FEBRUARY + 1);
        await extra("same", "promotional", FEBRUARY);
        await extra("sooner", "promotional", FEBRUARY - 1);
        const { slices } = await take("a", 2_341n);
        expect(slices.map(({ account }) => account.slice(funds.length + 7))).toEqual([
          "promotional:sooner",
          "plan:2026-01",
          "promotional:same",
          "promotional:later",
          "purchased:never",
          "pay_as_you_go:2026-01",
        ]);
        expect(slices.map(({ taken }) => Number(taken))).toEqual([10, 2_000, 10, 10, 10, 300]);
      });

      test("ends with its period: what was not spent goes back, what was is owed", async () => {
        await setTerms({ plan: "open" });
        await take("a", 120n);
        await settle("a", "r1", `grant:${funds}:pay_as_you_go:2026-01`, 120n);
        expect(await balanceOf(`headroom:${funds}`)).toBe(-500n);
        await store.closeNode("a", AT);
        await store.expireAccounts(FEBRUARY);
        expect(await balanceOf(`headroom:${funds}`)).toBe(-120n);
        expect(await balanceOf("expired")).toBeUndefined();
        expect(await credit(FEBRUARY)).toEqual([["pay_as_you_go", 500, 500]]);
      });

      test("rises and falls with the limit, and below what is spent leaves zero, not less", async () => {
        await setTerms({ plan: "open" });
        await take("a", 120n);
        await settle("a", "r1", `grant:${funds}:pay_as_you_go:2026-01`, 120n);
        const steps: readonly [bigint, number, number][] = [
          [200n, 200, 80],
          [120n, 120, 0],
          [50n, 120, 0],
          [0n, 120, 0],
          [121n, 121, 1],
          [700n, 700, 580],
        ];
        for (const [amount, granted, left] of steps) {
          await limit(amount);
          expect(await credit()).toEqual([["pay_as_you_go", granted, left]]);
        }
      });

      test("that is leased comes back before it is gone, and is leased to nobody meanwhile", async () => {
        await setTerms({ plan: "open" });
        await store.openNode("b", AT);
        const account = `grant:${funds}:pay_as_you_go:2026-01`;
        await take("a", 300n);
        await limit(100n);
        // Of 500, 300 are out: 200 go at once, and nothing is left for anybody.
        expect((await take("b", 50n)).slices).toEqual([]);
        expect(await credit()).toEqual([["pay_as_you_go", 300, 300]]);
        expect((await take("a", 0n)).slices).toMatchObject([{ account, isOver: true }]);
        await store.returnLease("a", new Map([[account, nanoUsd(250n)]]));
        await settle("a", "r1", account, 20n);
        expect(await credit()).toEqual([["pay_as_you_go", 100, 80]]);
        expect((await take("b", 50n)).slices).toMatchObject([{ taken: 50n, isOver: false }]);
      });

      test("is never leased by terms that have changed, however many connections try", async () => {
        await setTerms({ plan: "open" });
        const all = await stores();
        for (let round = 0; round < 4; round++) {
          await limit(400n);
          const [, ...answers] = await Promise.all([
            limit(0n),
            ...all.map((each, i) => take(`n${round}-${i}`, 30n, AT, each)),
          ]);
          const before = answers.reduce((sum, { slices }) => sum + (slices[0]?.taken ?? 0n), 0n);
          const after = await Promise.all(
            all.map((each, i) => take(`m${round}-${i}`, 30n, AT, each)),
          );
          expect(after.flatMap(({ slices }) => slices)).toEqual([]);
          expect((await standing(store, funds)).leased).toBe(before);
          for (const [i] of all.entries()) await store.closeNode(`n${round}-${i}`, AT);
        }
      });

      test("waits for a change that is under way, and is leased by the new terms", async () => {
        await setTerms({ plan: "open" });
        await store.credit(funds, AT);
        const other = ledgerStore(await another(), PLANS);
        const [isChanged, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
        const change = database.transact(async (tx) => {
          await tx.updateTable("users").set({ spending_limit_nano_usd: 0n }).execute();
          isChanged.resolve();
          await mayEnd.promise;
        });
        await isChanged.promise;
        let isAnswered = false;
        const answer = take("b", 30n, AT, other).finally(() => {
          isAnswered = true;
        });
        await Bun.sleep(100);
        expect(isAnswered).toBe(false);
        mayEnd.resolve();
        await change;
        expect((await answer).slices).toEqual([]);
      });

      test("every change asks back what is leased, of every process", async () => {
        const feed = changeFeed(database);
        const seen = await feed.latest();
        await limit(5n);
        expect(await feed.since(seen)).toMatchObject([
          { topic: "lowered", key: funds, node: "a" },
          { topic: "user", key: user.id, node: "a" },
        ]);
      });
    });

    describe("budgets of tokens", () => {
      test("open once a month, are counted apart, and go back when the month is over", async () => {
        const budget = { amount: nanoUsd(70n), period: "month" } as const;
        const { token } = issueToken(user.id, { name: "t", scopes: ["inference"], budget }, AT);
        await tenants().addToken(token);
        const bucketId = `token:${token.id}`;
        const all = await stores();
        await Promise.all(all.map((each) => each.credit(bucketId, AT)));
        expect(await standing(store, bucketId)).toEqual({ left: 70n, leased: 0n, spent: 0n });
        expect(await balanceOf(`allowance:${bucketId}`)).toBe(-70n);
        await store.expireAccounts(FEBRUARY);
        expect(await balanceOf(`allowance:${bucketId}`)).toBe(0n);
        expect((await standing(store, bucketId, FEBRUARY)).left).toBe(70n);
      });
    });

    describe("what is charged in a period", () => {
      test("is counted by payer from the roll-ups, from the period's first hour on", async () => {
        await take("a", 50n);
        const account = `grant:${funds}:plan:2026-01`;
        const used = (id: string, amount: bigint, at: number, payer = funds) =>
          settlementOf(id, { [account]: amount }, { at, payer });
        await store.applySettlements(
          batchOf("a", [
            used("r1", 13n, FEBRUARY - 1),
            used("r2", 9n, FEBRUARY),
            used("r3", 4n, FEBRUARY, "org:x"),
            settlementOf("r4", {}, { at: FEBRUARY, payer: funds, overrun: nanoUsd(99n) }),
          ]),
        );
        const charged = (since: number, payer = funds) =>
          usageReader(database).chargedSince(payer, since);
        expect(await charged(AT - 15 * DAY)).toBe(nanoUsd(22n));
        expect(await charged(FEBRUARY)).toBe(nanoUsd(9n));
        expect(await charged(0, "user:nobody")).toBe(nanoUsd(0n));
      });

      test("is told apart by who made the requests, and through which group", async () => {
        await take("a", 50n);
        const facts = { at: FEBRUARY, payer: funds };
        const used = (id: string, amount: bigint, who: object) =>
          settlementOf(id, { [`grant:${funds}:plan:2026-01`]: amount }, { ...facts, ...who });
        await store.applySettlements(
          batchOf("a", [
            used("r1", 13n, { userId: "u1" }),
            used("r2", 9n, { userId: "u1", groupId: "g" }),
            used("r3", 4n, { userId: "u2", groupId: "g" }),
            used("r4", 1n, { userId: "u1", groupId: "g" }),
            used("r5", 8n, { userId: "u1", at: FEBRUARY - 1 }),
          ]),
        );
        const rows = await usageReader(database).chargedByMember(funds, FEBRUARY);
        expect(
          rows.map(({ userId, groupId, charged }) => [userId, groupId, charged]).sort(),
        ).toEqual([
          ["u1", "", nanoUsd(13n)],
          ["u1", "g", nanoUsd(10n)],
          ["u2", "g", nanoUsd(4n)],
        ]);
      });
    });

    describe("amounts that are too large", () => {
      test("are refused before any balance leaves the range of the store", async () => {
        const grant = (i: number, amount: bigint) =>
          store.grant(grantOf(funds, amount, { id: `grant:${i}` }));
        for (let i = 0; i < 4; i++) await grant(i, AMOUNT_MAX);
        await expect(grant(4, AMOUNT_MAX)).rejects.toThrow("All grants together may be at most");
        await expect(grant(5, 2n ** 63n - 1n)).rejects.toThrow();
        await grant(6, 5n);
        expect((await standing(store, funds)).left).toBe(4n * AMOUNT_MAX + 105n);
      });
    });
  });
}

describe("a store of version 1", () => {
  for (const engine of [sqliteEngine(), postgresEngine()]) {
    test(`keeps its users, requests and usage on ${engine.name}`, async () => {
      await engine.start?.();
      const place = await engine.freshPlace();
      const database = await openStore(place, 1);
      const at = AT;
      await sql`insert into users (id, name, role, plan, provider_order, created_at)
        values ('u1', 'ada', 'user', 'free', '', ${at})`.execute(database.db);
      await sql`insert into usage_hourly values (${at}, 'u1', 't', 'm', 'p', 0, 2, 3, 4, 50, 6)`.execute(
        database.db,
      );
      await sql`insert into requests (id, node, at, user_id, token_id, model, task, provider, status,
        outcome, own_key, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
        estimated, cost, overrun, duration_ms, attempts, stream)
        values ('r', 'n', ${at}, 'u1', 't', 'm', 'c', 'p', 200, 'served', 0, 1, 0, 1, 0, 0, 50, 6, 1, 1, 0)`.execute(
        database.db,
      );
      await database.close();
      const opened = await openStore(place);
      const [user] = (await tenantStore(opened, "a", manualClock().clock).loadAll()).users;
      expect(user).toMatchObject({ plan: "free", spendingLimit: undefined, anchor: anchorOn(1) });
      expect(user).toMatchObject({ providerOrder: [], disabledProviders: [] });
      expect(await usageReader(opened).chargedSince("user:u1", 0)).toBe(nanoUsd(44n));
      const request = await opened.db.selectFrom("requests").selectAll().executeTakeFirst();
      expect(request).toMatchObject({ payer: "user:u1", group_id: "" });
      await opened.close();
      engine.clean();
    });
  }
});
