/** Sums of usage by hour: what is shown of the past without reading the requests. */
import type { Selectable, Transaction } from "kysely";
import type { Settlement } from "../ledger/store.js";
import { MEASURES, type Measure } from "../tasks/usage.js";
import type { Database, SumTable } from "./database.js";
import type { Schema } from "./schema.js";
import { Sums } from "./sums.js";

const HOUR_MS = 3_600_000;

/** The column that sums each measure. */
export const MEASURE_COLUMNS = {
  images: "images",
  pixels: "pixels",
  steps: "steps",
  videoNanoseconds: "video_nanoseconds",
  audioNanoseconds: "audio_nanoseconds",
  characters: "characters",
  computeNanoseconds: "compute_nanoseconds",
} as const satisfies Record<Measure, string>;

const KEY = {
  hour: "bigint",
  payer: "text",
  group_id: "text",
  user_id: "text",
  token_id: "text",
  model: "text",
  provider: "text",
  own_key: "bigint",
} as const;

export const USAGE_SUMS = [
  "requests",
  "failed",
  "input_tokens",
  "cached_input_tokens",
  "output_tokens",
  "reasoning_tokens",
  ...Object.values(MEASURE_COLUMNS),
  "cost",
  "overrun",
] as const;

export type UsageSum = (typeof USAGE_SUMS)[number];

export const USAGE: SumTable = {
  table: "usage_hourly",
  columns: KEY,
  key: Object.keys(KEY),
  sums: USAGE_SUMS,
};

/** Each tag of a request counts all of it once more. */
export const TAGGED_USAGE: SumTable = {
  table: "usage_tags_hourly",
  columns: { ...KEY, tag: "text" },
  key: [...Object.keys(KEY), "tag"],
  sums: USAGE_SUMS,
};

type Tx = Transaction<Schema>;
type Entry = {
  readonly key: readonly (string | number)[];
  readonly tags: readonly string[];
  readonly amounts: (number | bigint)[];
};

export const addUsage = (
  database: Database,
  tx: Tx,
  settlements: readonly Settlement[],
): Promise<void> => addEntries(database, tx, settlements.map(entryOf));

const entryOf = (s: Settlement): Entry => {
  const { usage } = s;
  return {
    key: [
      hourOf(s.at),
      ...[s.payer, s.groupId, s.userId, s.tokenId, s.model, s.provider],
      Number(s.isOwnKey),
    ],
    tags: s.tags,
    amounts: [
      1,
      Number(FAILED.has(s.outcome)),
      usage.inputTokens,
      usage.cachedInputTokens,
      usage.outputTokens,
      usage.reasoningTokens,
      ...(usage.measured ? MEASURES.map((each) => usage.measured?.[each] ?? 0) : NO_MEASURES),
      s.cost,
      s.overrun,
    ],
  };
};

const FAILED: ReadonlySet<string> = new Set<Settlement["outcome"]>([
  "cut",
  "failed",
  "interrupted",
]);
const NO_MEASURES = MEASURES.map(() => 0);
const NO_UNITS = USAGE_SUMS.slice(0, -2).map(() => 0);

/** A request whose cost became known later. */
export type Correction = {
  readonly request: Selectable<Schema["requests"]>;
  readonly cost: bigint;
  readonly overrun: bigint;
};

/** Booked when it is made, as its transfers are: what was counted of a month that is over stays as it was. */
export const addCorrections = (
  database: Database,
  tx: Tx,
  corrections: readonly Correction[],
  at: number,
): Promise<void> =>
  addEntries(
    database,
    tx,
    corrections.map(({ request, cost, overrun }) => ({
      key: [
        hourOf(at),
        ...[request.payer, request.group_id, request.user_id, request.token_id],
        ...[request.model, request.provider, Number(request.own_key)],
      ],
      tags: request.tags?.split(",") ?? [],
      amounts: [...NO_UNITS, cost, overrun],
    })),
  );

async function addEntries(database: Database, tx: Tx, entries: readonly Entry[]): Promise<void> {
  const all = new Sums(USAGE);
  const tagged = new Sums(TAGGED_USAGE);
  for (const { key, tags, amounts } of entries) {
    for (const tag of tags) tagged.add([...key, tag], [...amounts]);
    all.add(key, amounts);
  }
  await all.write(database, tx);
  await tagged.write(database, tx);
}

const hourOf = (at: number): number => Math.floor(at / HOUR_MS) * HOUR_MS;
