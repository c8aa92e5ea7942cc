/** Mappings and their prices as the store keeps them, the same on each engine. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type MappingStore, type NewMapping, tagsSubject } from "../../src/catalog/stored.js";
import type { PricePerMillion } from "../../src/kernel/money.js";
import { mappingStore } from "../../src/store/catalog/mappings.js";
import { changeFeed } from "../../src/store/changes.js";
import type { Database } from "../../src/store/database.js";
import { openStore } from "../../src/store/open.js";
import { tempFolder } from "../support/app.js";
import { manualClock } from "../support/clock.js";
import { AT } from "../support/ledger.js";
import { postgres } from "../support/postgres.js";

const folder = tempFolder();
afterAll(folder.remove);
let files = 0;

const ENGINES = [
  { name: "SQLite", place: async () => join(folder.path, `${++files}.sqlite`) },
  { name: "Postgres", place: async () => (await postgres()).freshDatabase() },
];

const BEYOND_DOUBLE = 2n ** 53n + 1n;
const priceOf = (input: bigint, output = input) => ({
  input: input as PricePerMillion,
  output: output as PricePerMillion,
});

const mapping = (facts: Partial<NewMapping> = {}): NewMapping => ({
  provider: "acme",
  task: "conversational",
  subject: { kind: "model", model: "org/model" },
  providerModel: "m-1",
  status: "live",
  facts: { contextLength: 8_192, supportsTools: true },
  price: { price: priceOf(1n), isFree: false, source: "a list", setBy: "ada" },
  ...facts,
});
const priced = (input: bigint, setBy = "ada"): NewMapping["price"] => ({
  ...{ price: priceOf(input), isFree: false, source: "a list", setBy },
});

for (const engine of ENGINES) {
  describe(`mappings in the ${engine.name} store`, () => {
    const { clock, advance } = manualClock(AT);
    let place: string;
    let open: Database[];
    let store: MappingStore;
    let database: Database;

    const connect = async (): Promise<Database> => {
      const other = await openStore(place);
      open.push(other);
      return other;
    };
    beforeEach(async () => {
      place = await engine.place();
      open = [];
      database = await connect();
      store = mappingStore(database, "a", clock);
    });
    afterEach(async () => {
      await Promise.all(open.map((each) => each.close()));
    });

    test("a mapping is read back as it was written, its price to the last digit", async () => {
      const added = await store.add(
        mapping({ price: { ...priced(1n), price: priceOf(BEYOND_DOUBLE, 0n) } }),
      );
      expect(added?.id).toMatch(/^[0-9a-f]{24}$/);
      const [read] = await store.loadAll();
      expect(read).toEqual(added as never);
      expect(read).toMatchObject({
        ...mapping(),
        price: { price: priceOf(BEYOND_DOUBLE, 0n), setBy: "ada", source: "a list" },
      });
      expect(await store.find(read?.id ?? "")).toEqual(read);
      expect(await store.ofProvider("acme")).toEqual([read as never]);
      expect(await store.ofProvider("other")).toEqual([]);
    });

    test("a mapping without a price, or free of charge, stays one", async () => {
      const none = { price: undefined, isFree: true, source: "a promise", setBy: "ada" };
      await store.add(mapping({ price: none }));
      expect((await store.loadAll())[0]?.price).toMatchObject(none);
    });

    test("a provider has one mapping for a model and task, and one for the same tags in any order", async () => {
      const filter = (...tags: string[]) => mapping({ subject: tagsSubject(tags) });
      expect(await store.add(mapping())).toBeDefined();
      expect(await store.add(mapping({ providerModel: "m-2" }))).toBeUndefined();
      expect(await store.add(mapping({ task: "text-generation" }))).toBeDefined();
      expect(await store.add(filter("lora", "base_model:adapter:org/base"))).toBeDefined();
      expect(await store.add(filter("base_model:adapter:org/base", "lora"))).toBeUndefined();
      const subjects = (await store.loadAll()).map(({ subject }) => subject);
      expect(subjects).toContainEqual({
        kind: "tags",
        tags: ["base_model:adapter:org/base", "lora"],
      });
    });

    test("twenty who add the same mapping at once add one", async () => {
      const stores = [store, mappingStore(await connect(), "b", clock)];
      const added = await Promise.all(
        Array.from({ length: 20 }, (_, i) => stores[i % 2]?.add(mapping())),
      );
      expect(added.filter(Boolean)).toHaveLength(1);
      expect(await store.loadAll()).toHaveLength(1);
    });

    test("a new price holds from now on and the old ones stay on record", async () => {
      const added = await store.add(mapping());
      advance(1_000);
      await store.change(added?.id ?? "", { price: priced(2n, "sync") });
      advance(1_000);
      // The same price again is no new price.
      await store.put([mapping({ price: priced(2n, "somebody") })]);
      expect(
        (await store.prices(mapping())).map((entry) => [entry.price?.input, entry.setBy]),
      ).toEqual([
        [2n as never, "sync"],
        [1n as never, "ada"],
      ]);
      const [newest, oldest] = await store.prices(mapping());
      expect((newest?.validFrom ?? 0) - (oldest?.validFrom ?? 0)).toBe(1_000);
      expect((await store.loadAll())[0]?.price).toEqual(newest as never);
    });

    test("prices set in one millisecond by many are all on record, and one of them holds", async () => {
      const added = await store.add(mapping());
      const stores = [store, mappingStore(await connect(), "b", clock)];
      await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          stores[i % 2]?.change(added?.id ?? "", { price: priced(BigInt(10 + i)) }),
        ),
      );
      const history = await store.prices(mapping());
      expect(history).toHaveLength(11);
      expect(new Set(history.map(({ validFrom }) => validFrom)).size).toBe(11);
      const all = await store.loadAll();
      expect(all).toHaveLength(1);
      expect(all[0]?.price).toEqual(history[0] as never);
    });

    test("a removed mapping is gone, and its prices are not", async () => {
      const added = await store.add(mapping());
      expect(await store.remove(added?.id ?? "")).toBe(true);
      expect(await store.remove(added?.id ?? "")).toBe(false);
      expect(await store.loadAll()).toEqual([]);
      advance(5);
      await store.add(mapping({ price: priced(3n) }));
      expect((await store.prices(mapping())).map(({ price }) => price?.input)).toEqual([
        3n as never,
        1n as never,
      ]);
      expect((await store.loadAll())[0]?.price.price?.input).toBe(3n as never);
    });

    test("changed facts are laid over the others, and nothing else changes", async () => {
      const added = await store.add(mapping());
      advance(7);
      const changed = await store.change(added?.id ?? "", {
        status: "error",
        facts: { supportsTools: false, maxOutputTokens: 100 },
      });
      expect(changed).toEqual({
        ...(added as never as object),
        status: "error",
        facts: { contextLength: 8_192, supportsTools: false, maxOutputTokens: 100 },
        changedAt: clock.now(),
      } as never);
      expect((await store.loadAll())[0]).toEqual(changed as never);
      expect(await store.change("0".repeat(24), { status: "live" })).toBeUndefined();
    });

    test("of several mappings written at once none is there when one cannot be", async () => {
      const broken = mapping({ provider: "b", status: undefined as never });
      await expect(store.put([mapping(), broken])).rejects.toThrow();
      expect(await store.loadAll()).toEqual([]);
    });

    test("other processes are told which provider's mappings changed, once for each write", async () => {
      const feed = changeFeed(database);
      const before = await feed.latest();
      await store.put([
        mapping(),
        mapping({ task: "text-generation" }),
        mapping({ provider: "b" }),
      ]);
      const told = (await feed.since(before)).map(({ topic, key, node }) => [topic, key, node]);
      expect(told.toSorted()).toEqual([
        ["mappings", "acme", "a"],
        ["mappings", "b", "a"],
      ]);
    });

    test("what is known of models and their former names is kept, and the last word holds", async () => {
      const lora = {
        ...{ id: "org/lora", pipelineTag: "text-to-image", tags: ["lora", "a:b"] },
        ...{ loraWeights: "w.safetensors", source: "the Hub", readAt: AT },
      };
      await store.putModels([lora, { ...lora, id: "org/plain", tags: [], loraWeights: undefined }]);
      await store.putModels([{ ...lora, tags: ["lora"] }]);
      await store.putRenames([{ from: "old/a", to: "new/a" }], "ada");
      await store.putRenames([{ from: "old/a", to: "newer/a" }], "ada");
      const { models, renames } = await store.loadKnown();
      expect(models.map(({ id, tags, loraWeights }) => [id, tags, loraWeights])).toEqual([
        ["org/lora", ["lora"], "w.safetensors"],
        ["org/plain", [], undefined],
      ]);
      expect(renames).toEqual([{ from: "old/a", to: "newer/a" }]);
      expect(await store.removeRename("old/a")).toBe(true);
      expect(await store.removeRename("old/a")).toBe(false);
    });
  });
}
