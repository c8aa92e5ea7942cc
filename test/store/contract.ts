/** What every engine must do the same beside the ledger: transactions, migrations, changes, tenants, usage. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { nanoUsd } from "../../src/kernel/money.js";
import { usageReader } from "../../src/store/books/usage.js";
import { changeFeed } from "../../src/store/changes.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { tenantStore } from "../../src/store/tenants/tenants.js";
import { registerUser } from "../../src/tenants/register.js";
import { manualClock } from "../support/clock.js";
import { AT, batchOf, grantOf, settlementOf, standing, usageBy } from "../support/ledger.js";
import { CONNECTIONS, type Engine, FUNDS, freshStore } from "./fresh-store.js";
import { run } from "./run.js";

export function storeContract(engine: Engine): void {
  describe(`the ${engine.name} store`, () => {
    const here = freshStore(engine);
    const { another, take, expectBalanced } = here;
    afterAll(engine.clean);

    describe("transactions", () => {
      test("that wait in the middle do not mix with what else this process does", async () => {
        await here.store.openNode("a", AT);
        const slow = here.database.transact(async (tx) => {
          await tx
            .insertInto("nodes")
            .values({ id: "slow", opened_at: AT, segment: 0, offset: 0 })
            .execute();
          await Bun.sleep(50);
          throw new Error("thought better of it");
        });
        const others = Promise.all([
          here.store.grant(grantOf(FUNDS, 10n)),
          here.store.openNode("b", AT),
          take("a", 5n),
          here.store.credit(FUNDS, AT),
        ]);
        await expect(slow).rejects.toThrow("thought better of it");
        await others;
        const nodes = await here.database.db
          .selectFrom("nodes")
          .select("id")
          .orderBy("id")
          .execute();
        expect(nodes.map(({ id }) => id)).toEqual(["a", "b"]);
        expect((await standing(here.store, FUNDS)).left).toBe(10n);
        await expectBalanced();
      });

      test("of many processes wait for each other rather than fail", async () => {
        await here.store.grant(grantOf(FUNDS, 1_000_000n));
        const stores = [here.store];
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
          const opened = await another(fresh);
          const versions = await opened.db.selectFrom("schema_version").selectAll().execute();
          expect(versions).toHaveLength(1);
        }
      });

      test("a store of a newer Turnpike is left alone", async () => {
        await here.database.db.updateTable("schema_version").set({ version: 999n }).execute();
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
        const tenants = tenantStore(here.database, "a", manualClock().clock);
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
        const writers = [here.store];
        for (let i = 1; i < CONNECTIONS; i++) writers.push(ledgerStore(await another()));
        const feed = changeFeed(here.database);
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
        const feed = changeFeed(here.database);
        const first = await here.store.askBack("a", FUNDS, AT);
        await feed.forget(AT + 3_600_001);
        expect(await feed.since(0)).toEqual([]);
        expect(await here.store.askBack("a", FUNDS, AT)).toBeGreaterThan(first);
      });
    });

    describe("tenants", () => {
      const tenants = () => tenantStore(here.database, "a", manualClock().clock);
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
        await here.store.openNode("a", AT);
        const used = (id: string, facts: object) => settlementOf(id, {}, facts);
        await here.store.applySettlements(
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
        const rows = await usageBy(here.database, "user", by, AT - HOUR, until);
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

      test("shows what an organization paid for, whoever did it, and the members theirs", async () => {
        const paid = (id: string, at: number, facts: object) =>
          settlementOf(id, {}, { at, payer: "org:acme", ...facts });
        await here.store.applySettlements(
          batchOf("a", [
            paid("r6", AT + HOUR, {}),
            paid("r7", AT + 2 * HOUR, { userId: "someone else" }),
            paid("r8", AT, { payer: "org:other" }),
          ]),
        );
        const newest = async (owner: string) =>
          (await usageReader(here.database).newestRequests(owner, 10)).map(({ id }) => id);
        expect(await newest("org:acme")).toEqual(["r7", "r6"]);
        expect(await newest("someone else")).toEqual(["r7", "r5"]);
        expect(await newest("org:none")).toEqual([]);
      });

      test("shows the newest requests of one user first", async () => {
        const rows = await usageReader(here.database).newestRequests("user", 2);
        expect(rows.map(({ id }) => id)).toEqual(["r3", "r2"]);
        expect(rows[1]).toEqual({
          id: "r2",
          userId: "user",
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
