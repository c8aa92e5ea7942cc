/** What a sync found, for people and for programs. */

import { printPrice } from "../catalog/quote.js";
import { nameOf, type Rename } from "../catalog/stored.js";
import type { SyncChange } from "../catalog/sync.js";
import { printDay } from "../kernel/print-time.js";
import { table } from "./output.js";

/** What came of asking about one provider. */
export type Synced = {
  readonly provider: string;
  /** Models on its own list; undefined: it has none, or it could not be read. */
  readonly listed: number | undefined;
  /** What could not be read, and why. */
  readonly faults: readonly string[];
  readonly changes: readonly SyncChange[];
  readonly unmapped: readonly string[];
  readonly renames: readonly Rename[];
};

/** `written` undefined: nothing was to be written. */
export const printSync = (synced: readonly Synced[], written: number | undefined) => ({
  providers: synced.map(({ provider, listed, faults, unmapped }) => ({
    provider,
    listed: listed ?? null,
    errors: faults,
    unmapped,
  })),
  changes: synced.flatMap(({ changes }) => changes.map(printChange)),
  renames: synced.flatMap(({ renames }) => renames),
  written: written ?? 0,
});

function printChange({ kind, before, after, keptBy }: SyncChange) {
  const [old, fresh] = [before?.price && printPrice(before.price), after.price.price];
  const price = fresh && printPrice(fresh);
  const context = [before?.contextLength ?? null, after.facts.contextLength ?? null] as const;
  const isRenamed = before !== undefined && before.providerModel !== after.providerModel;
  return {
    kind,
    provider: after.provider,
    model: nameOf(after.subject),
    task: after.task,
    provider_model: after.providerModel,
    ...(isRenamed && { provider_model_before: before.providerModel }),
    ...(JSON.stringify(old) !== JSON.stringify(price) && {
      price: { before: old ?? null, after: price ?? null, since: since(before) ?? null },
    }),
    ...(context[0] !== context[1] && {
      context_length: { before: context[0], after: context[1] },
    }),
    kept_by: keptBy ?? null,
  };
}

const since = (before: SyncChange["before"]): string | undefined =>
  before?.pricedAt === undefined ? undefined : printDay(before.pricedAt);

export function syncText(synced: readonly Synced[], written: number | undefined): string {
  const changes = synced.flatMap((one) => one.changes);
  const kept = changes.filter(({ keptBy }) => keptBy !== undefined).length;
  const renames = synced.flatMap((one) => one.renames).length;
  return [
    ...(changes.length > 0
      ? [
          table(
            ["provider", "model", "", "what", ""],
            changes.map((change) => rowOf(change)),
          ),
        ]
      : []),
    ...synced.flatMap(noteOn),
    endOf({ changes: changes.length + renames, kept, written }),
  ].join("\n");
}

const rowOf = (change: SyncChange): readonly string[] => [
  change.after.provider,
  nameOf(change.after.subject),
  change.kind,
  whatOf(change),
  change.keptBy === undefined ? "" : `kept: ${change.keptBy} says otherwise`,
];

function whatOf(change: SyncChange): string {
  const printed = printChange(change);
  const { before, after } = change;
  if (change.kind === "gone") return "not listed any more: it will be of status error";
  return [
    ...(before ? [] : [`as ${after.providerModel}, for ${after.task}`]),
    ...(printed.provider_model_before === undefined
      ? []
      : [`${printed.provider_model_before} → ${after.providerModel}`]),
    ...(printed.price ? [priceText(printed.price)] : []),
    ...(before || after.price.price || after.price.isFree ? [] : ["no price"]),
    ...(printed.context_length
      ? [`context ${printed.context_length.before ?? "?"} → ${printed.context_length.after ?? "?"}`]
      : []),
  ].join("; ");
}

type PrintedPrice = NonNullable<ReturnType<typeof printChange>["price"]>;

function priceText({ before, after, since: day }: PrintedPrice): string {
  const units = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const said = units.flatMap((unit) => {
    const [old, fresh] = [before?.[unit], after?.[unit]];
    if (old === fresh) return [];
    return [before ? `${unit} ${old ?? "none"} → ${fresh ?? "none"}` : `${unit} ${fresh}`];
  });
  return said.join(", ") + (day === undefined ? "" : ` (until now as of ${day})`);
}

const noteOn = ({ provider, listed, faults, unmapped, renames }: Synced): string[] => [
  ...renames.map(({ from, to }) => `${from} is called ${to} on the Hub now; both will work here.`),
  ...faults.map((fault) => `${provider}: ${fault}.`),
  ...(faults.length === 0 && listed === undefined ? [`${provider} has no list of its own.`] : []),
  ...(unmapped.length === 0
    ? []
    : [
        `${provider} lists ${unmapped.length} more, of which nobody says what they are on the Hub.`,
      ]),
];

function endOf(counts: {
  readonly changes: number;
  readonly kept: number;
  readonly written: number | undefined;
}): string {
  const { changes, kept, written } = counts;
  if (written !== undefined) return `${written} written into the store.`;
  if (changes === 0) return "Nothing is different.";
  const open = changes - kept;
  return open === 0
    ? "Nothing to write: turnpike.yaml goes before what is listed."
    : `${open} to be written into the store: say it with --yes.`;
}
