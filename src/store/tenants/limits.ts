/** Setting the monthly limits of organizations, groups and members, and members' rates. */
import { type RawBuilder, sql } from "kysely";
import { type NanoUsd, nanoUsd } from "../../kernel/money.js";
import { limitAccount } from "../../ledger/account.js";
import {
  groupBucketOf,
  type Member,
  memberBucketOf,
  orgLimitBucketOf,
} from "../../tenants/organization.js";
import type { LimitChanges, OrganizationStore } from "../../tenants/organization-store.js";
import { lowerable, type RateChanges } from "../../tenants/rates.js";
import { locking, type OwnedRow, open } from "../ledger/accounts.js";
import { countSpent } from "../ledger/spent-before.js";
import type { Tx } from "../schema.js";
import type { OrgWriter } from "./org-writer.js";
import { fromRates } from "./tenant-rows.js";

/** One limit: the row it stands in, its bucket, and what it is to be. */
type Setting = {
  readonly table: "orgs" | "org_members" | "org_groups";
  readonly where: RawBuilder<boolean>;
  readonly bucketId: string;
  readonly amount: NanoUsd | null;
};

export const limitStore = (writer: OrgWriter): Pick<OrganizationStore, "setLimits"> => ({
  setLimits: (orgId, changes) =>
    writer.change(orgId, async (tx) => {
      for (const setting of settingsOf(orgId, changes)) await apply(writer, tx, setting);
      for (const [userId, rates] of changes.memberRates ?? []) {
        await setMemberRates(writer, tx, { orgId, userId }, rates);
      }
    }),
});

function settingsOf(orgId: string, { org, members, groups }: LimitChanges): Setting[] {
  const settings: Setting[] = [];
  if (org !== undefined) {
    const where = sql<boolean>`id = ${orgId}`;
    settings.push({ table: "orgs", where, bucketId: orgLimitBucketOf({ id: orgId }), amount: org });
  }
  for (const [userId, amount] of members ?? []) {
    const where = sql<boolean>`org_id = ${orgId} and user_id = ${userId}`;
    settings.push({
      table: "org_members",
      where,
      bucketId: memberBucketOf({ orgId, userId }),
      amount,
    });
  }
  for (const [id, amount] of groups ?? []) {
    const where = sql<boolean>`org_id = ${orgId} and id = ${id}`;
    settings.push({ table: "org_groups", where, bucketId: groupBucketOf({ id }), amount });
  }
  return settings;
}

async function apply(writer: OrgWriter, tx: Tx, setting: Setting): Promise<void> {
  const { table, where, bucketId, amount } = setting;
  const { rows } = await sql<{ before: bigint | null }>`
    select limit_nano_usd as before from ${sql.table(table)} where ${where}`.execute(tx);
  const [row] = rows;
  if (!row || row.before === amount) return;
  await sql`update ${sql.table(table)} set limit_nano_usd = ${amount} where ${where}`.execute(tx);
  if (row.before === null && amount !== null) await beginToCount(writer, tx, bucketId, amount);
  await writer.lowered(tx, bucketId);
}

/** Without a limit nothing is counted, so a new one has to catch up. */
async function beginToCount(
  { database, now }: OrgWriter,
  tx: Tx,
  bucketId: string,
  amount: bigint,
): Promise<void> {
  const opening = limitAccount(bucketId, { amount: nanoUsd(amount), period: "month" }, now());
  const opened = await open(database, tx, opening);
  const query = tx.selectFrom("accounts").selectAll().where("id", "=", opening.id);
  const row = opened ?? (await locking(database, query).executeTakeFirstOrThrow());
  await countSpent(database, tx, row as OwnedRow, now());
}

async function setMemberRates(
  writer: OrgWriter,
  tx: Tx,
  { orgId, userId }: Pick<Member, "orgId" | "userId">,
  changes: RateChanges,
): Promise<void> {
  const columns = fromRates(changes);
  if (Object.keys(columns).length === 0) return;
  await tx
    .updateTable("org_members")
    .set(columns)
    .where("org_id", "=", orgId)
    .where("user_id", "=", userId)
    .execute();
  const bucketIds = lowerable("member", `${orgId}:${userId}`, changes);
  for (const bucketId of bucketIds) await writer.lowered(tx, bucketId);
}
