/** What every engine must do the same with receipts, usage, statements, used keys and what is forgotten. */
import { beforeEach, describe, expect, test } from "bun:test";
import { RouterError } from "../../src/kernel/errors.js";
import { IDEMPOTENCY_MS } from "../../src/kernel/limits.js";
import { nanoUsd } from "../../src/kernel/money.js";
import { parseMonth } from "../../src/kernel/period.js";
import type { LateCostStore } from "../../src/ledger/late-cost.js";
import type { LedgerStore } from "../../src/ledger/store.js";
import { type Books, booksOf } from "../../src/store/books/books.js";
import type { Database } from "../../src/store/database.js";
import { lateCostStore } from "../../src/store/late-costs/late-costs.js";
import { tenantStore } from "../../src/store/tenants/tenants.js";
import { issueToken, registerUser } from "../../src/tenants/register.js";
import type { UsageBy } from "../../src/wire/usage-query.js";
import { manualClock } from "../support/clock.js";
import { AT, batchOf, grantOf, type SettlementFacts, settlementOf } from "../support/ledger.js";
import { type Engine, freshStore } from "./fresh-store.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ADA = { userId: "user" } as const;
const FUNDS = "user:user";
const PLAN = `grant:${FUNDS}:plan:2026-01`;
const BOUGHT = `grant:${FUNDS}:purchased:1`;
const ON_ACCOUNT = `grant:${FUNDS}:pay_as_you_go:2026-01`;

