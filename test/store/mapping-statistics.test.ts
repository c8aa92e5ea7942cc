/** Statistics of mappings as processes hand them to each other, the same on each engine. */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Mapping } from "../../src/catalog/model.js";
import type { SharedSums } from "../../src/routing/statistics.js";
import { mappingStatisticsStore } from "../../src/store/catalog/mapping-statistics.js";
import { openStore } from "../../src/store/open.js";
import { chat, type TestApp, tempFolder, testApp } from "../support/app.js";
import { manualClock } from "../support/clock.js";
import { AT } from "../support/ledger.js";
import { postgres } from "../support/postgres.js";
import { fakeProvider, plainAnswer, yamlFor } from "../support/provider.js";

const folder = tempFolder();
afterAll(folder.remove);
let files = 0;

const ENGINES = [
  { name: "SQLite", place: async () => join(folder.path, `${++files}.sqlite`) },
  { name: "Postgres", place: async () => (await postgres()).freshDatabase() },
];

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const sumsOf = (mapping: string, at: number, ...sums: number[]): SharedSums => ({
  ...{ mapping, at, sums },
});

for (const engine of ENGINES) {
  describe(`statistics in the ${engine.name} store`, () => {
    test("a node's sums replace those it wrote before, and are read back to the last bit", async () => {
      const database = await openStore(await engine.place());
      cleanUps.push(database.close);
      const store = mappingStatisticsStore(database);
      const awkward = [1 / 3, 5e-324, 1.7976931348623157e308, 0];
      await store.write("a", [sumsOf("m", AT, 1), sumsOf("n", AT, 2)]);
      await store.write("a", [sumsOf("m", AT + 5, ...awkward)]);
      await store.write("b", [sumsOf("m", AT, 3)]);
      await store.write("b", []);
      const read = await store.ofOthers("b", 0);
      expect(read.toSorted((a, b) => (a.mapping < b.mapping ? -1 : 1))).toEqual([
        sumsOf("m", AT + 5, ...awkward),
        sumsOf("n", AT, 2),
      ]);
      expect(await store.ofOthers("a", 0)).toEqual([sumsOf("m", AT, 3)]);
    });

    test("rows of a time that is over are not read, and are forgotten", async () => {
      const database = await openStore(await engine.place());
      cleanUps.push(database.close);
      const store = mappingStatisticsStore(database);
      await store.write("a", [sumsOf("old", AT), sumsOf("new", AT + 1)]);
      expect(await store.ofOthers("b", AT)).toEqual([sumsOf("new", AT + 1)]);
      await store.forget(AT);
      expect(await store.ofOthers("b", 0)).toEqual([sumsOf("new", AT + 1)]);
    });

    test("more mappings than one statement holds are written all", async () => {
      const database = await openStore(await engine.place());
      cleanUps.push(database.close);
      const store = mappingStatisticsStore(database);
      const many = Array.from({ length: 1_201 }, (_, i) => sumsOf(`m${i}`, AT, i));
      await store.write("a", many);
      expect((await store.ofOthers("b", 0)).length).toBe(1_201);
    });

    test("what one app measures another one knows within five seconds, also one that starts later", async () => {
      const place = await engine.place();
      const { clock, advance } = manualClock(AT);
      const provider = fakeProvider(() => {
        advance(500);
        return plainAnswer();
      });
      cleanUps.push(provider.stop);
      const start = async (): Promise<TestApp> => {
        const databaseUrl = engine.name === "Postgres" ? { databaseUrl: place } : {};
        const app = await testApp({
          ...{ yaml: yamlFor({ local: provider.origin }), clock, config: databaseUrl },
          ...(engine.name === "SQLite" && { data: shared.path }),
        });
        return app;
      };
      const shared = tempFolder();
      cleanUps.push(shared.remove);
      const [one, other] = [await start(), await start()];
      cleanUps.push(other.stop);
      const mapping = mappingIn(one);
      const known = (app: TestApp) => app.site.gateway.statistics.evidenceOf(mapping, clock.now());
      const ada = await one.addUser("ada");
      const ask = { model: "org/model", messages: [{ role: "user", content: "hi" }] };
      for (let i = 0; i < 3; i++) await (await one.answer(chat(ada.token, ask))).text();
      expect(known(one)).toMatchObject({ totalMs: 500 });
      expect(known(other).totalMs).toBeUndefined();

      // The jobs of both run by this clock alone: a round of telling, and a round of hearing.
      for (let passed = 0; passed < 5_000 && known(other).totalMs === undefined; passed += 500) {
        advance(500);
        await Bun.sleep(20);
      }
      expect(known(other).totalMs).toBeCloseTo(500, 6);
      expect(known(other).answers).toBeCloseTo(known(one).answers, 1);

      // Each hears of the other, and nobody of itself.
      await other.shareStatistics();
      await one.shareStatistics();
      expect(known(one).answers).toBeLessThanOrEqual(3);

      await one.stop();
      const later = await start();
      cleanUps.push(later.stop);
      expect(known(later).totalMs).toBeCloseTo(500, 6);
      expect(known(later).answers).toBeCloseTo(known(other).answers, 6);
    });
  });
}

function mappingIn(app: TestApp): Mapping {
  const [mapping] = app.site.gateway.catalog.model("org/model")?.mappings ?? [];
  if (!mapping) throw new Error("an offer expected");
  return mapping;
}
