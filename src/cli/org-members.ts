/** `turnpike org add-member|remove-member|seats` */
import { SEATS_MAX } from "../kernel/limits.js";
import { ORG_ROLES, tooFewSeats } from "../tenants/organization.js";
import type { CommonOptions } from "./command.js";
import { type Local, requireOrganization, requireUser } from "./local.js";
import { printOrganization } from "./org-terms.js";
import { show, UserError } from "./output.js";
import { readOneOf, readWhole } from "./read.js";

export type MemberOptions = CommonOptions & { readonly role: string };

export const readSeats = (what: string, text: string): number =>
  readWhole(what, text, [1, SEATS_MAX]);

export async function addMember(
  local: Local,
  name: string,
  userName: string,
  options: MemberOptions,
): Promise<void> {
  const found = await requireOrganization(local, name);
  const user = await requireUser(local, userName);
  const role = readOneOf("--role", options.role, ORG_ROLES);
  const outcome = await local.organizations.addMember({
    orgId: found.id,
    userId: user.id,
    role,
    limit: undefined,
    joinedAt: Date.now(),
  });
  if (outcome === "already") throw new UserError(`${userName} is a member of ${name} already.`);
  if (outcome === "no_seat") {
    throw new UserError(
      `All ${found.seats} seats of ${name} are taken. More: turnpike org seats ${name} ${found.seats + 1}`,
    );
  }
  show(
    options,
    { member: { org: name, user: userName, role } },
    () => `${userName} is in ${name} now, as ${role}.`,
  );
}

export async function removeMember(
  local: Local,
  name: string,
  userName: string,
  options: CommonOptions,
): Promise<void> {
  const found = await requireOrganization(local, name);
  const user = await requireUser(local, userName);
  const outcome = await local.organizations.removeMember(found.id, user.id);
  if (outcome === "not_a_member") throw new UserError(`${userName} is no member of ${name}.`);
  if (outcome === "last_owner")
    throw new UserError(
      `${userName} is the last owner of ${name}: make somebody else an owner first.`,
    );
  show(options, { removed: userName }, () => `${userName} is no member of ${name} any more.`);
}

export async function changeSeats(
  local: Local,
  name: string,
  text: string,
  options: CommonOptions,
): Promise<void> {
  const found = await requireOrganization(local, name);
  const seats = readSeats("<number>", text);
  const outcome = await local.organizations.setSeats(found.id, seats);
  if (outcome !== "done") {
    throw new UserError(tooFewSeats(name, outcome));
  }
  show(
    options,
    { org: printOrganization({ ...found, seats }) },
    () => `Seats of ${name}: ${seats}.`,
  );
}
