/** Usage as programs and spreadsheets read it. */
import { formatUsd } from "../../kernel/money.js";
import { type Cell, csv } from "../../wire/csv.js";
import { printMeasured } from "../../wire/usage.js";
import type { UsageBy } from "../../wire/usage-query.js";
import type { UsageRow } from "./usage-reports.js";

/** What is counted by its id, which stays when its bearer goes; whoever reads it knows the bearer by name. */
const NAMED = ["member", "payer", "group", "token"] as const satisfies readonly UsageBy[];
export type Named = (typeof NAMED)[number];

/** What something of this kind is called, by id; undefined for what is gone. */
export type NameOf = (kind: Named, id: string) => string | undefined;

export const isNamed = (by: UsageBy): by is Named => NAMED.some((named) => named === by);

/** As JSON; `total` in nano-USD. */
export const printUsage = (
  by: readonly UsageBy[],
  rows: readonly UsageRow[],
  { total, nameOf }: { readonly total: bigint; readonly nameOf: NameOf },
) => ({
  rows: rows.map((row) => ({
    ...Object.fromEntries(by.map((each, i) => [each, row.keys[i]])),
    ...namesIn(by, row, nameOf),
    requests: row.requests,
    failed: row.failed,
    input_tokens: row.inputTokens,
    cached_input_tokens: row.cachedInputTokens,
    output_tokens: row.outputTokens,
    reasoning_tokens: row.reasoningTokens,
    ...(Object.keys(row.measured).length > 0 && { measured: printMeasured(row.measured) }),
    own_key: row.isOwnKey,
    cost_nano_usd: String(row.charged),
    overrun_nano_usd: String(row.overrun),
  })),
  total_cost_nano_usd: String(total),
});

const namesIn = (by: readonly UsageBy[], { keys }: UsageRow, nameOf: NameOf) =>
  Object.fromEntries(
    by.flatMap((each, i) =>
      isNamed(each) ? [[nameColumn(each), nameOf(each, keys[i] ?? "") ?? null]] : [],
    ),
  );

const nameColumn = (by: Named): string => `${by}_name`;

const COLUMNS = [
  ...["requests", "failed"],
  ...["input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens"],
  ...["images", "megapixels", "steps", "video_seconds", "audio_seconds", "characters"],
  ...["compute_seconds", "own_key", "cost_usd", "cost_nano_usd", "overrun_nano_usd"],
];

/** The same rows as CSV, with a header line. */
export const usageCsv = (
  by: readonly UsageBy[],
  rows: readonly UsageRow[],
  nameOf: NameOf,
): string =>
  csv(
    [...by, ...by.filter(isNamed).map(nameColumn), ...COLUMNS],
    rows.map((row) => {
      const cells: Readonly<Record<string, Cell>> = {
        requests: row.requests,
        failed: row.failed,
        input_tokens: row.inputTokens,
        cached_input_tokens: row.cachedInputTokens,
        output_tokens: row.outputTokens,
        reasoning_tokens: row.reasoningTokens,
        ...printMeasured(row.measured),
        own_key: row.isOwnKey,
        cost_usd: formatUsd(row.charged),
        cost_nano_usd: row.charged,
        overrun_nano_usd: row.overrun,
      };
      const names = Object.values(namesIn(by, row, nameOf)).map((name) => name ?? "");
      return [...row.keys, ...names, ...COLUMNS.map((column) => cells[column] ?? 0)];
    }),
  );
