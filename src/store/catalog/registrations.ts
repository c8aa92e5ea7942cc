/** Providers that registered themselves. */
import type { Selectable } from "kysely";
import type { Clock } from "../../kernel/clock.js";
import { assert } from "../../kernel/errors.js";
import type {
  Registration,
  RegistrationChange,
  RegistrationState,
  RegistrationStore,
} from "../../tenants/registration.js";
import { recordChange } from "../changes.js";
import { type Database, lockingRow } from "../database.js";
import type { Schema, Tx } from "../schema.js";
import { maybeNumber } from "../tenants/tenant-rows.js";

/** `node` names this process in the changes it records. */
export function registrationStore(
  database: Database,
  node: string,
  clock: Clock,
): RegistrationStore {
  const { db } = database;
  const table = () => db.selectFrom("registered_providers").selectAll();
  const change = changer(database, node, clock);
  return {
    loadAll: async () => (await table().execute()).map(toRegistration),
    load: async (id) => {
      const row = await table().where("id", "=", id).executeTakeFirst();
      return row && toRegistration(row);
    },
    ofOrg: async (orgId) => {
      const row = await table().where("org_id", "=", orgId).executeTakeFirst();
      return row && toRegistration(row);
    },

    add: (registration) =>
      database.transact(async (tx) => {
        const outcome = await insert(tx, registration);
        if (outcome === "added") {
          const change = {
            topic: "provider",
            key: registration.id,
            node,
            at: clock.now(),
          } as const;
          await recordChange(database, tx, change);
        }
        return outcome;
      }),

    change: (id, wanted) =>
      change(id, (before) => (isMoved(before, wanted) ? { ...wanted, ...UNTESTED } : wanted)),

    move: async (id, { from, to, mustHavePassed }) => {
      let isMoved = false;
      await change(id, (before) => {
        isMoved = before.state === from && (before.hasPassed || !mustHavePassed);
        return isMoved ? { state: to } : {};
      });
      return isMoved;
    },

    noteReport: async (id, { at, changedAt, hasPassed, report }) => {
      const noted = await db
        .updateTable("registered_providers")
        .set({ tested_at: at, has_passed: Number(hasPassed), report })
        .where("id", "=", id)
        .where("changed_at", "=", BigInt(changedAt))
        .returning("id")
        .execute();
      return noted.length > 0;
    },

    report: async (id) => {
      const query = db.selectFrom("registered_providers").select("report").where("id", "=", id);
      return (await query.executeTakeFirst())?.report ?? undefined;
    },
  };
}

async function insert(tx: Tx, registration: Registration) {
  const added = await tx
    .insertInto("registered_providers")
    .values(fromRegistration(registration))
    .onConflict((conflict) => conflict.doNothing())
    .returning("id")
    .execute();
  if (added.length > 0) return "added";
  const owned = tx.selectFrom("registered_providers").where("org_id", "=", registration.orgId);
  return (await owned.select("id").executeTakeFirst()) ? "org_has_one" : "id_taken";
}

/** What was true of the place it had is not known of the new one. */
const UNTESTED = { state: "sandbox", testedAt: undefined, hasPassed: false } as const;

const NOT_THE_PLACE = new Set(["name", "sealed", "mask"]);

const isMoved = (before: Registration, wanted: RegistrationChange): boolean =>
  Object.entries(wanted).some(
    ([name, value]) => !NOT_THE_PLACE.has(name) && before[name as keyof Registration] !== value,
  );

function changer(database: Database, node: string, clock: Clock) {
  return (
    id: string,
    changesOf: (before: Registration) => Partial<Registration>,
  ): Promise<Registration> =>
    database.transact(async (tx) => {
      const query = tx.selectFrom("registered_providers").selectAll().where("id", "=", id);
      const row = await lockingRow(database, query).executeTakeFirst();
      assert(row, "a registration is never removed");
      const before = toRegistration(row);
      const changes = changesOf(before);
      if (Object.keys(changes).length === 0) return before;
      // Two changes within a millisecond are still two.
      const changedAt = Math.max(clock.now(), before.changedAt + 1);
      const after = { ...before, ...changes, changedAt };
      await tx
        .updateTable("registered_providers")
        .set(fromRegistration(after))
        .where("id", "=", id)
        .execute();
      await recordChange(database, tx, { topic: "provider", key: id, node, at: clock.now() });
      return after;
    });
}

const toRegistration = (row: Selectable<Schema["registered_providers"]>): Registration => ({
  id: row.id,
  orgId: row.org_id,
  name: row.name,
  baseUrl: row.base_url,
  dialect: row.dialect,
  authHeader: row.auth_header,
  authScheme: row.auth_scheme,
  requestIdHeader: row.request_id_header,
  billingUrl: row.billing_url ?? undefined,
  billingDelayMs: Number(row.billing_delay_ms),
  modelsUrl: row.models_url,
  sealed: row.sealed,
  mask: row.mask,
  state: row.state as RegistrationState,
  createdAt: Number(row.created_at),
  changedAt: Number(row.changed_at),
  testedAt: maybeNumber(row.tested_at),
  hasPassed: row.has_passed === 1n,
});

const fromRegistration = (one: Registration) => ({
  id: one.id,
  org_id: one.orgId,
  name: one.name,
  base_url: one.baseUrl,
  dialect: one.dialect,
  auth_header: one.authHeader,
  auth_scheme: one.authScheme,
  request_id_header: one.requestIdHeader,
  billing_url: one.billingUrl ?? null,
  billing_delay_ms: one.billingDelayMs,
  models_url: one.modelsUrl,
  sealed: one.sealed,
  mask: one.mask,
  state: one.state,
  created_at: one.createdAt,
  changed_at: one.changedAt,
  tested_at: one.testedAt ?? null,
  has_passed: Number(one.hasPassed),
});