export function booksContract(engine: Engine): void {
  describe(`the books, on ${engine.name}`, () => {
    const here = freshStore(engine);
    const { another } = here;
    let database: Database;
    let store: LedgerStore;
    let late: LateCostStore;
    let books: Books;

    beforeEach(async () => {
      ({ database, store } = here);
      late = lateCostStore(database);
      books = booksOf(database);
      await store.openNode("a", AT);
      await store.grant(
        grantOf(FUNDS, 100n, { id: PLAN, grantKind: "plan", expiresAt: Date.UTC(2026, 1, 1) }),
      );
      await store.grant(grantOf(FUNDS, 1_000n, { id: BOUGHT, grantKind: "purchased" }));
      await store.grant(grantOf(FUNDS, 500n, { id: ON_ACCOUNT, grantKind: "pay_as_you_go" }));
    });

    const settle = async (
      id: string,
      debits: Readonly<Record<string, bigint>> = {},
      facts: SettlementFacts = {},
    ): Promise<void> => {
      await store.applySettlements(batchOf("a", [settlementOf(id, debits, facts)]));
    };

    const awaits = (requestId: string) => ({
      requestId,
      provider: "acme",
      providerRequestId: `at-acme-${requestId}`,
      bucketIds: [FUNDS],
      at: AT,
    });

    const told = (requestId: string, cost: bigint, at: number) =>
      late.settleLate({
        node: "a",
        at,
        costs: [
          {
            requestId,
            outcome: "billed",
            cost: nanoUsd(cost),
            debits: [],
            overrun: nanoUsd(0n),
          },
        ],
      });

    const expectBalanced = async (): Promise<void> => {
      expect(await store.audit()).toMatchObject({ balanced: true, faults: [] });
    };

    describe("a receipt", () => {
      test("names every account that was charged, in the order in which it was", async () => {
        const many = Object.fromEntries(
          Array.from({ length: 40 }, (_, i) => [`grant:${FUNDS}:promotional:${i}`, BigInt(i + 1)]),
        );
        for (const [id, amount] of Object.entries(many)) {
          await store.grant(grantOf(FUNDS, amount, { id }));
        }
        await settle("r1", many, { overrun: nanoUsd(3n) });
        const record = await books.receipts.request("r1");
        expect(record?.charges.map(({ account, amount }) => [account, BigInt(amount)])).toEqual(
          Object.entries(many),
        );
        expect(record?.charges[0]).toMatchObject({ kind: "promotional", bucket: FUNDS, at: AT });
        expect(record).toMatchObject({ cost: 823n, overrun: 3n, costFrom: "count" });
      });

      test("keeps what the settlement noted", async () => {
        const details = ["cheapest", "max_tokens=9", ["x:429", "acme:200"], "99", []] as const;
        await settle(
          "r1",
          {},
          {
            tags: ["env=prod", "team=x"],
            details: JSON.stringify(details),
            firstByteMs: undefined,
          },
        );
        await settle("r2", {}, { details: undefined });
        expect(await books.receipts.request("r1")).toMatchObject({
          tags: ["env=prod", "team=x"],
          details,
          firstByteMs: undefined,
          charges: [],
        });
        expect(await books.receipts.request("r2")).toMatchObject({ tags: [], details: undefined });
        expect(await books.receipts.request("r3")).toBeUndefined();
      });

      test("shows what was corrected when the provider had told its cost", async () => {
        await store.applySettlements({
          ...batchOf("a", [settlementOf("r1", { [PLAN]: 60n, [BOUGHT]: 40n })]),
          awaited: [awaits("r1")],
        });
        expect((await books.receipts.request("r1"))?.costFrom).toBe("awaited");
        await told("r1", 30n, AT + HOUR);
        const record = await books.receipts.request("r1");
        expect(record).toMatchObject({ cost: 30n, counted: 100n, costFrom: "provider" });
        expect(record?.adjustments).toEqual([
          {
            account: BOUGHT,
            kind: "purchased",
            bucket: FUNDS,
            amount: nanoUsd(-40n),
            at: AT + HOUR,
          },
          { account: PLAN, kind: "plan", bucket: FUNDS, amount: nanoUsd(-30n), at: AT + HOUR },
        ]);
        await expectBalanced();
      });
    });

    describe("usage", () => {
      const report = async (by: readonly UsageBy[], facts: object = {}) => {
        const query = { by, since: AT - DAY, until: AT + 10 * DAY, tag: undefined, ...facts };
        const rows = await books.usage.report(ADA, query);
        return rows.map((row) => [...row.keys, row.requests, Number(row.charged)]);
      };

      test("is told apart by up to three things, in the order of time", async () => {
        await settle("r1", { [BOUGHT]: 5n }, { model: "m/1" });
        await settle("r2", { [BOUGHT]: 7n }, { model: "m/2", at: AT + HOUR });
        await settle("r3", { [BOUGHT]: 9n }, { model: "m/2", at: AT + HOUR + 1 });
        await settle("r4", {}, { model: "m/2", at: AT + DAY, isOwnKey: true });
        expect(await report(["hour", "model", "key"])).toEqual([
          ["2026-01-15T12:00:00Z", "m/1", "routed", 1, 5],
          ["2026-01-15T13:00:00Z", "m/2", "routed", 2, 16],
          ["2026-01-16T12:00:00Z", "m/2", "own", 1, 0],
        ]);
        expect(await report(["model", "day"])).toEqual([
          ["m/2", "2026-01-15", 2, 16],
          ["m/1", "2026-01-15", 1, 5],
          ["m/2", "2026-01-16", 1, 0],
        ]);
        expect(await report(["member", "payer", "group"])).toEqual([
          ["user", FUNDS, "", 3, 21],
          ["user", FUNDS, "", 1, 0],
        ]);
      });

      test("of a payer is not that of a user", async () => {
        await settle("r1", { [BOUGHT]: 5n }, { payer: "org:x", groupId: "g" });
        await settle("r2", { [BOUGHT]: 7n }, { userId: "someone else" });
        expect(await report(["payer"])).toEqual([["org:x", 1, 5]]);
        const query = { by: ["member"], since: 0, until: AT + 1, tag: undefined } as const;
        const paid = await books.usage.report({ payer: FUNDS }, query);
        expect(paid.map(({ keys }) => keys)).toEqual([["someone else"]]);
      });

      test("counts every unit, and how much failed", async () => {
        const measured = { images: 3, computeNanoseconds: 2 ** 53 - 1 };
        const usage = { ...settlementOf("x", {}).usage, measured };
        await settle("r1", {}, { usage });
        await settle("r2", {}, { usage, outcome: "failed" });
        await settle("r3", {}, { outcome: "cut" });
        const [row] = await books.usage.report(ADA, {
          by: ["model"],
          since: 0,
          until: AT + 1,
          tag: undefined,
        });
        expect(row).toMatchObject({
          requests: 3,
          failed: 2,
          inputTokens: 30,
          measured: { images: 6n, computeNanoseconds: 2n ** 54n - 2n },
        });
      });

      test("by tag counts a request with each of its tags, and once in the total", async () => {
        await settle("r1", { [BOUGHT]: 5n }, { tags: ["env=prod", "team=a"] });
        await settle("r2", { [BOUGHT]: 7n }, { tags: ["env=prod"] });
        await settle("r3", { [BOUGHT]: 9n });
        expect(await report(["tag"])).toEqual([
          ["env=prod", 2, 12],
          ["team=a", 1, 5],
        ]);
        expect(await report(["tag"], { tag: "team" })).toEqual([["team=a", 1, 5]]);
        expect(await report(["tag"], { tag: "tea" })).toEqual([]);
        expect(await report(["model"], { tag: "env=prod" })).toEqual([["org/model", 2, 12]]);
        const query = { by: ["tag"] as const, since: 0, until: AT + DAY, tag: undefined };
        expect(await books.usage.total(ADA, query)).toBe(nanoUsd(21n));
        expect(await books.usage.total(ADA, { ...query, tag: "env=prod" })).toBe(nanoUsd(12n));
      });

      test("of more rows than anyone can read is refused", async () => {
        const settlements = Array.from({ length: 10_001 }, (_, i) =>
          settlementOf(`r${i}`, {}, { model: `m/${i}` }),
        );
        await store.applySettlements(batchOf("a", settlements));
        expect(report(["model"])).rejects.toThrow(RouterError);
        expect(await report(["provider"])).toEqual([["acme", 10_001, 0]]);
      });
    });

    describe("a statement", () => {
      const statement = (name: string) => {
        const month = parseMonth(name);
        if (!month) throw new Error(`no month: ${name}`);
        return books.statements.statement(FUNDS, month);
      };

      /** The same from the transfers themselves. */
      const charged = async (since: number, until: number): Promise<bigint> => {
        const rows = await database.db.selectFrom("transfers").selectAll().execute();
        return rows
          .filter(({ at }) => at >= BigInt(since) && at < BigInt(until))
          .reduce((sum, { debit, credit, amount, code }) => {
            if (code !== "settle" && code !== "adjust") return sum;
            const isOurs = (account: string) => account.startsWith(`grant:${FUNDS}:`);
            return sum + (isOurs(debit) ? amount : 0n) - (isOurs(credit) ? amount : 0n);
          }, 0n);
      };

      test("adds up: accounts from opening to closing, usage to what was charged and owed", async () => {
        await settle("r1", { [PLAN]: 60n }, { overrun: nanoUsd(9n) });
        await settle("r2", { [PLAN]: 40n, [BOUGHT]: 5n }, { model: "m/2" });
        await settle("r3", { [ON_ACCOUNT]: 7n }, { model: "m/2" });
        await settle("r4", {}, { isOwnKey: true });
        const january = await statement("2026-01");
        expect(january).toMatchObject({ payer: FUNDS, charged: 112n, due: 7n });
        expect(january.usage.map((line) => [line.model, line.isOwnKey, line.charged])).toEqual([
          ["org/model", false, nanoUsd(60n)],
          ["m/2", false, nanoUsd(52n)],
          ["org/model", true, nanoUsd(0n)],
        ]);
        expect(january.accounts).toEqual(
          expect.arrayContaining([
            expect.objectContaining({
              account: PLAN,
              opening: 0n,
              moves: { grant: 100n, settle: -100n },
              closing: 0n,
            }),
            expect.objectContaining({
              account: BOUGHT,
              moves: { grant: 1_000n, settle: -5n },
              closing: 995n,
            }),
          ]),
        );
        expect(await charged(0, Date.UTC(2026, 1, 1))).toBe(112n);
      });

      test("carries over what is left, and shows what expired", async () => {
        await settle("r1", { [PLAN]: 60n });
        await store.expireAccounts(Date.UTC(2026, 1, 1));
        await settle("r2", { [BOUGHT]: 10n }, { at: Date.UTC(2026, 1, 28, 23, 59) });
        await settle("r3", { [BOUGHT]: 20n }, { at: Date.UTC(2026, 2, 1) });
        const [january, february, march] = [
          await statement("2026-01"),
          await statement("2026-02"),
          await statement("2026-03"),
        ];
        expect([january.charged, february.charged, march.charged].map(BigInt)).toEqual([
          60n,
          10n,
          20n,
        ]);
        const bought = ({ accounts }: typeof january) =>
          accounts.find(({ account }) => account === BOUGHT);
        expect(bought(february)).toMatchObject({ opening: 1_000n, closing: 990n });
        expect(bought(march)).toMatchObject({ opening: 990n, closing: 970n });
        const plan = february.accounts.find(({ account }) => account === PLAN);
        expect(plan).toMatchObject({ opening: 40n, moves: { expire: -40n }, closing: 0n });
        expect(march.accounts.map(({ account }) => account)).not.toContain(PLAN);
        const months = await books.statements.months(FUNDS);
        expect(months.map(({ month, charged }) => [month.name, Number(charged)])).toEqual([
          ["2026-03", 20],
          ["2026-02", 10],
          ["2026-01", 60],
        ]);
      });

      test("of a month that is over does not change when a provider tells its cost later", async () => {
        await store.applySettlements({
          ...batchOf("a", [
            settlementOf("r1", { [BOUGHT]: 50n }, { at: Date.UTC(2026, 0, 31, 23, 59) }),
          ]),
          awaited: [awaits("r1")],
        });
        const before = await statement("2026-01");
        await told("r1", 20n, Date.UTC(2026, 1, 1, 0, 20));
        expect(await statement("2026-01")).toEqual(before);
        const february = await statement("2026-02");
        expect(february.charged).toBe(nanoUsd(-30n));
        expect(february.usage).toMatchObject([{ requests: 0, charged: -30n }]);
        expect(await charged(Date.UTC(2026, 1, 1), Date.UTC(2026, 2, 1))).toBe(-30n);
        await expectBalanced();
      });

      test("the audit notices a day whose sums are not what its transfers say", async () => {
        await settle("r1", { [BOUGHT]: 50n });
        await database.transact(async (tx) => {
          await tx
            .updateTable("account_days")
            .set({ debited: 49n })
            .where("account", "=", BOUGHT)
            .where("code", "=", "settle")
            .execute();
        });
        const { balanced, faults } = await store.audit();
        expect(balanced).toBe(false);
        expect(faults).toEqual([
          `account ${BOUGHT}: its sums of 2026-01-15 (settle) are not what its transfers say`,
        ]);
      });
    });

    describe("what calls cost", () => {
      test("is known by provider, of this month and the last, of answers that cost something", async () => {
        const at = Date.UTC(2026, 2, 15);
        const of = (id: string, cost: bigint, facts: SettlementFacts = {}) =>
          settle(id, { [BOUGHT]: cost }, { at, ...facts });
        await of("r1", 10n);
        await of("r2", 10n);
        await of("r3", 99n, { provider: "zeta", at: Date.UTC(2026, 1, 1) });
        await of("r4", 11n, { at: Date.UTC(2026, 0, 31) });
        await of("r5", 12n, { outcome: "cut" });
        await settle("r6", {}, { at, isOwnKey: true });
        const costs = await books.callCosts.ofModel("org/model", at);
        expect([...costs].sort().map(([provider, classes]) => [provider, classes.length])).toEqual([
          ["acme", 1],
          ["zeta", 1],
        ]);
        expect(costs.get("acme")?.[0]?.calls).toBe(2);
        expect(await books.callCosts.ofModel("org/other", at)).toEqual(new Map());
      });
    });

    describe("an idempotency key", () => {
      const claim = (requestId: string, facts: object = {}) => ({
        payer: FUNDS,
        key: "k",
        requestId,
        at: AT,
        ...facts,
      });

      test("goes to one of many who ask at once, whatever connection they ask on", async () => {
        const stores = [books, ...(await Promise.all([another(), another()])).map(booksOf)];
        const answers = await Promise.all(
          stores.flatMap((each, i) =>
            Array.from({ length: 8 }, (_, j) => each.idempotency.claim(claim(`r${i}-${j}`))),
          ),
        );
        const winners = answers.filter((answer) => answer === undefined);
        expect(winners).toHaveLength(1);
        const holders = new Set(answers.flatMap((answer) => answer?.requestId ?? []));
        expect(holders.size).toBe(1);
      });

      test("is a payer's own, says how its request ended, and is free again when released", async () => {
        expect(await books.idempotency.claim(claim("r1"))).toBeUndefined();
        expect(await books.idempotency.claim(claim("r2", { payer: "org:x" }))).toBeUndefined();
        expect(await books.idempotency.claim(claim("r3"))).toEqual({
          requestId: "r1",
          at: AT,
          outcome: undefined,
        });
        await settle("r1", {}, { outcome: "cut" });
        expect((await books.idempotency.claim(claim("r3")))?.outcome).toBe("cut");
        await books.idempotency.release(claim("r3"));
        expect((await books.idempotency.claim(claim("r3")))?.requestId).toBe("r1");
        await books.idempotency.release(claim("r1"));
        expect(await books.idempotency.claim(claim("r3"))).toBeUndefined();
      });

      test("is free again after a day, and not before", async () => {
        await books.idempotency.claim(claim("r1"));
        const later = (ms: number) => books.idempotency.claim(claim("r2", { at: AT + ms }));
        expect((await later(IDEMPOTENCY_MS - 1))?.requestId).toBe("r1");
        expect(await later(IDEMPOTENCY_MS)).toBeUndefined();
        expect((await later(IDEMPOTENCY_MS + 1))?.requestId).toBe("r2");
        expect(await books.retention.forgetKeys(AT, 10)).toBe(0);
        expect(await books.retention.forgetKeys(AT + IDEMPOTENCY_MS, 10)).toBe(1);
      });
    });

    describe("what is old", () => {
      test("requests go in small steps, and the books still add up", async () => {
        for (let i = 0; i < 7; i++)
          await settle(`r${i}`, { [BOUGHT]: 5n }, { overrun: nanoUsd(1n) });
        await settle("r7", { [BOUGHT]: 5n }, { provider: "zeta", at: AT + DAY });
        await settle("r8", {}, { isOwnKey: true });
        const page = (after: string) =>
          books.retention.forgetRequests({ before: AT + 1, after, count: 4 });
        expect(await page("")).toEqual({ forgotten: 4, last: "r3" });
        await expectBalanced();
        expect(await page("r3")).toEqual({ forgotten: 3, last: "r7" });
        expect(await page("r7")).toEqual({ forgotten: 1, last: undefined });
        expect(await page("")).toEqual({ forgotten: 0, last: undefined });
        expect(await books.receipts.request("r0")).toBeUndefined();
        expect(await books.receipts.request("r7")).toBeDefined();
        await expectBalanced();
        const forgotten = await database.db.selectFrom("requests_forgotten").selectAll().execute();
        expect(forgotten).toEqual([{ provider: "acme", requests: 8n, cost: 42n }]);
      });

      test("the audit notices when forgotten requests do not add up", async () => {
        await settle("r1", { [BOUGHT]: 5n });
        await settle("r2", { [BOUGHT]: 6n });
        await books.retention.forgetRequests({ before: AT + 1, after: "", count: 1 });
        await expectBalanced();
        await database.db.updateTable("requests_forgotten").set({ cost: 4n }).execute();
        const { balanced, faults } = await store.audit();
        expect(balanced).toBe(false);
        expect(faults).toEqual([
          "requests of acme that are not kept any more: cost 4, it was credited 5",
        ]);
      });

      test("a request whose cost is still to be told stays until it was", async () => {
        await store.applySettlements({
          ...batchOf("a", [settlementOf("r1", { [BOUGHT]: 50n })]),
          awaited: [awaits("r1")],
        });
        const forget = () =>
          books.retention.forgetRequests({ before: AT + DAY, after: "", count: 10 });
        expect(await forget()).toEqual({ forgotten: 0, last: undefined });
        await told("r1", 20n, AT + HOUR);
        expect(await forget()).toEqual({ forgotten: 1, last: undefined });
        await expectBalanced();
      });

      test("hours become days, and nothing of what they say is lost", async () => {
        const facts = { tags: ["team=a"] };
        for (let i = 0; i < 6; i++) {
          await settle(`r${i}`, { [BOUGHT]: 5n }, { ...facts, at: AT + i * 7 * HOUR });
        }
        const byDay = (by: readonly UsageBy[], tag?: string) =>
          books.usage.report(ADA, { by, since: 0, until: AT + 9 * DAY, tag });
        const before = [await byDay(["day"]), await byDay(["day", "model"], "team=a")];
        const midnight = Date.UTC(2026, 0, 17);
        const fold = () => books.retention.foldHours(midnight, 1);
        let folded = 0;
        while ((await fold()) > 0) folded++;
        expect(folded).toBe(2 * 6);
        expect([await byDay(["day"]), await byDay(["day", "model"], "team=a")]).toEqual(before);
        expect((await byDay(["hour"])).map(({ keys, requests }) => [keys[0], requests])).toEqual([
          ["2026-01-15T00:00:00Z", 2],
          ["2026-01-16T00:00:00Z", 4],
        ]);
        await settle("r9", { [BOUGHT]: 5n }, { at: AT });
        expect(await fold()).toBe(1);
      });

      test("usage and the costs of calls go by whole months; what was charged stays", async () => {
        await settle("r1", { [BOUGHT]: 5n }, { tags: ["team=a"] });
        await settle("r2", { [BOUGHT]: 6n }, { at: Date.UTC(2026, 1, 1) });
        const february = Date.UTC(2026, 1, 1);
        const forget = () => books.retention.forgetUsage(february, 1);
        expect([await forget(), await forget(), await forget()]).toEqual([1, 1, 0]);
        expect(await books.retention.forgetCallCosts(56 * 12 + 1, 10)).toBe(1);
        expect(await books.retention.forgetCallCosts(56 * 12 + 1, 10)).toBe(0);
        const month = parseMonth("2026-01");
        if (!month) throw new Error("no month");
        expect(await books.statements.statement(FUNDS, month)).toMatchObject({
          charged: 5n,
          usage: [],
        });
        await expectBalanced();
      });
    });

    describe("a deleted user", () => {
      test("is forgotten, and the books keep the id and go on adding up", async () => {
        const tenants = tenantStore(database, "a", manualClock().clock);
        const wanted = { name: "grace", plan: "free", role: "user" } as const;
        const { user, issued } = await registerUser(tenants, wanted, AT);
        const { token } = issueToken(user.id, { name: "ci", scopes: ["inference"] }, AT);
        await tenants.addToken(token);
        await tenants.putProviderKey({
          userId: user.id,
          provider: "acme",
          sealed: "x",
          mask: "…",
          createdAt: AT,
        });
        const funds = `user:${user.id}`;
        const grant = `grant:${funds}:promotional:1`;
        await store.grant(grantOf(funds, 100n, { id: grant }));
        const by = { userId: user.id, payer: funds, tags: ["team=a"] };
        await settle("r1", { [grant]: 40n }, by);
        await settle("r2", { [grant]: 10n }, { ...by, payer: "org:x" });
        await books.idempotency.claim({ payer: funds, key: "k", requestId: "r1", at: AT });

        await tenants.deleteUser(user.id, AT + 1);

        const rows = JSON.stringify(
          await Promise.all(
            (["users", "tokens", "provider_keys", "idempotency_keys"] as const).map((table) =>
              database.db.selectFrom(table).selectAll().execute(),
            ),
          ),
          (_, value) => (typeof value === "bigint" ? String(value) : value),
        );
        for (const gone of ["grace", token.hash, issued.token.hash, "ci", "…"]) {
          expect(rows).not.toContain(gone);
        }
        expect(await tenants.findUserByName("grace")).toBeUndefined();
        expect((await tenants.loadAll()).users).toEqual([]);
        expect(await tenants.findUserById(user.id)).toMatchObject({ disabledAt: AT + 1 });
        expect(await tenants.findTokenByHash(token.hash)).toBeUndefined();
        expect(await books.receipts.request("r1")).toMatchObject({ userId: user.id, tags: [] });
        // What an organization paid for is the organization's to tell apart.
        expect(await books.receipts.request("r2")).toMatchObject({ tags: ["team=a"] });
        const query = { by: ["tag", "payer"], since: 0, until: AT + DAY, tag: undefined } as const;
        const tagged = await books.usage.report({ userId: user.id }, query);
        expect(tagged.map(({ keys }) => keys)).toEqual([["team=a", "org:x"]]);
        const month = parseMonth("2026-01");
        if (!month) throw new Error("no month");
        const statement = await books.statements.statement(funds, month);
        expect(statement).toMatchObject({ charged: 50n, usage: [{ charged: 40n }] });
        await expectBalanced();
        // The name is free again.
        await registerUser(tenants, wanted, AT + 2);
      });
    });
  });
}
