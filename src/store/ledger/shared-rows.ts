/**
 * The numbers that profiles and purses have in the store. They are never changed or removed, so whoever has learned
 * one can keep it; one that a process added before it failed is used by the next.
 */
import { SHARED_TEXTS_MAX } from "../../kernel/limits.js";
import { destinationOf, USED } from "../../ledger/account.js";
import type { Profile } from "../../ledger/profile.js";
import type { Settlement } from "../../ledger/store.js";
import type { Database } from "../database.js";
import type { Tx } from "../schema.js";

/** Rows that are asked for or added by one statement. */
const ROWS_AT_ONCE = 400;

export type Numbers = ReadonlyMap<string, number>;

export type SharedRows = {
  /** By text, the numbers of all profiles of some settlements. */
  readonly profiles: (settlements: readonly Settlement[]) => Promise<Numbers>;
  /** By text, the numbers of purses. */
  readonly purses: (texts: Iterable<string>) => Promise<Numbers>;
};

/** What stands between the accounts of a purse in its text; no account has it. */
const BETWEEN = "\n";

/** The accounts of some debits, as one text. */
export const purseText = (debits: Settlement["debits"]): string =>
  debits.length === 1
    ? (debits[0]?.account ?? "")
    : debits.map(({ account }) => account).join(BETWEEN);

/** The numbers of profiles and purses, of which up to `SHARED_TEXTS_MAX` are remembered. */
export function sharedRows(database: Database): SharedRows {
  const profiles = remembering(database, "profiles", addProfiles);
  const purses = remembering(database, "purses", addPurses);
  return {
    profiles: (settlements) => {
      const wanted = new Map<string, Profile>();
      for (const { profile } of settlements) wanted.set(profile.text, profile);
      return profiles(wanted);
    },
    purses: (texts) => purses(new Map([...texts].map((text) => [text, text]))),
  };
}

type Numbered = { readonly id: bigint; readonly text: string };
type Add<Row> = (tx: Tx, rows: readonly Row[]) => Promise<readonly Numbered[]>;

/** Asks the store for what is not known yet, and adds to it what is not there. */
function remembering<Row>(
  database: Database,
  table: "profiles" | "purses",
  add: Add<Row>,
): (wanted: ReadonlyMap<string, Row>) => Promise<Numbers> {
  const known = new Map<string, number>();
  return async (wanted) => {
    if (known.size + wanted.size > SHARED_TEXTS_MAX) known.clear();
    const missing = () => [...wanted].filter(([text]) => !known.has(text));
    for (let some = missing(); some.length > 0; some = missing()) {
      const page = new Map(some.slice(0, ROWS_AT_ONCE));
      const found = await database.db
        .selectFrom(table)
        .select(["id", "text"])
        .where("text", "in", [...page.keys()])
        .execute();
      for (const { text } of found) page.delete(text);
      // What another process adds at this moment is found the next time round.
      const added =
        page.size > 0 ? await database.transact((tx) => add(tx, [...page.values()])) : [];
      for (const { id, text } of [...found, ...added]) known.set(text, Number(id));
    }
    return new Map([...wanted.keys()].map((text) => [text, known.get(text) ?? 0]));
  };
}

const addProfiles: Add<Profile> = (tx, profiles) =>
  tx
    .insertInto("profiles")
    .values(
      profiles.map((profile) => ({
        text: profile.text,
        user_id: profile.userId,
        token_id: profile.tokenId,
        payer: profile.payer,
        group_id: profile.groupId,
        model: profile.model,
        task: profile.task,
        provider: profile.provider,
        own_key: Number(profile.isOwnKey),
        price: JSON.stringify(profile.price),
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .returning(["id", "text"])
    .execute();

const addPurses: Add<string> = async (tx, texts) => {
  const added = await tx
    .insertInto("purses")
    .values(texts.map((text) => ({ text })))
    .onConflict((conflict) => conflict.doNothing())
    .returning(["id", "text"])
    .execute();
  const accounts = added.flatMap(({ id, text }) =>
    text.split(BETWEEN).map((account, place) => ({
      ...{ purse: id, place, account },
      to_provider: Number(destinationOf(account, "") !== USED),
    })),
  );
  if (accounts.length > 0) await tx.insertInto("purse_accounts").values(accounts).execute();
  return added;
};
