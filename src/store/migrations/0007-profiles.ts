/**
 * One short row for each settlement. What many have in common, and which accounts they were charged to, is kept once
 * under a number, and their transfers are read from them. `requests` and `transfers` are views from now on.
 */
import { sql } from "kysely";
import type { Tx } from "../schema.js";
import { type Engine, table } from "./tables.js";

export async function profiles(tx: Tx, engine: Engine): Promise<void> {
  await numbered(tx, engine, "profiles", [
    ...FACTS.map((name) => sql`${sql.ref(name)} text not null`),
    sql`own_key bigint not null`,
    // Null: nobody noted it.
    sql`price text`,
  ]);
  await numbered(tx, engine, "purses", []);
  await table(tx, engine, "purse_accounts", ["purse", "place"], {
    purse: "bigint",
    place: "bigint",
    account: "text",
    to_provider: "bigint",
  });
  await settlements(tx, engine);
  await sql`alter table transfers rename to posted_transfers`.execute(tx);
  await carryOver(tx);
  await tx.schema.dropTable("requests").execute();
  await views(tx);
}

const FACTS = ["user_id", "token_id", "payer", "group_id", "model", "task", "provider"];

/** A table whose rows are known by a text and referred to by a number. */
async function numbered(
  tx: Tx,
  engine: Engine,
  name: string,
  columns: readonly ReturnType<typeof sql>[],
): Promise<void> {
  const id =
    engine === "sqlite"
      ? sql`id integer primary key`
      : sql`id bigint generated always as identity primary key`;
  const all = sql.join([id, sql`text text not null unique`, ...columns]);
  await sql`create table ${sql.table(name)} (${all})`.execute(tx);
}

const settlements = (tx: Tx, engine: Engine): Promise<void> =>
  table(tx, engine, "settlements", ["id"], {
    id: "text",
    profile: "bigint",
    purse: "bigint",
    at: "bigint",
    stream: "bigint",
    tags: "text?",
    status: "bigint",
    outcome: "text",
    duration_ms: "bigint",
    first_byte_ms: "bigint?",
    attempts: "bigint",
    input_tokens: "bigint",
    cached_input_tokens: "bigint",
    cache_write_tokens: "bigint",
    output_tokens: "bigint",
    reasoning_tokens: "bigint",
    estimated: "bigint",
    measured: "text?",
    cost: "bigint",
    counted: "bigint?",
    overrun: "bigint",
    charged: "bigint",
    unpaid: "bigint",
    details: "text?",
  });

/** Requests that are there already keep the transfers that were written for them. */
async function carryOver(tx: Tx): Promise<void> {
  const facts = sql`user_id, token_id, payer, group_id, model, task, provider, own_key`;
  const text = sql.join(
    FACTS.map((name) => sql.ref(`requests.${name}`)),
    sql` || ' ' || `,
  );
  await sql`insert into profiles (text, ${facts})
    select distinct ${text} || ' ' || own_key, ${facts} from requests`.execute(tx);
  const same = sql`stream, tags, status, outcome, duration_ms, first_byte_ms, attempts, input_tokens,
    cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, estimated, measured, cost,
    counted, overrun`;
  await sql`insert into settlements (id, profile, purse, at, ${same}, charged, unpaid, details)
    select requests.id, profiles.id, 0, at, ${same}, 0, 0, details from requests
    join profiles on profiles.text = ${text} || ' ' || requests.own_key`.execute(tx);
}

async function views(tx: Tx): Promise<void> {
  await sql`create view requests as
    select settlements.id, at, user_id, token_id, payer, group_id, model, task, provider, own_key, price,
      stream, tags, status, outcome, duration_ms, first_byte_ms, attempts, input_tokens,
      cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, estimated, measured, cost,
      counted, overrun, details
    from settlements join profiles on profiles.id = settlements.profile`.execute(tx);
  await settledViews(tx);
  await sql`create view transfers as
    select id, debit, credit, amount, code, at from settled_transfers
    union all
    select id, debit, credit, amount, code, at from posted_transfers`.execute(tx);
  await sql`create view flows as
    select debit, credit, code, day, amount, transfers from settled_flows
    union all
    select debit, credit, code, at / 86400000, cast(sum(amount) as bigint), count(*)
    from posted_transfers group by debit, credit, code, at / 86400000`.execute(tx);
}

/** One by one, and summed by what their sums are looked at by. */
async function settledViews(tx: Tx): Promise<void> {
  await sql`create view settled_transfers as ${moved({
    from: sql`settlements`,
    charged: sql`from_rows.id as request, from_rows.id || '/' || place as id, at`,
    unpaid: sql`from_rows.id, from_rows.id || '/overrun', at`,
  })}`.execute(tx);
  await sql`create view settled_flows as ${moved({
    from: sql`(
      select profile, purse, at / 86400000 as day,
        cast(sum(charged) as bigint) as charged, count(nullif(charged, 0)) as charges,
        cast(sum(unpaid) as bigint) as unpaid, count(nullif(unpaid, 0)) as unpaids
      from settlements group by profile, purse, at / 86400000
    )`,
    charged: sql`day, charges as transfers`,
    unpaid: sql`day, unpaids`,
  })}`.execute(tx);
}

type Fragment = ReturnType<typeof sql>;

/** What each account of the purse was charged, and what nobody could be. */
const moved = ({ from, charged, unpaid }: Record<"from" | "charged" | "unpaid", Fragment>) => sql`
  select ${charged}, account as debit,
    case when to_provider = 1 then 'provider:' || provider else 'used' end as credit,
    charged as amount, 'settle' as code
  from ${from} as from_rows
  join profiles on profiles.id = from_rows.profile
  join purse_accounts on purse_accounts.purse = from_rows.purse
  where charged <> 0
  union all
  select ${unpaid}, 'overrun', 'provider:' || provider, unpaid, 'overrun'
  from ${from} as from_rows join profiles on profiles.id = from_rows.profile
  where unpaid <> 0`;
