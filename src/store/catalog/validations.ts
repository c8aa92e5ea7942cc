/** What was found out about mappings: the last finding on each, and a few before it. */
import type { Selectable } from "kysely";
import { type MappingId, mappingKey } from "../../catalog/mapping-key.js";
import type {
  CheckResult,
  PastFinding,
  Validation,
  ValidationStore,
  Verdict,
} from "../../catalog/validation.js";
import type { Clock } from "../../kernel/clock.js";
import { VALIDATION_HISTORY_MAX } from "../../kernel/limits.js";
import type { Task } from "../../tasks/index.js";
import { recordChange } from "../changes.js";
import type { Database } from "../database.js";
import type { Schema, Tx } from "../schema.js";
import { maybeNumber } from "../tenants/tenant-rows.js";

/** `node` names this process in the changes it records. */
export function validationStore(database: Database, node: string, clock: Clock): ValidationStore {
  const { db } = database;
  return {
    loadAll: async () =>
      (await db.selectFrom("validations").selectAll().execute()).map(toValidation),
    load: async ({ provider, modelId, task }) => {
      const row = await db
        .selectFrom("validations")
        .selectAll()
        .where("provider", "=", provider)
        .where("model", "=", modelId)
        .where("task", "=", task)
        .executeTakeFirst();
      return row && toValidation(row);
    },
    note: (validation) =>
      database.transact(async (tx) => {
        const row = fromValidation(validation);
        await tx
          .insertInto("validations")
          .values(row)
          .onConflict((conflict) =>
            conflict.columns(["provider", "model", "task"]).doUpdateSet(row),
          )
          .execute();
        await addToHistory(tx, validation);
        const key = mappingKey(validation);
        await recordChange(database, tx, { topic: "validation", key, node, at: clock.now() });
      }),
    history: (key) => readHistory(db, key),
  };
}

async function addToHistory(tx: Tx, validation: Validation): Promise<void> {
  const { provider, modelId: model, task, checkedAt: at, verdict, checks } = validation;
  const why = checks.find((each) => each.verdict === "failed")?.name ?? "";
  await tx
    .insertInto("validation_history")
    .values({ provider, model, task, at, verdict, why, ...speedColumns(validation) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const kept = await readHistory(tx, validation, VALIDATION_HISTORY_MAX + 1);
  const oldest = kept.at(VALIDATION_HISTORY_MAX);
  if (!oldest) return;
  await tx
    .deleteFrom("validation_history")
    .where("provider", "=", provider)
    .where("model", "=", model)
    .where("task", "=", task)
    .where("at", "<=", BigInt(oldest.at))
    .execute();
}

async function readHistory(
  db: Pick<Database["db"], "selectFrom">,
  { provider, modelId, task }: MappingId,
  count = VALIDATION_HISTORY_MAX,
): Promise<readonly PastFinding[]> {
  const rows = await db
    .selectFrom("validation_history")
    .selectAll()
    .where("provider", "=", provider)
    .where("model", "=", modelId)
    .where("task", "=", task)
    .orderBy("at", "desc")
    .limit(count)
    .execute();
  return rows.map((row) => ({
    at: Number(row.at),
    verdict: row.verdict as Verdict,
    why: row.why,
    ...toSpeed(row),
  }));
}

const SECONDS_PER_COLUMN = 1_000;

type Speed = Pick<Validation, "firstTokenMs" | "throughput">;

const speedColumns = ({ firstTokenMs, throughput }: Speed) => ({
  first_token_ms: firstTokenMs === undefined ? null : Math.round(firstTokenMs),
  tokens_per_1000s: throughput === undefined ? null : Math.round(throughput * SECONDS_PER_COLUMN),
});

const toSpeed = (
  row: Pick<Selectable<Schema["validations"]>, "first_token_ms" | "tokens_per_1000s">,
): Speed => ({
  firstTokenMs: maybeNumber(row.first_token_ms),
  throughput:
    row.tokens_per_1000s === null ? undefined : Number(row.tokens_per_1000s) / SECONDS_PER_COLUMN,
});

const maybeClaim = (value: bigint | null): boolean | undefined =>
  value === null ? undefined : value === 1n;

const fromClaim = (claim: boolean | undefined): number | null =>
  claim === undefined ? null : Number(claim);

const toValidation = (row: Selectable<Schema["validations"]>): Validation => ({
  provider: row.provider,
  modelId: row.model,
  task: row.task as Task,
  subject: row.mapping,
  verdict: row.verdict as Verdict,
  checkedAt: Number(row.checked_at),
  nextAt: Number(row.next_at),
  ...toSpeed(row),
  tools: maybeClaim(row.tools),
  structuredOutput: maybeClaim(row.structured_output),
  checks: JSON.parse(row.checks) as readonly CheckResult[],
});

const fromValidation = (one: Validation) => ({
  provider: one.provider,
  model: one.modelId,
  task: one.task,
  mapping: one.subject,
  verdict: one.verdict,
  checked_at: one.checkedAt,
  next_at: one.nextAt,
  ...speedColumns(one),
  tools: fromClaim(one.tools),
  structured_output: fromClaim(one.structuredOutput),
  checks: JSON.stringify(one.checks),
});
