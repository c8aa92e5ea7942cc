/** Prices over time. Nothing is overwritten: the newest of a mapping's holds, the others are the past. */
import type { Kysely } from "kysely";
import type { MappingKey, NewPrice } from "../../catalog/stored.js";
import type { Schema, Tx } from "../schema.js";
import { keyRow, type PriceRow, printPrice } from "./mapping-rows.js";

type Key = ReturnType<typeof keyRow>;

const ofKey = (db: Kysely<Schema>, { provider, task, subject }: Key) =>
  db
    .selectFrom("mapping_prices")
    .selectAll()
    .where("provider", "=", provider)
    .where("task", "=", task)
    .where("subject", "=", subject);

/** Has a price hold from now on, unless that is what holds already. Of two in one millisecond, the later one wins. */
export async function setPrice(
  tx: Tx,
  key: MappingKey,
  price: NewPrice,
  now: number,
): Promise<PriceRow> {
  const row = keyRow(key);
  const last = await ofKey(tx, row).orderBy("valid_from", "desc").limit(1).executeTakeFirst();
  const text = printPrice(price.price);
  const is_free = price.isFree ? 1n : 0n;
  if (last && last.price === text && last.is_free === is_free) return last;
  if (last) {
    await tx
      .updateTable("mapping_prices")
      .set({ is_last: 0 })
      .where("provider", "=", row.provider)
      .where("task", "=", row.task)
      .where("subject", "=", row.subject)
      .where("is_last", "=", 1n as never)
      .execute();
  }
  const validFrom = Math.max(now, Number(last?.valid_from ?? 0) + 1);
  const added = {
    ...{ ...row, valid_from: BigInt(validFrom), price: text, is_free },
    ...{ source: price.source, set_by: price.setBy, is_last: 1n },
  };
  await tx.insertInto("mapping_prices").values(added).execute();
  return added;
}

/** Newest first. */
export const pricesOf = (db: Kysely<Schema>, key: MappingKey): Promise<PriceRow[]> =>
  ofKey(db, keyRow(key)).orderBy("valid_from", "desc").execute();
