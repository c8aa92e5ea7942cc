/** /api/turnpike/orgs/{org}/resource-groups…: members who are billed together. */
import { z } from "zod";
import { RouterError } from "../../kernel/errors.js";
import { newGroupId } from "../../kernel/ids.js";
import { printTime } from "../../kernel/print-time.js";
import {
  groupBucketOf,
  type Organization,
  type ResourceGroup,
} from "../../tenants/organization.js";
import { USER_NAME, USER_NAME_RULE } from "../../tenants/register.js";
import { readJson } from "../body.js";
import { type Handler, json, type Site } from "../parts.js";
import { enterOrg, groupWithId, memberNamed, nameOf, orgChanged } from "./org-access.js";

export const listGroups: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "member");
  const groups = site.gateway.directory.organizations.groups(org.id);
  return json({ resource_groups: groups.map((group) => printGroup(site, group)) });
};

const printGroup = ({ gateway }: Site, group: ResourceGroup) => ({
  id: group.id,
  name: group.name,
  members: [...group.memberIds].map((id) => nameOf(gateway.directory.user(id))).sort(),
  created_at: printTime(group.createdAt),
});

const groupSchema = z.strictObject({
  name: z.string().regex(USER_NAME, `must be a name: ${USER_NAME_RULE}`),
});

export const addGroup: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "write", "admin");
  const { name } = await readJson(visit.request, groupSchema);
  const group: ResourceGroup = {
    id: newGroupId(),
    orgId: org.id,
    name,
    limit: undefined,
    hasAccess: false,
    createdAt: visit.at,
    memberIds: new Set(),
  };
  refuseTaken(org, name, await site.organizations.addGroup(group));
  await orgChanged(site, org);
  return json({ resource_group: printGroup(site, group) }, 201);
};

export const renameGroup: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "write", "admin");
  const group = groupWithId(site, org, visit.rest[1] ?? "");
  const { name } = await readJson(visit.request, groupSchema);
  refuseTaken(org, name, await site.organizations.renameGroup(org.id, group.id, name));
  await orgChanged(site, org);
  return json({ resource_group: printGroup(site, { ...group, name }) });
};

function refuseTaken(org: Organization, name: string, outcome: "done" | "name_taken"): void {
  if (outcome === "done") return;
  throw new RouterError("conflict", `${org.name} has a resource group "${name}" already.`);
}

export const removeGroup: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "write", "admin");
  const group = groupWithId(site, org, visit.rest[1] ?? "");
  await site.organizations.removeGroup(org.id, group.id);
  await orgChanged(site, org, [groupBucketOf(group)]);
  return json({ removed: group.id });
};

export const addToGroup: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "write", "admin");
  const [, id = "", name = ""] = visit.rest;
  const group = groupWithId(site, org, id);
  const user = await memberNamed(site, org, name);
  if ((await site.organizations.addToGroup(org.id, id, user.id)) === "not_a_member") {
    throw new RouterError("not_found", `"${name}" is no member of ${org.name}.`);
  }
  await orgChanged(site, org);
  return json({ resource_group: printGroup(site, groupWithId(site, org, group.id)) });
};

export const removeFromGroup: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "write", "admin");
  const [, id = "", name = ""] = visit.rest;
  const group = groupWithId(site, org, id);
  const user = await memberNamed(site, org, name);
  if (!(await site.organizations.removeFromGroup(org.id, group.id, user.id))) {
    throw new RouterError("not_found", `"${name}" is not in the group ${group.name}.`);
  }
  await orgChanged(site, org);
  return json({ resource_group: printGroup(site, groupWithId(site, org, group.id)) });
};
