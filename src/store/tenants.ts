import type { Selectable } from "kysely";
import type { Clock } from "../kernel/clock.js";
import { nanoUsd } from "../kernel/money.js";
import type { TenantRows, TenantStore } from "../tenants/store.js";
import {
  type AccessToken,
  type Budget,
  type Role,
  SCOPES,
  type Scope,
  type StoredProviderKey,
  type User,
} from "../tenants/user.js";
import { recordChange } from "./changes.js";
import type { Database } from "./database.js";
import type { Schema } from "./schema.js";

/** `node` names this process in the changes it records. */
export function tenantStore(database: Database, node: string, clock: Clock): TenantStore {
  const { db } = database;
  const changeUser = <Result>(
    userId: string,
    work: (tx: Parameters<Parameters<Database["transact"]>[0]>[0]) => Promise<Result>,
  ): Promise<Result> =>
    database.transact(async (tx) => {
      const result = await work(tx);
      await recordChange(database, tx, { topic: "user", key: userId, node, at: clock.now() });
      return result;
    });

  return {
    loadAll: async () => ({
      users: (await db.selectFrom("users").selectAll().execute()).map(toUser),
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
      const query = db.selectFrom("users").selectAll().where("name", "=", name);
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
        const added = await tx
          .insertInto("users")
          .values(fromUser(user))
          .onConflict((conflict) => conflict.doNothing())
          .returning("id")
          .execute();
        if (added.length === 0) return "name_taken";
        await tx.insertInto("tokens").values(fromToken(token)).execute();
        return "added";
      }),

    setPlan: (userId, plan) =>
      changeUser(userId, async (tx) => {
        await tx.updateTable("users").set({ plan }).where("id", "=", userId).execute();
      }),

    setProviderOrder: (userId, order) =>
      changeUser(userId, async (tx) => {
        await tx
          .updateTable("users")
          .set({ provider_order: order.join(" ") })
          .where("id", "=", userId)
          .execute();
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
  };
}

const maybeNumber = (value: bigint | null): number | undefined =>
  value === null ? undefined : Number(value);

const toUser = (row: Selectable<Schema["users"]>): User => ({
  id: row.id,
  name: row.name,
  role: row.role as Role,
  plan: row.plan,
  providerOrder: row.provider_order.split(" ").filter(Boolean),
  createdAt: Number(row.created_at),
  disabledAt: maybeNumber(row.disabled_at),
});

const fromUser = (user: User) => ({
  id: user.id,
  name: user.name,
  role: user.role,
  plan: user.plan,
  provider_order: user.providerOrder.join(" "),
  created_at: user.createdAt,
  disabled_at: user.disabledAt ?? null,
});

const isScope = (text: string): text is Scope => SCOPES.some((scope) => scope === text);

const toToken = (row: Selectable<Schema["tokens"]>): AccessToken => ({
  id: row.id,
  userId: row.user_id,
  name: row.name,
  hash: row.hash,
  mask: row.mask,
  scopes: row.scopes.split(" ").filter(isScope),
  createdAt: Number(row.created_at),
  expiresAt: maybeNumber(row.expires_at),
  revokedAt: maybeNumber(row.revoked_at),
  budget:
    row.budget_nano_usd === null
      ? undefined
      : { amount: nanoUsd(row.budget_nano_usd), period: row.budget_period as Budget["period"] },
});

const fromToken = (token: AccessToken) => ({
  id: token.id,
  user_id: token.userId,
  name: token.name,
  hash: token.hash,
  mask: token.mask,
  scopes: token.scopes.join(" "),
  created_at: token.createdAt,
  expires_at: token.expiresAt ?? null,
  revoked_at: token.revokedAt ?? null,
  budget_nano_usd: token.budget?.amount ?? null,
  budget_period: token.budget?.period ?? null,
});

const toKey = (row: Selectable<Schema["provider_keys"]>): StoredProviderKey => ({
  userId: row.user_id,
  provider: row.provider,
  sealed: row.sealed,
  mask: row.mask,
  createdAt: Number(row.created_at),
});

const fromKey = (key: StoredProviderKey) => ({
  user_id: key.userId,
  provider: key.provider,
  sealed: key.sealed,
  mask: key.mask,
  created_at: key.createdAt,
});
