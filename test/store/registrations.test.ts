/** Registered providers in the store, on each engine. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { registrationStore } from "../../src/store/catalog/registrations.js";
import { changeFeed } from "../../src/store/changes.js";
import type { Database } from "../../src/store/database.js";
import { openStore } from "../../src/store/open.js";
import type { Registration } from "../../src/tenants/registration.js";
import { manualClock } from "../support/clock.js";
import { postgresEngine, sqliteEngine } from "./engines.js";

const AT = 1_000_000;

const registration = (id: string, orgId: string): Registration => ({
  ...{ id, orgId, name: "Acme Inference", baseUrl: "https://api.acme.example/v1" },
  ...{ dialect: "openai-compatible", authHeader: "authorization", authScheme: "Bearer" },
  ...{ requestIdHeader: "inference-id", billingUrl: undefined, billingDelayMs: 0 },
  ...{ modelsUrl: "https://api.acme.example/v1/models", sealed: "sealed", mask: "…" },
  ...{ state: "sandbox", createdAt: AT, changedAt: AT, testedAt: undefined, hasPassed: false },
});

for (const engine of [sqliteEngine(), postgresEngine()]) {
  describe(`registered providers in the ${engine.name} store`, () => {
    const open: Database[] = [];
    let database: Database;
    let store: ReturnType<typeof registrationStore>;

    beforeEach(async () => {
      await engine.start?.();
      database = await openStore(await engine.freshPlace());
      open.push(database);
      store = registrationStore(database, "a", manualClock(AT).clock);
      await store.add(registration("acme", "org-a"));
    });

    afterAll(async () => {
      for (const each of open) await each.close();
      engine.clean();
    });

    const noted = (changedAt: number, hasPassed = true) =>
      store.noteReport("acme", { at: AT + 5, changedAt, hasPassed, report: '{"checks":[]}' });

    test("an id belongs to one organization, which has one provider", async () => {
      expect(await store.add(registration("acme", "org-b"))).toBe("id_taken");
      expect(await store.add(registration("other", "org-a"))).toBe("org_has_one");
      expect(await store.load("acme")).toEqual(registration("acme", "org-a"));
      expect((await store.ofOrg("org-a"))?.id).toBe("acme");
      expect(await store.ofOrg("org-b")).toBeUndefined();
      expect(await store.load("other")).toBeUndefined();
    });

    test("of many who register one id at once, one gets it", async () => {
      const tries = ["b", "c", "d", "e"].map((org) => store.add(registration("new", org)));
      expect((await Promise.all(tries)).filter((each) => each === "added")).toHaveLength(1);
      expect(await store.loadAll()).toHaveLength(2);
    });

    test("what passed goes on, and another place begins anew in the sandbox", async () => {
      const step = { from: "sandbox", to: "staging", mustHavePassed: true } as const;
      expect(await store.move("acme", step)).toBe(false);
      expect(await noted(AT, false)).toBe(true);
      expect(await store.move("acme", step)).toBe(false);
      expect(await noted(AT)).toBe(true);
      expect(await store.move("acme", step)).toBe(true);
      expect(await store.move("acme", step)).toBe(false);
      expect(await store.load("acme")).toMatchObject({ state: "staging", hasPassed: true });
      expect(await store.report("acme")).toBe('{"checks":[]}');

      const renamed = await store.change("acme", { name: "Acme", sealed: "other", mask: "…x" });
      expect(renamed).toMatchObject({ state: "staging", hasPassed: true, name: "Acme" });
      const moved = await store.change("acme", { baseUrl: "https://new.acme.example/v1" });
      expect(moved).toMatchObject({ state: "sandbox", hasPassed: false, testedAt: undefined });
      expect(await store.load("acme")).toEqual(moved);
    });

    test("a report on a place that was changed meanwhile counts for nothing", async () => {
      const { changedAt } = await store.change("acme", { authHeader: "x-key", authScheme: "" });
      expect(changedAt).toBeGreaterThan(AT);
      expect(await noted(AT)).toBe(false);
      expect(await store.load("acme")).toMatchObject({ hasPassed: false, testedAt: undefined });
      expect(await noted(changedAt)).toBe(true);
      expect(await store.load("acme")).toMatchObject({ hasPassed: true, testedAt: AT + 5 });
    });

    test("every change is told to all processes", async () => {
      const feed = changeFeed(database);
      const seen = await feed.latest();
      await store.add(registration("other", "org-b"));
      await store.change("acme", { name: "Acme" });
      await store.move("acme", { from: "sandbox", to: "withdrawn", mustHavePassed: false });
      await store.move("acme", { from: "sandbox", to: "withdrawn", mustHavePassed: false });
      const changes = await feed.since(seen);
      expect(changes.map(({ topic, key }) => `${topic} ${key}`)).toEqual([
        "provider other",
        "provider acme",
        "provider acme",
      ]);
    });
  });
}
