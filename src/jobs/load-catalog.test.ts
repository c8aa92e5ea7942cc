import { expect, test } from "bun:test";
import { Catalog } from "../catalog/catalog.js";
import type { StoredMapping } from "../catalog/stored.js";
import { catalogLoader } from "./load-catalog.js";

const rowOf = (providerModel: string): StoredMapping => ({
  ...{ id: "1", provider: "acme", task: "conversational" },
  ...{ subject: { kind: "model", model: "org/m" }, providerModel, status: "live", facts: {} },
  price: { price: undefined, isFree: true, source: "a test", setBy: "test", validFrom: 0 },
  ...{ createdAt: 0, changedAt: 0 },
});

const known = { loadAll: async () => [], loadKnown: async () => ({ models: [], renames: [] }) };

test("of two loads at once the one that was asked for last has the last word, however slow the other", async () => {
  const catalog = new Catalog({});
  const slow = Promise.withResolvers<readonly StoredMapping[]>();
  const answers = [slow.promise, Promise.resolve([rowOf("new")])];
  const ofProvider = () => answers.shift() ?? Promise.resolve([]);
  const loader = catalogLoader(catalog, { ...known, ofProvider });
  const both = [loader.mappingsOf("acme"), loader.mappingsOf("acme")];
  await Bun.sleep(1);
  slow.resolve([rowOf("old")]);
  await Promise.all(both);
  expect(catalog.model("org/m")?.mappings[0]?.providerModel).toBe("new");
});

test("a load that fails is told to whoever wanted it, and keeps no later one from loading", async () => {
  const catalog = new Catalog({});
  const answers = [Promise.reject(new Error("away")), Promise.resolve([rowOf("new")])];
  const ofProvider = () => answers.shift() ?? Promise.resolve([]);
  const loader = catalogLoader(catalog, { ...known, ofProvider });
  const [first, second] = [loader.mappingsOf("acme"), loader.mappingsOf("acme")];
  await expect(first).rejects.toThrow("away");
  await second;
  expect(catalog.model("org/m")?.mappings).toHaveLength(1);
});
