/**
 * What a bucket is due at a moment, by what the store says of its owner: a plan's credit, a spending limit, a
 * budget. It is brought up to date in the same transaction that leases from it, so no process can lease by terms
 * that have changed, however late it hears of the change.
 */
import { least, nanoUsd } from "../../kernel/money.js";
import { periodAt } from "../../kernel/period.js";
import { headroomGrant, limitAccount, type Opening, planGrant } from "../../ledger/account.js";
import { fundsBucketOf, type Payer } from "../../tenants/payer.js";
import { headroom, includedCredit, type Plans } from "../../tenants/plan.js";
import type { Budget } from "../../tenants/user.js";
import { type Database, sharingRow } from "../database.js";
import type { Tx } from "../schema.js";
import { toOrganization } from "../tenants/organization-rows.js";
import { maybeAmount, toBudget, toUser } from "../tenants/tenant-rows.js";
import { locking, type OwnedRow, open, resize } from "./accounts.js";
import { countSpent } from "./spent-before.js";

export type DueAccount = OwnedRow & {
  /** More of it is leased than it should hold by now. */
  readonly isOver: boolean;
};

/**
 * Opens what is due and not there, and moves what is there to what is due. Up goes everything; down, as far as no
 * process has leased it, everything but what a plan included. Returns the bucket's live accounts, locked.
 */
export async function bringUpToDate(
  database: Database,
  tx: Tx,
  plans: Plans,
  bucketId: string,
  now: number,
): Promise<readonly DueAccount[]> {
  // Locked before the accounts, as by everybody: what is due cannot change until this transaction ends.
  const due = await dueOf(database, tx, plans, bucketId, now);
  const rows = await liveAccounts(database, tx, bucketId, now);
  const found: DueAccount[] = [];
  for (const row of rows) {
    const amount = amountDue(row, due, rows);
    const fitted = await fit(database, tx, row, amount, now);
    found.push({ ...fitted, isOver: isTooLarge(fitted, amount) && fitted.leased > 0n });
  }
  const missing = due.filter(({ id }) => rows.every((row) => row.id !== id));
  for (const opening of missing) {
    const amount = nanoUsd(opening.amount - grantedOtherwise(rows, opening));
    if (amount <= 0n && opening.kind === "grant") continue;
    const opened = await open(database, tx, { ...opening, amount });
    // Another process opened it a moment ago.
    if (!opened) return bringUpToDate(database, tx, plans, bucketId, now);
    const counted = opening.kind === "limit" ? await countSpent(database, tx, opened, now) : opened;
    found.push({ ...counted, isOver: false });
  }
  return found;
}

/** What an account that is open should hold by now. */
function amountDue(row: OwnedRow, due: readonly Opening[], rows: readonly OwnedRow[]): bigint {
  const opening = due.find(({ id }) => id === row.id);
  if (opening) return opening.amount - grantedOtherwise(rows, opening);
  return row.grant_kind === "pay_as_you_go" ? 0n : row.granted;
}

async function liveAccounts(
  database: Database,
  tx: Tx,
  bucketId: string,
  now: number,
): Promise<OwnedRow[]> {
  const query = tx
    .selectFrom("accounts")
    .selectAll()
    .where("bucket", "=", bucketId)
    .where((e) => e.or([e("expires_at", "is", null), e("expires_at", ">", BigInt(now))]));
  return (await locking(database, query).execute()) as OwnedRow[];
}

/** What a period's credit holds under other names: until version 2 an account was opened for each plan. */
function grantedOtherwise(
  rows: readonly OwnedRow[],
  { id, grantKind, expiresAt }: Opening,
): bigint {
  if (grantKind !== "plan") return 0n;
  return rows
    .filter((row) => row.grant_kind === "plan" && row.id !== id)
    .filter((row) => Number(row.expires_at) === expiresAt)
    .reduce((sum, row) => sum + row.granted, 0n);
}

/** Moves what was put into an account toward `amount`. */
function fit(
  database: Database,
  tx: Tx,
  row: OwnedRow,
  amount: bigint,
  now: number,
): Promise<OwnedRow> {
  const by = amount - row.granted;
  if (by >= 0n) return resize(database, tx, row, by, now);
  if (!isTooLarge(row, amount)) return Promise.resolve(row);
  const unleased = nanoUsd(row.balance - row.leased);
  return resize(database, tx, row, -least(nanoUsd(-by), unleased), now);
}

/** What a plan included stays until its period ends. */
const isTooLarge = (row: OwnedRow, amount: bigint): boolean =>
  row.grant_kind !== "plan" && row.granted > amount;

async function dueOf(
  database: Database,
  tx: Tx,
  plans: Plans,
  bucketId: string,
  now: number,
): Promise<readonly Opening[]> {
  const [kind = "", ...id] = bucketId.split(":");
  const due = await DUE[kind]?.(database, tx, id);
  if (due?.payer) return creditDue(due.payer, plans, now);
  return due?.limit ? [limitAccount(bucketId, due.limit, now)] : [];
}

/** What stands behind a bucket: somebody's credit, or a limit. Undefined: nothing any more, or nothing yet. */
type Due = { readonly payer?: Payer; readonly limit?: Budget | undefined } | undefined;

const DUE: Readonly<
  Record<string, (database: Database, tx: Tx, id: readonly string[]) => Promise<Due>>
> = {
  user: async (database, tx, [id = ""]) => {
    const query = tx.selectFrom("users").selectAll().where("id", "=", id);
    const row = await sharingRow(database, query).executeTakeFirst();
    return row && { payer: toUser(row) };
  },
  org: async (database, tx, [id = ""]) => {
    const query = tx.selectFrom("orgs").selectAll().where("id", "=", id);
    const row = await sharingRow(database, query).executeTakeFirst();
    return row && { payer: toOrganization(row) };
  },
  token: async (database, tx, [id = ""]) => {
    const query = tx.selectFrom("tokens").selectAll().where("id", "=", id);
    const row = await sharingRow(database, query).executeTakeFirst();
    return row && { limit: toBudget(row) };
  },
  "org-limit": async (database, tx, [id = ""]) => {
    const query = tx.selectFrom("orgs").selectAll().where("id", "=", id);
    return monthly(await sharingRow(database, query).executeTakeFirst());
  },
  group: async (database, tx, [id = ""]) => {
    const query = tx.selectFrom("org_groups").selectAll().where("id", "=", id);
    return monthly(await sharingRow(database, query).executeTakeFirst());
  },
  member: async (database, tx, [orgId = "", userId = ""]) => {
    const query = tx.selectFrom("org_members").selectAll().where("org_id", "=", orgId);
    const row = sharingRow(database, query.where("user_id", "=", userId));
    return monthly(await row.executeTakeFirst());
  },
};

function monthly(row: { readonly limit_nano_usd: bigint | null } | undefined): Due {
  const amount = maybeAmount(row?.limit_nano_usd ?? null);
  return amount === undefined ? undefined : { limit: { amount, period: "month" } };
}

function creditDue(payer: Payer, plans: Plans, now: number): readonly Opening[] {
  const plan = plans.get(payer.plan);
  const bucket = fundsBucketOf(payer);
  const period = periodAt(payer.anchor, now);
  return [
    ...planGrant(bucket, includedCredit(plan, payer), period),
    ...headroomGrant(bucket, headroom(plan, payer), period),
  ];
}
