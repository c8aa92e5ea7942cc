/** Idempotency keys: who uses one first, on whichever process, has it for a day. */
import { IDEMPOTENCY_MS } from "../../kernel/limits.js";
import type { Database } from "../database.js";

export type Claim = {
  /** The bucket of whoever pays. */
  readonly payer: string;
  /** A hash: the key itself is nobody's business. */
  readonly key: string;
  readonly requestId: string;
  readonly at: number;
};

/** The request that has a key. */
export type Holder = {
  readonly requestId: string;
  readonly at: number;
  /** How it ended; undefined while the store has not heard of an end. */
  readonly outcome: string | undefined;
};

export function idempotencyStore(database: Database) {
  const { db } = database;
  return {
    /** Undefined when the claimant has the key now; else who had it before. */
    claim: (claim: Claim): Promise<Holder | undefined> =>
      database.transact(async (tx) => {
        const { payer, key, requestId: request, at } = claim;
        const taken = await tx
          .insertInto("idempotency_keys")
          .values({ payer, key, request, at })
          .onConflict((conflict) =>
            conflict
              .columns(["payer", "key"])
              .doUpdateSet({ request, at })
              .where("idempotency_keys.at", "<=", BigInt(at - IDEMPOTENCY_MS)),
          )
          .returning("request")
          .execute();
        if (taken.length > 0) return undefined;
        const holder = await tx
          .selectFrom("idempotency_keys")
          .leftJoin("requests", "requests.id", "idempotency_keys.request")
          .select(["request", "idempotency_keys.at as since", "outcome"])
          .where("idempotency_keys.payer", "=", payer)
          .where("key", "=", key)
          .executeTakeFirstOrThrow();
        return {
          requestId: holder.request,
          at: Number(holder.since),
          outcome: holder.outcome ?? undefined,
        };
      }),

    /** How a request ended, as far as the store has heard. */
    outcomeOf: async (requestId: string): Promise<string | undefined> => {
      const query = db.selectFrom("requests").select("outcome").where("id", "=", requestId);
      return (await query.executeTakeFirst())?.outcome;
    },

    /** Nothing was sent: the key is free again. */
    release: ({ payer, key, requestId }: Claim): Promise<void> =>
      database.transact(async (tx) => {
        await tx
          .deleteFrom("idempotency_keys")
          .where("payer", "=", payer)
          .where("key", "=", key)
          .where("request", "=", requestId)
          .execute();
      }),
  };
}
