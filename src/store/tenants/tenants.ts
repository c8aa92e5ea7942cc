import type { Kysely } from "kysely";
import type { Clock } from "../../kernel/clock.js";
import { deletedName } from "../../tenants/forget.js";
import { fundsBucketOf } from "../../tenants/payer.js";
import { loweredByTerms, type TenantRows, type TenantStore } from "../../tenants/store.js";
import { requestsOf } from "../books/user-requests.js";
import { recordChange } from "../changes.js";
import { type Database, lockingRow } from "../database.js";
import type { Schema, Tx } from "../schema.js";
import { takeName } from "./names.js";
import {
  changedTerms,
  fromKey,
  fromPreferences,
  fromToken,
  fromUser,
  toKey,
  toToken,
  toUser,
} from "./tenant-rows.js";

/** `node` names this process in the changes it records. */
export function tenantStore(database: Database, node: string, clock: Clock): TenantStore {
  const { db } = database;
  const changeUser = <Result>(userId: string, work: (tx: Tx) => Promise<Result>): Promise<Result> =>
    database.transact(async (tx) => {
      const result = await work(tx);
      await recordChange(database, tx, { topic: "user", key: userId, node, at: clock.now() });
      return result;
    });

  return {
    loadAll: async () => ({
      users: (await livingUsers(db).execute()).map(toUser),
      tokens: (await db.selectFrom("tokens").selectAll().execute()).map(toToken),
      providerKeys: (await db.selectFrom("provider_keys").selectAll().execute()).map(toKey),
    }),

    loadUser: async (userId): Promise<TenantRows | undefined> => {
      const users = await db.selectFrom("users").selectAll().where("id", "=", userId).execute();
      if (users.length === 0) return undefined;
      const tokens = db.selectFrom("tokens").selectAll().where("user_id", "=", userId);
      const keys = db.selectFrom("provider_keys").selectAll().where("user_id", "=", userId);
      return {
        users: users.map(toUser),
        tokens: (await tokens.execute()).map(toToken),
        providerKeys: (await keys.execute()).map(toKey),
      };
    },

    findUserByName: async (name) => {
      const row = await livingUsers(db).where("name", "=", name).executeTakeFirst();
      return row && toUser(row);
    },

    findUserById: async (userId) => {
      const query = db.selectFrom("users").selectAll().where("id", "=", userId);
      const row = await query.executeTakeFirst();
      return row && toUser(row);
    },

    findTokenByHash: async (hash) => {
      const query = db.selectFrom("tokens").selectAll().where("hash", "=", hash);
      const row = await query.executeTakeFirst();
      return row && toToken(row);
    },

    addUser: (user, token) =>
      changeUser(user.id, async (tx) => {
        if (!(await takeName(tx, user))) return "name_taken";
        await tx.insertInto("users").values(fromUser(user)).execute();
        await tx.insertInto("tokens").values(fromToken(token)).execute();
        return "added";
      }),

    setTerms: (userId, change) =>
      changeUser(userId, async (tx) => {
        const query = tx.selectFrom("users").selectAll().where("id", "=", userId);
        const row = await lockingRow(database, query).executeTakeFirst();
        if (!row) return;
        const at = clock.now();
        const terms = changedTerms(row, change, at);
        await tx.updateTable("users").set(terms).where("id", "=", userId).execute();
        for (const key of loweredByTerms(toUser(row), change)) {
          await recordChange(database, tx, { topic: "lowered", key, node, at });
        }
      }),

    setPreferences: (userId, wanted) =>
      changeUser(userId, async (tx) => {
        const columns = fromPreferences(wanted);
        await tx.updateTable("users").set(columns).where("id", "=", userId).execute();
      }),

    addToken: (token) =>
      changeUser(token.userId, async (tx) => {
        await tx.insertInto("tokens").values(fromToken(token)).execute();
      }),

    revokeToken: (userId, tokenId, at) =>
      changeUser(userId, async (tx) => {
        const revoked = await tx
          .updateTable("tokens")
          .set({ revoked_at: at })
          .where("user_id", "=", userId)
          .where("id", "=", tokenId)
          .where("revoked_at", "is", null)
          .returning("id")
          .execute();
        return revoked.length > 0;
      }),

    putProviderKey: (key) =>
      changeUser(key.userId, async (tx) => {
        const row = fromKey(key);
        await tx
          .insertInto("provider_keys")
          .values(row)
          .onConflict((conflict) => conflict.columns(["user_id", "provider"]).doUpdateSet(row))
          .execute();
      }),

    deleteProviderKey: (userId, provider) =>
      changeUser(userId, async (tx) => {
        const gone = await tx
          .deleteFrom("provider_keys")
          .where("user_id", "=", userId)
          .where("provider", "=", provider)
          .returning("provider")
          .execute();
        return gone.length > 0;
      }),

    deleteUser: (userId, at) => changeUser(userId, (tx) => forgetUser(tx, userId, at)),
  };
}

const livingUsers = (db: Kysely<Schema>) =>
  db.selectFrom("users").selectAll().where("deleted_at", "is", null);

async function forgetUser(tx: Tx, userId: string, at: number): Promise<void> {
  const payer = fundsBucketOf({ kind: "user", id: userId });
  await tx
    .deleteFrom("names")
    .where("name", "=", (query) =>
      query.selectFrom("users").select("name").where("id", "=", userId),
    )
    .execute();
  await tx
    .updateTable("users")
    .set({
      name: deletedName(userId),
      ...fromPreferences({ providerOrder: [], disabledProviders: [] }),
      disabled_at: at,
      deleted_at: at,
    })
    .where("id", "=", userId)
    .execute();
  await tx.deleteFrom("tokens").where("user_id", "=", userId).execute();
  await tx.deleteFrom("provider_keys").where("user_id", "=", userId).execute();
  await tx.deleteFrom("org_invitations").where("user_id", "=", userId).execute();
  await tx.deleteFrom("idempotency_keys").where("payer", "=", payer).execute();
  // What was done for an organization is the organization's to tell apart; the rest concerned nobody else.
  for await (const { ids } of requestsOf(tx, userId)) {
    await tx
      .updateTable("settlements")
      .set({ tags: null })
      .where("id", "in", ids)
      .where("profile", "in", (e) =>
        e.selectFrom("profiles").select("profiles.id").where("profiles.payer", "=", payer),
      )
      .where("tags", "is not", null)
      .execute();
  }
  await tx
    .deleteFrom("usage_tags_hourly")
    .where("user_id", "=", userId)
    .where("payer", "=", payer)
    .execute();
}
