/** What receipts tell, usage in every unit and by tag, sums by account and day, the costs of calls, used keys. */
import { sql } from "kysely";
import type { Tx } from "../schema.js";
import { addColumn, type Engine, index, table } from "./tables.js";

const MEASURED = [
  ...["images", "pixels", "steps", "video_nanoseconds"],
  ...["audio_nanoseconds", "characters", "compute_nanoseconds"],
];

export async function receiptsAndUsage(tx: Tx, engine: Engine): Promise<void> {
  await addColumn(tx, "users", "deleted_at", "bigint");
  await addColumn(tx, "requests", "tags", "text");
  await addColumn(tx, "requests", "details", "text");
  await usage(tx, engine);
  await accountDays(tx, engine);
  await table(tx, engine, "call_costs", ["model", "provider", "month", "bucket"], {
    model: "text",
    provider: "text",
    month: "bigint",
    bucket: "bigint",
    calls: "bigint",
  });
  await table(tx, engine, "idempotency_keys", ["payer", "key"], {
    payer: "text",
    key: "text",
    request: "text",
    at: "bigint",
  });
  await index(tx, "idempotency_keys", ["at"]);
  await table(tx, engine, "requests_forgotten", ["provider"], {
    provider: "text",
    requests: "bigint",
    cost: "bigint",
  });
  if (engine === "postgres") await leaveRoom(tx);
}

/** For new versions of rows that every drain changes: beside the old ones, they need no new entry in an index. */
async function leaveRoom(tx: Tx): Promise<void> {
  const sums = ["account_days", "usage_hourly", "usage_tags_hourly", "call_costs"];
  for (const name of ["accounts", "leases", ...sums]) {
    await sql`alter table ${sql.table(name)} set (fillfactor = 50)`.execute(tx);
  }
}

async function usage(tx: Tx, engine: Engine): Promise<void> {
  const added = ["failed", "cached_input_tokens", "reasoning_tokens", ...MEASURED];
  for (const column of added) await addColumn(tx, "usage_hourly", column, "bigint", 0);
  const key = [
    ...["hour", "payer", "group_id", "user_id", "token_id"],
    ...["model", "provider", "own_key", "tag"],
  ];
  const sums = ["requests", "input_tokens", "output_tokens", "cost", "overrun", ...added];
  await table(tx, engine, "usage_tags_hourly", key, {
    hour: "bigint",
    payer: "text",
    group_id: "text",
    user_id: "text",
    token_id: "text",
    model: "text",
    provider: "text",
    own_key: "bigint",
    tag: "text",
    ...Object.fromEntries(sums.map((column) => [column, "bigint" as const])),
  });
  await index(tx, "usage_tags_hourly", ["user_id", "hour"]);
  await index(tx, "usage_tags_hourly", ["payer", "hour"]);
}

/** What each account paid and was paid, by UTC day and reason: statements read these, never the transfers. */
async function accountDays(tx: Tx, engine: Engine): Promise<void> {
  await table(tx, engine, "account_days", ["account", "day", "code"], {
    account: "text",
    day: "bigint",
    code: "text",
    debited: "bigint",
    credited: "bigint",
  });
  await sql`
    insert into account_days
    select account, day, code, cast(sum(debited) as bigint), cast(sum(credited) as bigint)
    from (
      select debit as account, at / 86400000 as day, code, amount as debited, 0 as credited
      from transfers
      union all
      select credit, at / 86400000, code, 0, amount from transfers
    ) as sides
    group by account, day, code`.execute(tx);
}
