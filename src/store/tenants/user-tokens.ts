/** What a user calls with: tokens of ours, and keys of their own at providers. */
import type { TenantStore } from "../../tenants/store.js";
import { fromKey, fromToken } from "./tenant-rows.js";
import type { UserWriter } from "./user-writer.js";

type TokenStore = Pick<TenantStore, "addToken" | "revokeToken">;
type KeyStore = Pick<TenantStore, "putProviderKey" | "deleteProviderKey">;

export const tokenStore = ({ change }: UserWriter): TokenStore => ({
  addToken: (token) =>
    change(token.userId, async (tx) => {
      await tx.insertInto("tokens").values(fromToken(token)).execute();
    }),

  revokeToken: (userId, tokenId, at) =>
    change(userId, async (tx) => {
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
});

export const keyStore = ({ change }: UserWriter): KeyStore => ({
  putProviderKey: (key) =>
    change(key.userId, async (tx) => {
      const row = fromKey(key);
      await tx
        .insertInto("provider_keys")
        .values(row)
        .onConflict((conflict) => conflict.columns(["user_id", "provider"]).doUpdateSet(row))
        .execute();
    }),

  deleteProviderKey: (userId, provider) =>
    change(userId, async (tx) => {
      const gone = await tx
        .deleteFrom("provider_keys")
        .where("user_id", "=", userId)
        .where("provider", "=", provider)
        .returning("provider")
        .execute();
      return gone.length > 0;
    }),
});
