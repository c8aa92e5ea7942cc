import { expect, test } from "bun:test";
import type { PricePerMillion } from "../kernel/money.js";
import type { Task } from "../tasks/index.js";
import { Catalog } from "./catalog.js";
import { modelSchema, toModel } from "./entry.js";
import type { StoredMapping } from "./stored.js";
import { compare, type Said } from "./sync.js";

type Offer = Readonly<Record<string, unknown>>;
const PRICE = { input: "1", output: "2", cached_input: "0.5" };

const entry = (id: string, offer: Offer = {}, task: Task = "conversational") =>
  toModel(
    modelSchema.parse({
      ...{ id, task },
      providers: [
        {
          provider: "acme",
          provider_model: `own/${id}`,
          price: PRICE,
          read: "2026-09-23",
          ...offer,
        },
      ],
    }),
    "turnpike.yaml",
  );

const dollars = (amount: number) => BigInt(amount * 1_000_000_000) as PricePerMillion;
const said = (more: Partial<Said> = {}): Said => ({
  ...{ provider: "acme", listed: [], hasHubIds: false, hub: [] },
  unitsOf: (task) => (task === "conversational" ? ["input", "output", "cached_input"] : ["input"]),
  ...{ source: "its list", hubSource: "the Hub" },
  ...more,
});
/** What is said of a model that says what the catalog says. */
const same = (id: string) => ({
  id: `own/${id}`,
  price: { input: dollars(1), output: dollars(2) },
});
const kinds = (catalog: Catalog, facts: Partial<Said>) =>
  compare(catalog, said(facts)).changes.map(({ kind, after }) => [kind, after.providerModel]);

test("a list that says what the catalog says changes nothing, also where it says less", () => {
  const catalog = new Catalog({ starter: [entry("org/a", { context_length: 8_192 })] });
  expect(kinds(catalog, { listed: [{ ...same("org/a"), contextLength: 8_192 }] })).toEqual([]);
  expect(kinds(catalog, { listed: [{ id: "own/org/a" }] })).toEqual([]);
});

test("a new price is told with the old one, and units that the list does not name stay", () => {
  const catalog = new Catalog({ starter: [entry("org/a", { supports_tools: true })] });
  const price = { input: dollars(1.5), output: dollars(2) };
  const [change] = compare(catalog, said({ listed: [{ id: "own/org/a", price }] })).changes;
  expect(change).toMatchObject({
    kind: "changed",
    keptBy: undefined,
    before: { price: { input: dollars(1) }, pricedAt: Date.UTC(2026, 8, 23) },
    after: {
      subject: { kind: "model", model: "org/a" },
      status: "live",
      facts: { supportsTools: true },
      price: { source: "its list", setBy: "sync", isFree: false },
    },
  });
  expect(change?.after.price.price).toEqual({ ...price, cached_input: dollars(0.5) });
});

test("a limit that changed is written, and its price stays whose it was", () => {
  const catalog = new Catalog({ starter: [entry("org/a", { context_length: 8_192 })] });
  const listed = [{ ...same("org/a"), contextLength: 4_096 }];
  const [change] = compare(catalog, said({ listed })).changes;
  expect(change?.after).toMatchObject({
    facts: { contextLength: 4_096 },
    price: { source: "turnpike.yaml, read 2026-09-23" },
  });
});

test("what is not listed any more is gone, but for other tasks than the list has, and comes back", () => {
  const starter = [entry("org/a"), entry("org/b"), entry("org/image", {}, "text-to-image")];
  const catalog = new Catalog({ starter });
  const listed = [same("org/b")];
  const [gone, ...others] = compare(catalog, said({ listed })).changes;
  expect(others).toEqual([]);
  expect(gone).toMatchObject({
    kind: "gone",
    after: { providerModel: "own/org/a", status: "error", facts: { isGone: true } },
  });
  const row = { ...gone?.after, id: "1", createdAt: 0, changedAt: 0 } as never as StoredMapping;
  catalog.loadStored("acme", [{ ...row, price: { ...row.price, validFrom: 0 } }]);
  expect(catalog.model("org/a")?.mappings[0]?.status).toBe("error");
  expect(kinds(catalog, { listed })).toEqual([]);
  const [back] = compare(catalog, said({ listed: [...listed, same("org/a")] })).changes;
  expect(back).toMatchObject({ kind: "back", after: { status: "live", facts: { isGone: false } } });
  // Without a list nothing is missed.
  expect(kinds(catalog, { listed: undefined })).toEqual([]);
});

