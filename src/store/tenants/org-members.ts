import type { Member, Organization, OrgRole } from "../../tenants/organization.js";
import type { MemberOutcome, OrganizationStore } from "../../tenants/organization-store.js";
import type { Tx } from "../schema.js";
import type { OrgWriter } from "./org-writer.js";
import { fromMember } from "./organization-rows.js";

export function memberStore({
  change,
}: OrgWriter): Pick<OrganizationStore, "addMember" | "setRole" | "removeMember"> {
  return {
    addMember: (member) => change(member.orgId, (tx, org) => insertMember(tx, org, member)),

    setRole: (orgId, userId, role) =>
      change(orgId, async (tx) => {
        const outcome = await mayLose(tx, orgId, userId, role);
        if (outcome !== "done") return outcome;
        await tx
          .updateTable("org_members")
          .set({ role })
          .where("org_id", "=", orgId)
          .where("user_id", "=", userId)
          .execute();
        return "done";
      }),

    removeMember: (orgId, userId) =>
      change(orgId, async (tx) => {
        const outcome = await mayLose(tx, orgId, userId, undefined);
        if (outcome !== "done") return outcome;
        for (const table of ["org_members", "org_group_members"] as const) {
          await tx
            .deleteFrom(table)
            .where("org_id", "=", orgId)
            .where("user_id", "=", userId)
            .execute();
        }
        return "done";
      }),
  };
}

/** The organization is locked, so nobody takes the seat that was found. */
export async function insertMember(
  tx: Tx,
  org: Organization,
  member: Member,
): Promise<"done" | "already" | "no_seat"> {
  const members = await membersOf(tx, org.id);
  if (members.some(({ user_id }) => user_id === member.userId)) return "already";
  if (members.length >= org.seats) return "no_seat";
  await tx.insertInto("org_members").values(fromMember(member)).execute();
  return "done";
}

/** Ids and roles. */
export const membersOf = (tx: Tx, orgId: string) =>
  tx.selectFrom("org_members").select(["user_id", "role"]).where("org_id", "=", orgId).execute();

/** Whether a member may be given another role, or leave: an organization always has an owner. */
async function mayLose(
  tx: Tx,
  orgId: string,
  userId: string,
  next: OrgRole | undefined,
): Promise<MemberOutcome> {
  const members = await membersOf(tx, orgId);
  const member = members.find(({ user_id }) => user_id === userId);
  if (!member) return "not_a_member";
  const owners = members.filter(({ role }) => role === "owner").length;
  return member.role === "owner" && next !== "owner" && owners === 1 ? "last_owner" : "done";
}
