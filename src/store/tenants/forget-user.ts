import { deletedName } from "../../tenants/forget.js";
import { fundsBucketOf } from "../../tenants/payer.js";
import { requestsOf } from "../books/user-requests.js";
import type { Tx } from "../schema.js";
import { fromPreferences } from "./tenant-rows.js";

/** Takes out of the store who somebody was and what they called with. Their id stays, since the books name it. */
export async function forgetUser(tx: Tx, userId: string, at: number): Promise<void> {
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
