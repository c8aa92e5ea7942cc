/** Invitations to an organization: sent by its admins, answered by whoever is invited. */
import { z } from "zod";
import { RouterError } from "../../kernel/errors.js";
import { newId } from "../../kernel/ids.js";
import { INVITATION_MS, INVITATION_MS_MAX } from "../../kernel/limits.js";
import { printTime } from "../../kernel/print-time.js";
import { type Invitation, ORG_ROLES } from "../../tenants/organization.js";
import type { InvitationOutcome } from "../../tenants/organization-store.js";
import type { User } from "../../tenants/user.js";
import { authenticate } from "../authenticate.js";
import { readJson } from "../body.js";
import { future } from "../fields.js";
import { findUser } from "../operator/admin.js";
import { enterOrg, nameOf, orgChanged } from "../orgs/org-access.js";
import { cannotJoin, requireMayGive } from "../orgs/organizations.js";
import { type Handler, json, type Site, type Visit } from "../parts.js";

export const listInvitations: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "admin");
  const invitations = await site.organizations.invitationsOf(org.id);
  return json({ invitations: invitations.map((each) => printInvitation(site, each, visit.at)) });
};

const printInvitation = ({ gateway }: Site, invitation: Invitation, now: number) => {
  const { directory } = gateway;
  const isOver = invitation.state === "pending" && invitation.expiresAt <= now;
  return {
    id: invitation.id,
    org: nameOf(directory.organizations.withId(invitation.orgId)),
    user: nameOf(directory.user(invitation.userId)),
    role: invitation.role,
    invited_by: nameOf(directory.user(invitation.invitedBy)),
    created_at: printTime(invitation.createdAt),
    expires_at: printTime(invitation.expiresAt),
    state: isOver ? "expired" : invitation.state,
  };
};

export const invite: Handler = async (site, visit) => {
  const place = await enterOrg(site, visit, "write", "admin");
  const wanted = await readJson(
    visit.request,
    z.strictObject({
      user: z.string(),
      role: z.enum(ORG_ROLES).default("member"),
      expires_at: future(visit.at, INVITATION_MS_MAX).default(visit.at + INVITATION_MS),
    }),
  );
  requireMayGive(place, wanted.role);
  const user = await findUser(site, wanted.user, "user");
  const invitation: Invitation = {
    id: newId(),
    orgId: place.org.id,
    userId: user.id,
    role: wanted.role,
    invitedBy: place.user.id,
    createdAt: visit.at,
    expiresAt: wanted.expires_at,
    state: "pending",
  };
  const outcome = await site.organizations.invite(invitation);
  if (outcome === "already_member") throw cannotJoin(place.org, user.name, "already");
  if (outcome === "already_invited") {
    throw new RouterError("conflict", `${user.name} is invited to ${place.org.name} already.`);
  }
  return json({ invitation: printInvitation(site, invitation, visit.at) }, 201);
};

export const withdrawInvitation: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "write", "admin");
  const id = visit.rest[1] ?? "";
  if (!(await site.organizations.withdrawInvitation(org.id, id))) {
    throw new RouterError("not_found", `${org.name} has no open invitation "${id}".`);
  }
  return json({ withdrawn: id });
};

export const listMyInvitations: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "read");
  const invitations = await site.organizations.invitationsFor(user.id);
  return json({ invitations: invitations.map((each) => printInvitation(site, each, visit.at)) });
};

export const acceptInvitation: Handler = (site, visit) => answer(site, visit, true);
export const declineInvitation: Handler = (site, visit) => answer(site, visit, false);

async function answer(site: Site, visit: Visit, accepts: boolean): Promise<Response> {
  const { user } = await authenticate(site, visit, "write");
  const [id = ""] = visit.rest;
  const outcome = await site.organizations.answerInvitation(user.id, id, accepts);
  if (!outcome) throw new RouterError("not_found", `You have no invitation "${id}".`);
  const org = site.gateway.directory.organizations.withId(outcome.invitation.orgId);
  if (!org)
    throw new RouterError("not_found", "The organization is not known here yet: try again.");
  if (outcome.what === "already" || outcome.what === "no_seat") {
    throw cannotJoin(org, user.name, outcome.what);
  }
  if (outcome.what !== "done") throw tooLate(outcome, user);
  await orgChanged(site, org);
  return json({ invitation: printInvitation(site, outcome.invitation, visit.at) });
}

const tooLate = ({ what, invitation }: InvitationOutcome, user: User): RouterError =>
  new RouterError(
    "conflict",
    what === "expired"
      ? `The invitation expired at ${printTime(invitation.expiresAt)}: ask for another one.`
      : `The invitation of ${user.name} is ${invitation.state} already.`,
  );
