import { loweredByTerms, type TenantStore } from "../../tenants/store.js";
import { lockingRow } from "../database.js";
import { forgetUser } from "./forget-user.js";
import { takeName } from "./names.js";
import { changedTerms, fromPreferences, fromToken, fromUser, toUser } from "./tenant-rows.js";
import type { UserWriter } from "./user-writer.js";

type UserStore = Pick<TenantStore, "addUser" | "setTerms" | "setPreferences" | "deleteUser">;

export const userStore = ({ database, change, lowered, now }: UserWriter): UserStore => ({
  addUser: (user, token) =>
    change(user.id, async (tx) => {
      if (!(await takeName(tx, user))) return "name_taken";
      await tx.insertInto("users").values(fromUser(user)).execute();
      await tx.insertInto("tokens").values(fromToken(token)).execute();
      return "added";
    }),

  setTerms: (userId, wanted) =>
    change(userId, async (tx) => {
      const query = tx.selectFrom("users").selectAll().where("id", "=", userId);
      const row = await lockingRow(database, query).executeTakeFirst();
      if (!row) return;
      const terms = changedTerms(row, wanted, now());
      await tx.updateTable("users").set(terms).where("id", "=", userId).execute();
      for (const bucketId of loweredByTerms(toUser(row), wanted)) await lowered(tx, bucketId);
    }),

  setPreferences: (userId, wanted) =>
    change(userId, async (tx) => {
      const columns = fromPreferences(wanted);
      await tx.updateTable("users").set(columns).where("id", "=", userId).execute();
    }),

  deleteUser: (userId, at) => change(userId, (tx) => forgetUser(tx, userId, at)),
});
