import type { OrganizationStore } from "../../tenants/organization-store.js";
import { membersOf } from "./org-members.js";
import type { OrgWriter } from "./org-writer.js";
import { fromGroup } from "./organization-rows.js";

type GroupStore = Pick<
  OrganizationStore,
  "addGroup" | "renameGroup" | "removeGroup" | "addToGroup" | "removeFromGroup"
>;

export const groupStore = ({ change }: OrgWriter): GroupStore => ({
  addGroup: (group) =>
    change(group.orgId, async (tx) => {
      const added = await tx
        .insertInto("org_groups")
        .values(fromGroup(group))
        .onConflict((conflict) => conflict.doNothing())
        .returning("id")
        .execute();
      return added.length > 0 ? "done" : "name_taken";
    }),

  renameGroup: (orgId, groupId, name) =>
    change(orgId, async (tx) => {
      const others = tx.selectFrom("org_groups").select("id").where("org_id", "=", orgId);
      const taken = await others
        .where("name", "=", name)
        .where("id", "!=", groupId)
        .executeTakeFirst();
      if (taken) return "name_taken";
      await tx
        .updateTable("org_groups")
        .set({ name })
        .where("org_id", "=", orgId)
        .where("id", "=", groupId)
        .execute();
      return "done";
    }),

  removeGroup: (orgId, groupId) =>
    change(orgId, async (tx) => {
      await tx.deleteFrom("org_group_members").where("group_id", "=", groupId).execute();
      await tx
        .deleteFrom("org_groups")
        .where("org_id", "=", orgId)
        .where("id", "=", groupId)
        .execute();
    }),

  addToGroup: (orgId, groupId, userId) =>
    change(orgId, async (tx) => {
      const members = await membersOf(tx, orgId);
      if (members.every(({ user_id }) => user_id !== userId)) return "not_a_member";
      await tx
        .insertInto("org_group_members")
        .values({ group_id: groupId, org_id: orgId, user_id: userId })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      return "done";
    }),

  removeFromGroup: (orgId, groupId, userId) =>
    change(orgId, async (tx) => {
      const gone = await tx
        .deleteFrom("org_group_members")
        .where("group_id", "=", groupId)
        .where("user_id", "=", userId)
        .returning("user_id")
        .execute();
      return gone.length > 0;
    }),
});