test("a listed model is new where the Hub or its own name says which model it is, and else nobody's", () => {
  const catalog = new Catalog({});
  const listed = [
    { id: "turbo", contextLength: 100, price: { input: dollars(3), output: dollars(4) } },
    { id: "org/named", task: "conversational" as const },
    { id: "mystery" },
  ];
  const hub = [{ modelId: "org/new", task: "conversational" as const, providerModel: "turbo" }];
  const found = compare(catalog, said({ listed, hub, hasHubIds: true }));
  expect(found.unmapped).toEqual(["mystery"]);
  expect(found.changes).toMatchObject([
    {
      kind: "new",
      before: undefined,
      after: {
        ...{ subject: { kind: "model", model: "org/new" }, providerModel: "turbo", status: "live" },
        ...{ facts: { contextLength: 100 }, price: { price: { input: dollars(3) } } },
      },
    },
    { kind: "new", after: { subject: { model: "org/named" }, price: { price: undefined } } },
  ]);
  expect(compare(catalog, said({ listed, hub })).unmapped).toEqual(["org/named", "mystery"]);
});

test("what the Hub says alone is new where no list could have it", () => {
  const offer = (modelId: string, task: Task) => ({
    modelId,
    task,
    providerModel: `own/${modelId}`,
  });
  const hub = [offer("org/film", "text-to-video"), offer("org/chat", "conversational")];
  const catalog = new Catalog({ starter: [entry("org/film", {}, "text-to-image")] });
  expect(kinds(catalog, { hub, listed: [{ id: "own/org/film" }] })).toEqual([
    ["new", "own/org/film"],
  ]);
  expect(kinds(new Catalog({}), { hub, listed: undefined })).toEqual([
    ["new", "own/org/film"],
    ["new", "own/org/chat"],
  ]);
});

test("a provider that calls a model by another name now changes the name, and adds none", () => {
  const catalog = new Catalog({ starter: [entry("org/a")] });
  const hub = [{ modelId: "org/a", task: "conversational" as const, providerModel: "own/a-2" }];
  const { changes } = compare(catalog, said({ listed: [{ id: "own/a-2" }], hub }));
  expect(changes).toMatchObject([
    {
      kind: "changed",
      before: { providerModel: "own/org/a" },
      after: { providerModel: "own/a-2" },
    },
  ]);
  expect(changes).toHaveLength(1);
});

test("what the operator's file says is shown and kept, and tag filters are no business of a list", () => {
  const catalog = new Catalog({ file: [entry("org/a")] });
  const price = { input: dollars(9), output: dollars(9) };
  const [change] = compare(catalog, said({ listed: [{ id: "own/org/a", price }] })).changes;
  expect(change?.keptBy).toBe("turnpike.yaml, read 2026-09-23");
  const free = new Catalog({ file: [entry("org/a", { is_free: true, price: undefined })] });
  expect(kinds(free, { listed: [{ id: "own/org/a", price }] })).toEqual([]);
});

test("of a list's units only those count that the task is charged by", () => {
  const catalog = new Catalog({});
  const listed = [
    {
      ...{ id: "embeds", task: "feature-extraction" as const },
      price: { input: dollars(1), output: dollars(0) },
    },
  ];
  const hub = [{ modelId: "org/e", task: "feature-extraction" as const, providerModel: "embeds" }];
  const [change] = compare(catalog, said({ listed, hub })).changes;
  expect(change?.after.price.price).toEqual({ input: dollars(1) });
});
