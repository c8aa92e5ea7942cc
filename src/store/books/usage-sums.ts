/** Sums of usage by hour: what is shown of the past without reading the requests. */
import type { Selectable } from "kysely";
import type { Profile } from "../../ledger/profile.js";
import type { Settlement } from "../../ledger/store.js";
import { MEASURES, type Measured } from "../../tasks/usage.js";
import type { Database, SumTable } from "../database.js";
import { type Alike, hourOf } from "../ledger/alike.js";
import type { Schema, Tx } from "../schema.js";
import { Sums } from "../sums.js";
import { USAGE_SUMS } from "./usage-columns.js";

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

type Key = readonly (string | number)[];
type Amounts = (number | bigint)[];

/** What a batch that was drained adds to the sums by hour, and once more for each tag. */
export class UsageSums {
  private readonly all = new Sums(USAGE);
  private readonly tagged = new Sums(TAGGED_USAGE);

  add({ profile, hour, settlements }: Alike): void {
    const key = keyOf(hour, profile);
    const count = new Count();
    const ofTags = new Map<string, Count>();
    for (const settlement of settlements) {
      count.add(settlement);
      for (const tag of settlement.tags) {
        const ofTag = ofTags.get(tag) ?? new Count();
        ofTags.set(tag, ofTag);
        ofTag.add(settlement);
      }
    }
    this.all.add(key, count.amounts());
    for (const [tag, ofTag] of ofTags) this.tagged.add([...key, tag], ofTag.amounts());
  }

  async write(database: Database, tx: Tx): Promise<void> {
    await this.all.write(database, tx);
    await this.tagged.write(database, tx);
  }
}

/** What some settlements sum to. */
class Count {
  private requests = 0;
  private failed = 0;
  private inputTokens = 0;
  private cachedInputTokens = 0;
  private outputTokens = 0;
  private reasoningTokens = 0;
  private readonly measures = MEASURES.map(() => 0);
  private cost = 0n;
  private overrun = 0n;

  add({ outcome, usage, cost, overrun }: Settlement): void {
    this.requests++;
    if (FAILED.has(outcome)) this.failed++;
    this.inputTokens += usage.inputTokens;
    this.cachedInputTokens += usage.cachedInputTokens;
    this.outputTokens += usage.outputTokens;
    this.reasoningTokens += usage.reasoningTokens;
    if (usage.measured) this.addMeasured(usage.measured);
    this.cost += cost;
    if (overrun > 0n) this.overrun += overrun;
  }

  private addMeasured(measured: Measured): void {
    MEASURES.forEach((measure, i) => {
      this.measures[i] = (this.measures[i] ?? 0) + (measured[measure] ?? 0);
    });
  }

  /** In the order of `USAGE_SUMS`. */
  amounts(): Amounts {
    return [
      ...[this.requests, this.failed, this.inputTokens, this.cachedInputTokens],
      ...[this.outputTokens, this.reasoningTokens, ...this.measures],
      ...[this.cost, this.overrun],
    ];
  }
}

const keyOf = (hour: number, profile: Profile): Key => [
  hour,
  ...[profile.payer, profile.groupId, profile.userId, profile.tokenId],
  ...[profile.model, profile.provider, Number(profile.isOwnKey)],
];

const FAILED: ReadonlySet<string> = new Set<Settlement["outcome"]>([
  "cut",
  "failed",
  "interrupted",
]);
const NO_UNITS = USAGE_SUMS.slice(0, -2).map(() => 0);

/** A request whose cost became known later. */
export type Correction = {
  readonly request: Selectable<Schema["requests"]>;
  readonly cost: bigint;
  readonly overrun: bigint;
};

/** Booked when it is made, as its transfers are: what was counted of a month that is over stays as it was. */
export async function addCorrections(
  database: Database,
  tx: Tx,
  corrections: readonly Correction[],
  at: number,
): Promise<void> {
  const all = new Sums(USAGE);
  const tagged = new Sums(TAGGED_USAGE);
  for (const { request, cost, overrun } of corrections) {
    const key = [
      hourOf(at),
      ...[request.payer, request.group_id, request.user_id, request.token_id],
      ...[request.model, request.provider, Number(request.own_key)],
    ];
    const amounts = [...NO_UNITS, cost, overrun];
    for (const tag of request.tags?.split(",") ?? []) tagged.add([...key, tag], [...amounts]);
    all.add(key, amounts);
  }
  await all.write(database, tx);
  await tagged.write(database, tx);
}
