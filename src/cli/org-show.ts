import { formatUsd, printAmountOrNull } from "../kernel/money.js";
import type { Organization } from "../tenants/organization.js";
import type { OrganizationRows } from "../tenants/organization-store.js";
import type { CommonOptions } from "./command.js";
import { type Local, requireOrganization } from "./local.js";
import { printOrganization } from "./org-terms.js";
import { show, table } from "./output.js";

export async function showOne(local: Local, name: string, options: CommonOptions): Promise<void> {
  const found = await requireOrganization(local, name);
  const rows = await local.organizations.load(found.id);
  const { users } = await local.tenants.loadAll();
  const names = new Map(users.map((user) => [user.id, user.name]));
  const value = printed(found, rows, (id) => names.get(id) ?? id);
  show(options, value, () => inWords(found, value));
}

const printed = (
  org: Organization,
  { members, groups }: OrganizationRows,
  nameOf: (userId: string) => string,
) => ({
  org: {
    ...printOrganization(org),
    limit_nano_usd: printAmountOrNull(org.limit),
    access: org.access,
  },
  members: members.map(({ userId, role, limit }) => ({
    user: nameOf(userId),
    role,
    limit_nano_usd: printAmountOrNull(limit),
  })),
  groups: groups.map((group) => ({
    id: group.id,
    name: group.name,
    members: [...group.memberIds].map(nameOf),
    limit_nano_usd: printAmountOrNull(group.limit),
  })),
});

function inWords(org: Organization, { members, groups }: ReturnType<typeof printed>): string {
  const taken = `seats taken: ${members.length} of ${org.seats}`;
  const memberTable = table(
    ["member", "role", "monthly limit"],
    members.map((row) => [row.user, row.role, dollars(row.limit_nano_usd)]),
  );
  const groupTable = table(
    ["group", "id", "members", "monthly limit"],
    groups.map((row) => [row.name, row.id, row.members.join(", "), dollars(row.limit_nano_usd)]),
  );
  const parts = [`${org.name}: plan ${org.plan}, ${taken}`, memberTable];
  return [...parts, ...(groups.length === 0 ? [] : [groupTable])].join("\n\n");
}

const dollars = (limit: string | null): string =>
  limit === null ? "none" : `$${formatUsd(BigInt(limit))}`;
