import type { Invitation, Organization } from "../../tenants/organization.js";
import type { InvitationOutcome, OrganizationStore } from "../../tenants/organization-store.js";
import type { Tx } from "../schema.js";
import { insertMember, membersOf } from "./org-members.js";
import type { OrgWriter } from "./org-writer.js";
import { fromInvitation, toInvitation } from "./organization-rows.js";

type InvitationStore = Pick<
  OrganizationStore,
  "invite" | "invitationsOf" | "invitationsFor" | "answerInvitation" | "withdrawInvitation"
>;

/** Answered and expired ones are shown as well, up to this many. */
const SHOWN_MAX = 1_000;

export function invitationStore({ database, change, now }: OrgWriter): InvitationStore {
  const list = async (column: "org_id" | "user_id", id: string) => {
    const query = database.db.selectFrom("org_invitations").selectAll().where(column, "=", id);
    const rows = await query.orderBy("created_at", "desc").limit(SHOWN_MAX).execute();
    return rows.map(toInvitation);
  };
  return {
    invite: (invitation) => change(invitation.orgId, (tx) => invite(tx, invitation, now())),

    invitationsOf: (orgId) => list("org_id", orgId),
    invitationsFor: (userId) => list("user_id", userId),

    answerInvitation: async (userId, id, accepts) => {
      const row = await database.db
        .selectFrom("org_invitations")
        .select("org_id")
        .where("id", "=", id)
        .where("user_id", "=", userId)
        .executeTakeFirst();
      if (!row) return undefined;
      return change(row.org_id, (tx, org) => answer(tx, org, id, accepts, now()));
    },

    withdrawInvitation: (orgId, id) =>
      change(orgId, async (tx) => {
        const withdrawn = await tx
          .updateTable("org_invitations")
          .set({ state: "withdrawn" })
          .where("org_id", "=", orgId)
          .where("id", "=", id)
          .where("state", "=", "pending")
          .returning("id")
          .execute();
        return withdrawn.length > 0;
      }),
  };
}

async function invite(tx: Tx, invitation: Invitation, now: number) {
  const { orgId, userId } = invitation;
  const members = await membersOf(tx, orgId);
  if (members.some(({ user_id }) => user_id === userId)) return "already_member";
  const open = await tx
    .selectFrom("org_invitations")
    .select("id")
    .where("org_id", "=", orgId)
    .where("user_id", "=", userId)
    .where("state", "=", "pending")
    .where("expires_at", ">", BigInt(now))
    .executeTakeFirst();
  if (open) return "already_invited";
  await tx.insertInto("org_invitations").values(fromInvitation(invitation)).execute();
  return "done";
}

async function answer(
  tx: Tx,
  org: Organization,
  id: string,
  accepts: boolean,
  now: number,
): Promise<InvitationOutcome> {
  const query = tx.selectFrom("org_invitations").selectAll().where("id", "=", id);
  const invitation = toInvitation(await query.executeTakeFirstOrThrow());
  if (invitation.state !== "pending") return { what: "answered", invitation };
  if (accepts) {
    if (invitation.expiresAt <= now) return { what: "expired", invitation };
    const { orgId, userId, role } = invitation;
    const member = { orgId, userId, role, limit: undefined, joinedAt: now };
    const what = await insertMember(tx, org, member);
    if (what !== "done") return { what, invitation };
  }
  const state = accepts ? "accepted" : "declined";
  await tx.updateTable("org_invitations").set({ state }).where("id", "=", id).execute();
  return { what: "done", invitation: { ...invitation, state } };
}
