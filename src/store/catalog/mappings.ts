import { randomBytes } from "node:crypto";
import type { Kysely } from "kysely";
import type {
  MappingChange,
  MappingKey,
  MappingStore,
  NewMapping,
  StoredMapping,
} from "../../catalog/stored.js";
import type { Clock } from "../../kernel/clock.js";
import { recordChange } from "../changes.js";
import { type Database, lockingRow } from "../database.js";
import type { Schema, Tx } from "../schema.js";
import { knownModelStore } from "./known-models.js";
import { pricesOf, setPrice } from "./mapping-prices.js";
import { keyOf, keyRow, type MappingRow, toMapping, toPrice } from "./mapping-rows.js";

/** `node` names this process in the changes it records. */
export function mappingStore(database: Database, node: string, clock: Clock): MappingStore {
  const { db } = database;
  const change = <Result>(work: (writer: Writer) => Promise<Result>): Promise<Result> =>
    database.transact(async (tx) => {
      const writer = new Writer(database, tx, clock.now());
      const result = await work(writer);
      for (const key of writer.providers) {
        await recordChange(database, tx, { topic: "mappings", key, node, at: writer.now });
      }
      return result;
    });
  return {
    loadAll: () => load(db),
    ofProvider: (provider) => load(db, { provider }),
    find: async (id) => (await load(db, { id }))[0],
    prices: async (key) => (await pricesOf(db, key)).map(toPrice),
    add: (mapping) =>
      change(async (writer) => ((await writer.find(mapping)) ? undefined : writer.insert(mapping))),
    put: (mappings) =>
      change(async (writer) => {
        for (const mapping of inOneOrder(mappings)) {
          const known = await writer.find(mapping);
          if (known) await writer.update(known, mapping);
          else await writer.insert(mapping);
        }
      }),
    change: (id, changed) =>
      change(async (writer) => {
        const known = await writer.findById(id);
        return known && writer.update(known, changed);
      }),
    remove: (id) =>
      change(async (writer) => {
        const known = await writer.findById(id);
        if (known) await writer.remove(known);
        return known !== undefined;
      }),
    ...knownModelStore(database, node, clock),
  };
}

/** Two that write much at once do not wait for each other in a circle. */
const inOneOrder = (mappings: readonly NewMapping[]): readonly NewMapping[] =>
  mappings.toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));

const orderOf = (key: MappingKey): string => Object.values(keyRow(key)).join(" ");

type Where = { readonly provider?: string; readonly id?: string };

async function load(db: Kysely<Schema>, { provider, id }: Where = {}): Promise<StoredMapping[]> {
  let query = db
    .selectFrom("mappings as m")
    .innerJoin("mapping_prices as p", (join) =>
      join
        .onRef("p.provider", "=", "m.provider")
        .onRef("p.task", "=", "m.task")
        .onRef("p.subject", "=", "m.subject")
        .on("p.is_last", "=", 1n as never),
    )
    .selectAll("m")
    .select(["p.valid_from", "p.price", "p.is_free", "p.source", "p.set_by", "p.is_last"])
    .orderBy("m.created_at")
    .orderBy("m.id");
  if (provider !== undefined) query = query.where("m.provider", "=", provider);
  if (id !== undefined) query = query.where("m.id", "=", id);
  return (await query.execute()).map((row) => toMapping(row, row));
}

/** Writes within one transaction, and remembers whose mappings it changed. */
class Writer {
  readonly providers = new Set<string>();
  readonly now: number;
  private readonly database: Database;
  private readonly tx: Tx;

  constructor(database: Database, tx: Tx, now: number) {
    this.database = database;
    this.tx = tx;
    this.now = now;
  }

  find(key: MappingKey): Promise<MappingRow | undefined> {
    const { provider, task, subject } = keyRow(key);
    const query = this.tx
      .selectFrom("mappings")
      .selectAll()
      .where("provider", "=", provider)
      .where("task", "=", task)
      .where("subject", "=", subject);
    return lockingRow(this.database, query).executeTakeFirst();
  }

  findById(id: string): Promise<MappingRow | undefined> {
    const query = this.tx.selectFrom("mappings").selectAll().where("id", "=", id);
    return lockingRow(this.database, query).executeTakeFirst();
  }

  async insert(mapping: NewMapping): Promise<StoredMapping> {
    const row: MappingRow = {
      ...{ ...keyRow(mapping), id: randomBytes(12).toString("hex") },
      ...{ provider_model: mapping.providerModel, status: mapping.status },
      facts: JSON.stringify(mapping.facts),
      ...{ created_at: BigInt(this.now), changed_at: BigInt(this.now) },
    };
    await this.tx.insertInto("mappings").values(row).execute();
    const price = await setPrice(this.tx, mapping, mapping.price, this.now);
    this.providers.add(row.provider);
    return toMapping(row, price);
  }

  async update(row: MappingRow, change: MappingChange): Promise<StoredMapping> {
    const changed = {
      provider_model: change.providerModel ?? row.provider_model,
      status: change.status ?? row.status,
      facts: JSON.stringify({ ...JSON.parse(row.facts), ...change.facts }),
      changed_at: BigInt(this.now),
    };
    await this.tx.updateTable("mappings").set(changed).where("id", "=", row.id).execute();
    const after = { ...row, ...changed };
    this.providers.add(row.provider);
    const key = keyOf(row);
    const prices = change.price
      ? [await setPrice(this.tx, key, change.price, this.now)]
      : await pricesOf(this.tx, key);
    const [price] = prices;
    if (!price) throw new Error("a mapping without a price entry");
    return toMapping(after, price);
  }

  async remove(row: MappingRow): Promise<void> {
    await this.tx.deleteFrom("mappings").where("id", "=", row.id).execute();
    this.providers.add(row.provider);
  }
}
