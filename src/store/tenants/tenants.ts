/** Users and what they call with. */
import type { Kysely } from "kysely";
import type { Clock } from "../../kernel/clock.js";
import type { TenantRows, TenantStore } from "../../tenants/store.js";
import type { Database } from "../database.js";
import type { Schema } from "../schema.js";
import { toKey, toToken, toUser } from "./tenant-rows.js";
import { keyStore, tokenStore } from "./user-tokens.js";
import { userWriter } from "./user-writer.js";
import { userStore } from "./users.js";

/** `node` names this process in the changes it records. */
export function tenantStore(database: Database, node: string, clock: Clock): TenantStore {
  const { db } = database;
  const writer = userWriter(database, node, clock);
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

    ...userStore(writer),
    ...tokenStore(writer),
    ...keyStore(writer),
  };
}

const livingUsers = (db: Kysely<Schema>) =>
  db.selectFrom("users").selectAll().where("deleted_at", "is", null);
