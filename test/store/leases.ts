/** What every engine must do the same with whole numbers, with what is opened, and with leases of it. */
import { describe, expect, test } from "bun:test";
import { nanoUsd } from "../../src/kernel/money.js";
import { usageReader } from "../../src/store/books/usage.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { tenantStore } from "../../src/store/tenants/tenants.js";
import { issueToken, registerUser } from "../../src/tenants/register.js";
import { manualClock } from "../support/clock.js";
import { AT, batchOf, grantOf, settlementOf, standing, usageBy } from "../support/ledger.js";
import {
  BEYOND_DOUBLE,
  CONNECTIONS,
  type Engine,
  FUNDS,
  freshStore,
  GRANT,
} from "./fresh-store.js";
import { run } from "./run.js";

export function leaseContract(engine: Engine): void {
  describe(`openings and leases, on ${engine.name}`, () => {
    const here = freshStore(engine);
    const { another, take, takenOf, expectBalanced } = here;

    describe("whole numbers", () => {
      test("2^53 + 1 nano-USD is written and read back to the last digit", async () => {
        await here.store.openNode("a", AT);
        await here.store.grant(grantOf(FUNDS, BEYOND_DOUBLE));
        expect(await take("a", BEYOND_DOUBLE)).toEqual({ [GRANT]: BEYOND_DOUBLE });
        const debit = { [GRANT]: BEYOND_DOUBLE };
        await here.store.applySettlements(batchOf("a", [settlementOf("r1", debit)]));
        expect((await standing(here.store, FUNDS)).spent).toBe(BEYOND_DOUBLE);
        const [request] = await usageReader(here.database).newestRequests("user", 1);
        expect(request?.cost).toBe(nanoUsd(BEYOND_DOUBLE));
        const [usage] = await usageBy(here.database, "user", "model", 0, AT + 1);
        expect(usage?.cost).toBe(nanoUsd(BEYOND_DOUBLE));
        await expectBalanced();
      });

      test("a budget of 2^53 + 1 nano-USD is kept with its token", async () => {
        const tenants = tenantStore(here.database, "a", manualClock().clock);
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
        await here.store.grant(grantOf(FUNDS, 100n));
        await here.store.grant(grantOf(FUNDS, 100n));
        expect(await standing(here.store, FUNDS)).toEqual({ left: 100n, leased: 0n, spent: 0n });
        await expectBalanced();
      });

      test("a changed amount under the same id changes nothing that was opened", async () => {
        await here.store.grant(grantOf(FUNDS, 100n));
        await here.store.grant(grantOf(FUNDS, 900n));
        expect((await standing(here.store, FUNDS)).left).toBe(100n);
        await expectBalanced();
      });
    });

    describe("leases", () => {
      test("a lease is what is needed and half of the rest, and never more than there is", async () => {
        await here.store.grant(grantOf(FUNDS, 100n));
        expect(await take("a", 40n)).toEqual({ [GRANT]: 70n });
        expect(await take("b", 20n)).toEqual({ [GRANT]: 25n });
        expect(await take("b", 1_000n)).toEqual({ [GRANT]: 30n });
        expect(await take("c", 1n)).toEqual({});
        expect(await standing(here.store, FUNDS)).toEqual({ left: 100n, leased: 100n, spent: 0n });
        await expectBalanced();
      });

      test("a process that is sparing takes what it needs and no more", async () => {
        await here.store.grant(grantOf(FUNDS, 100n));
        const ask = { node: "a", bucketId: FUNDS, isAll: false, isSparing: true, now: AT };
        const answer = (need: bigint) => here.store.takeLease({ ...ask, need: nanoUsd(need) });
        expect(takenOf(await answer(40n))).toEqual({ [GRANT]: 40n });
        expect(takenOf(await answer(0n))).toEqual({ [GRANT]: 40n });
        expect(takenOf(await answer(61n))).toEqual({ [GRANT]: 100n });
      });

      test("a process that wants all or nothing takes nothing where there is less", async () => {
        await here.store.grant(grantOf(FUNDS, 100n));
        const ask = { node: "a", bucketId: FUNDS, isAll: true, isSparing: false, now: AT };
        const answer = (need: bigint) => here.store.takeLease({ ...ask, need: nanoUsd(need) });
        expect(await answer(101n)).toMatchObject({ slices: [], unleased: nanoUsd(100n) });
        expect(takenOf(await answer(100n))).toEqual({ [GRANT]: 100n });
      });

      test("the answer tells what is left unleased and whether others hold a lease", async () => {
        await here.store.grant(grantOf(FUNDS, 100n));
        const ask = {
          bucketId: FUNDS,
          need: nanoUsd(50n),
          isAll: false,
          isSparing: false,
          now: AT,
        };
        expect(await here.store.takeLease({ ...ask, node: "a" })).toMatchObject({
          unleased: nanoUsd(25n),
          othersHold: false,
          elsewhere: nanoUsd(0n),
        });
        expect(await here.store.takeLease({ ...ask, node: "b" })).toMatchObject({
          unleased: nanoUsd(0n),
          othersHold: true,
          elsewhere: nanoUsd(75n),
        });
        await here.store.returnLease("a", new Map([[GRANT, nanoUsd(75n)]]));
        expect(await here.store.takeLease({ ...ask, node: "b" })).toMatchObject({
          othersHold: false,
        });
      });

      test("what expires first is leased and listed first, what never expires last", async () => {
        const at = (id: string, expiresAt: number | undefined, openedAt = AT) =>
          here.store.grant(grantOf(FUNDS, 10n, { id: `grant:${id}`, expiresAt, openedAt }));
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
        const answer = await here.store.takeLease(ask);
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
        await here.store.grant(grantOf(FUNDS, 1_000n));
        const stores = [here.store];
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
        expect(await standing(here.store, FUNDS)).toEqual({
          left: 1_000n,
          leased: 1_000n,
          spent: 0n,
        });
        await expectBalanced();
      });

      test("processes that all want everything get no more than there is", async () => {
        await here.store.grant(grantOf(FUNDS, 12_345n));
        const sums = await Promise.all(
          ["p1", "p2", "p3", "p4"].map((node) => run("take-leases.ts", here.place, node, FUNDS)),
        );
        expect(sums.reduce((sum, text) => sum + BigInt(text), 0n)).toBe(12_345n);
        expect(await standing(here.store, FUNDS)).toEqual({
          left: 12_345n,
          leased: 12_345n,
          spent: 0n,
        });
        await expectBalanced();
      });

      test("giving back is heard once, however often it is said", async () => {
        await here.store.grant(grantOf(FUNDS, 100n));
        await take("a", 100n);
        const back = (total: bigint) =>
          here.store.returnLease("a", new Map([[GRANT, nanoUsd(total)]]));
        await back(30n);
        await back(30n);
        await back(20n);
        expect((await standing(here.store, FUNDS)).leased).toBe(70n);
        await Promise.all([back(50n), back(50n), back(50n), back(40n)]);
        expect((await standing(here.store, FUNDS)).leased).toBe(50n);
        await expectBalanced();
      });

      test("giving back on many connections at once is heard once", async () => {
        await here.store.grant(grantOf(FUNDS, 100n));
        await take("a", 100n);
        const stores = [here.store];
        for (let i = 1; i < CONNECTIONS; i++) stores.push(ledgerStore(await another()));
        for (let total = 10n; total <= 100n; total += 10n) {
          const report = new Map([[GRANT, nanoUsd(total)]]);
          await Promise.all(stores.map((each) => each.returnLease("a", report)));
          expect((await standing(here.store, FUNDS)).leased).toBe(100n - total);
        }
        await expectBalanced();
      });

      test("giving back something of an unknown node or account changes nothing", async () => {
        await here.store.grant(grantOf(FUNDS, 100n));
        await here.store.returnLease("nobody", new Map([[GRANT, nanoUsd(10n)]]));
        await here.store.returnLease("nobody", new Map([["grant:unknown", nanoUsd(10n)]]));
        expect(await standing(here.store, FUNDS)).toEqual({ left: 100n, leased: 0n, spent: 0n });
      });

      test("a recall is answered once every other process with something out has answered", async () => {
        await here.store.grant(grantOf(FUNDS, 100n));
        await take("a", 40n);
        await take("b", 10n);
        await take("c", 10n);
        const recall = await here.store.askBack("a", FUNDS, AT);
        const recalled = async (node: string, asked: number) =>
          (await here.store.recallState(node, FUNDS, asked, AT)).isAnswered;
        const isAnswered = () => recalled("a", recall);
        expect(await isAnswered()).toBe(false);
        await here.store.answerRecall("b", FUNDS, recall, new Map());
        expect(await isAnswered()).toBe(false);
        const c = (await take("c", 0n))[GRANT] ?? 0n;
        await here.store.returnLease("c", new Map([[GRANT, nanoUsd(c)]]));
        expect(await isAnswered()).toBe(true);
        const next = await here.store.askBack("a", FUNDS, AT);
        expect(next).toBeGreaterThan(recall);
        expect(await recalled("a", next)).toBe(false);
        await here.store.answerRecall("b", FUNDS, next, new Map());
        expect(await recalled("a", next)).toBe(true);
        expect(await isAnswered()).toBe(true);
      });

      test("an answer holds until its process takes more than it needs", async () => {
        await here.store.grant(grantOf(FUNDS, 100n));
        await take("b", 10n);
        const recall = await here.store.askBack("a", FUNDS, AT);
        await here.store.answerRecall("b", FUNDS, recall, new Map());
        const isAnswered = async () =>
          (await here.store.recallState("a", FUNDS, recall, AT)).isAnswered;
        const ask = { node: "b", bucketId: FUNDS, need: nanoUsd(5n), isAll: false, now: AT };
        await here.store.takeLease({ ...ask, isSparing: true });
        expect(await isAnswered()).toBe(true);
        await here.store.takeLease({ ...ask, isSparing: false });
        expect(await isAnswered()).toBe(false);
      });
    });
  });
}
