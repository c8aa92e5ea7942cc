import type { Kysely } from "kysely";
import type { Clock } from "../../kernel/clock.js";
import type { OrganizationRows, OrganizationStore } from "../../tenants/organization-store.js";
import { fundsBucketOf } from "../../tenants/payer.js";
import { loweredByTerms } from "../../tenants/store.js";
import { recordChange } from "../changes.js";
import type { Database } from "../database.js";
import type { Schema } from "../schema.js";
import { limitStore } from "./limits.js";
import { takeName } from "./names.js";
import { groupStore } from "./org-groups.js";
import { invitationStore } from "./org-invitations.js";
import { memberStore, membersOf } from "./org-members.js";
import { type OrgWriter, orgWriter } from "./org-writer.js";
import {
  fromMember,
  fromOrganization,
  fromOrgKey,
  toGroup,
  toMember,
  toOrganization,
  toOrgKey,
} from "./organization-rows.js";
import { changedTerms } from "./tenant-rows.js";

/** `node` names this process in the changes it records. */
export function organizationStore(
  database: Database,
  node: string,
  clock: Clock,
): OrganizationStore {
  const { db } = database;
  const writer = orgWriter(database, node, clock);
  return {
    loadAll: () => loadRows(db, undefined),
    load: (orgId) => loadRows(db, orgId),

    findByName: async (name) => {
      const query = db.selectFrom("orgs").selectAll().where("name", "=", name);
      const row = await query.executeTakeFirst();
      return row && toOrganization(row);
    },

    add: (org, owner) =>
      database.transact(async (tx) => {
        if (!(await takeName(tx, org))) return "name_taken";
        await tx.insertInto("orgs").values(fromOrganization(org)).execute();
        if (owner) await tx.insertInto("org_members").values(fromMember(owner)).execute();
        await recordChange(database, tx, { topic: "org", key: org.id, node, at: clock.now() });
        return "added";
      }),

    ...termsStore(writer),
    ...memberStore(writer),
    ...groupStore(writer),
    ...invitationStore(writer),
    ...limitStore(writer),
    ...settingStore(writer),
  };
}

const termsStore = ({
  change,
  lowered,
  now,
}: OrgWriter): Pick<OrganizationStore, "setTerms" | "setSeats"> => ({
  setTerms: (orgId, terms) =>
    change(orgId, async (tx, org) => {
      const query = tx.selectFrom("orgs").selectAll().where("id", "=", orgId);
      const changed = changedTerms(await query.executeTakeFirstOrThrow(), terms, now());
      await tx.updateTable("orgs").set(changed).where("id", "=", orgId).execute();
      for (const bucketId of loweredByTerms(org, terms)) await lowered(tx, bucketId);
    }),

  setSeats: (orgId, seats) =>
    change(orgId, async (tx, org) => {
      const members = await membersOf(tx, orgId);
      if (members.length > seats) return members.length;
      await tx.updateTable("orgs").set({ seats }).where("id", "=", orgId).execute();
      await lowered(tx, fundsBucketOf(org));
      return "done";
    }),
});

type SettingStore = Pick<
  OrganizationStore,
  "setDisabledProviders" | "setAccess" | "putProviderKey" | "deleteProviderKey"
>;

const settingStore = ({ change }: OrgWriter): SettingStore => ({
  setDisabledProviders: (orgId, providers) =>
    change(orgId, async (tx) => {
      const disabled_providers = providers.join(" ");
      await tx.updateTable("orgs").set({ disabled_providers }).where("id", "=", orgId).execute();
    }),

  setAccess: (orgId, access, groupIds) =>
    change(orgId, async (tx) => {
      await tx.updateTable("orgs").set({ access }).where("id", "=", orgId).execute();
      const groups = () => tx.updateTable("org_groups").where("org_id", "=", orgId);
      await groups().set({ has_access: 0 }).execute();
      for (const id of groupIds)
        await groups().set({ has_access: 1 }).where("id", "=", id).execute();
    }),

  putProviderKey: (key) =>
    change(key.orgId, async (tx) => {
      const row = fromOrgKey(key);
      await tx
        .insertInto("org_provider_keys")
        .values(row)
        .onConflict((conflict) => conflict.columns(["org_id", "provider"]).doUpdateSet(row))
        .execute();
    }),

  deleteProviderKey: (orgId, provider) =>
    change(orgId, async (tx) => {
      const gone = await tx
        .deleteFrom("org_provider_keys")
        .where("org_id", "=", orgId)
        .where("provider", "=", provider)
        .returning("provider")
        .execute();
      return gone.length > 0;
    }),
});

/** All organizations, or one. */
async function loadRows(db: Kysely<Schema>, orgId: string | undefined): Promise<OrganizationRows> {
  const orgs = db.selectFrom("orgs").selectAll();
  const members = db.selectFrom("org_members").selectAll();
  const groups = db.selectFrom("org_groups").selectAll();
  const inGroups = db.selectFrom("org_group_members").selectAll();
  const keys = db.selectFrom("org_provider_keys").selectAll();
  const one = orgId ?? "";
  const isAll = orgId === undefined;
  const memberIds = new Map<string, Set<string>>();
  for (const row of await (isAll ? inGroups : inGroups.where("org_id", "=", one)).execute()) {
    memberIds.set(row.group_id, (memberIds.get(row.group_id) ?? new Set()).add(row.user_id));
  }
  return {
    organizations: (await (isAll ? orgs : orgs.where("id", "=", one)).execute()).map(
      toOrganization,
    ),
    members: (await (isAll ? members : members.where("org_id", "=", one)).execute()).map(toMember),
    groups: (await (isAll ? groups : groups.where("org_id", "=", one)).execute()).map((row) =>
      toGroup(row, memberIds.get(row.id) ?? new Set()),
    ),
    providerKeys: (await (isAll ? keys : keys.where("org_id", "=", one)).execute()).map(toOrgKey),
  };
}
