/** Findings of validation in the store, on each engine. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { Validation } from "../../src/catalog/validation.js";
import { VALIDATION_HISTORY_MAX } from "../../src/kernel/limits.js";
import { validationStore } from "../../src/store/catalog/validations.js";
import { changeFeed } from "../../src/store/changes.js";
import type { Database } from "../../src/store/database.js";
import { openStore } from "../../src/store/open.js";
import { manualClock } from "../support/clock.js";
import { postgresEngine, sqliteEngine } from "./engines.js";

const AT = 1_000_000;

const found = (modelId: string, checkedAt: number, more: Partial<Validation> = {}): Validation => ({
  ...{ provider: "acme", modelId, task: "conversational", subject: "live m", verdict: "passed" },
  ...{ checkedAt, nextAt: checkedAt + 100, firstTokenMs: 250, throughput: 41.5 },
  ...{ tools: true, structuredOutput: undefined },
  checks: [{ name: "chat", verdict: "passed", why: null }],
  ...more,
});

for (const engine of [sqliteEngine(), postgresEngine()]) {
  describe(`validations in the ${engine.name} store`, () => {
    const open: Database[] = [];
    let database: Database;
    let store: ReturnType<typeof validationStore>;

    beforeEach(async () => {
      await engine.start?.();
      database = await openStore(await engine.freshPlace());
      open.push(database);
      store = validationStore(database, "a", manualClock(AT).clock);
    });

    afterAll(async () => {
      for (const each of open) await each.close();
      engine.clean();
    });

    test("the last finding on a mapping holds, and every process hears of it", async () => {
      const feed = changeFeed(database);
      const seen = await feed.latest();
      const first = found("org/a", AT);
      const checks = [{ name: "chat", verdict: "failed", why: "no" } as const];
      const second = found("org/a", AT + 1, {
        ...{ verdict: "failed", firstTokenMs: undefined, throughput: undefined, checks },
        ...{ tools: false, structuredOutput: true },
      });
      await store.note(first);
      expect(await store.load(first)).toEqual(first);
      await store.note(second);
      await store.note(found("org/b", AT));
      expect(await store.load(first)).toEqual(second);
      expect(await store.loadAll()).toHaveLength(2);
      expect(await store.load(found("org/c", AT))).toBeUndefined();
      expect((await feed.since(seen)).map(({ topic, key }) => `${topic} ${key}`)).toEqual([
        "validation acme conversational org/a",
        "validation acme conversational org/a",
        "validation acme conversational org/b",
      ]);
      expect(await store.history(first)).toEqual([
        ...[{ at: AT + 1, verdict: "failed", why: "chat" }].map((past) => ({
          ...{ ...past, firstTokenMs: undefined, throughput: undefined },
        })),
        { at: AT, verdict: "passed", why: "", firstTokenMs: 250, throughput: 41.5 },
      ] as never);
    });

    test("of the past no more is kept than is promised, for each mapping by itself", async () => {
      const most = VALIDATION_HISTORY_MAX;
      await store.note(found("org/other", AT));
      for (let i = 0; i < most + 3; i++) await store.note(found("org/a", AT + i));
      const history = await store.history(found("org/a", AT));
      expect(history.map(({ at }) => at)).toEqual(
        Array.from({ length: most }, (_, i) => AT + most + 2 - i),
      );
      const rows = await database.db.selectFrom("validation_history").select("at").execute();
      expect(rows).toHaveLength(most + 1);
    });
  });
}
