/** `npm run bench -- ledger`: what the ledger does in a second, every part in fresh processes, medians over rounds. */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { choosePins, describeMachine } from "../machine.js";
import { median } from "../measure/statistics.js";
import type { Options } from "../options.js";
import { run } from "../processes.js";
import { PARTS, type PartName } from "./parts.js";

const partMsMax = 300_000;

type Line = { readonly what: string; readonly unit: string; readonly bar: number };

const LINES: Readonly<Record<PartName, Line & { readonly isAtMost?: true }>> = {
  holds: { what: "hold and settle, two buckets, in memory", unit: "pairs/s", bar: 300_000 },
  sqlite: { what: "settlements drained into SQLite", unit: "rows/s", bar: 100_000 },
  postgres: { what: "settlements drained into Postgres", unit: "rows/s", bar: 30_000 },
  audit: { what: "audit of 1,000,000 transfers in SQLite", unit: "s", bar: 20, isAtMost: true },
};

/** Returns the exit code: 1 when a bar is missed. */
export async function benchLedger(options: Options): Promise<number> {
  const pins = choosePins();
  const names = Object.keys(PARTS) as PartName[];
  const measured = new Map<PartName, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const value = await measure(name, options.isQuick, pins.proxy);
      measured.get(name)?.push(value);
      console.error(`round ${round + 1}/${options.rounds}, ${name}: ${print(value)}`);
    }
  }
  const repository = join(import.meta.dir, "..", "..");
  const machine = await describeMachine(repository);
  const rows = names.map((name) => ({ ...LINES[name], value: median(measured.get(name) ?? []) }));
  const text = [
    `## ${new Date().toISOString().slice(0, 10)}, commit ${machine.commit}: the ledger${options.isQuick ? ", quick" : ""}`,
    "",
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}; ${machine.versions}. One core. Medians of ${options.rounds} rounds.`,
    "",
    "| part | measured | bar | |",
    "| --- | ---: | ---: | --- |",
    ...rows.map(
      (row) =>
        `| ${row.what} | ${print(row.value)} ${row.unit} | ${row.isAtMost ? "≤" : "≥"} ${print(row.bar)} | ${isMet(row) ? "met" : "missed"} |`,
    ),
    "",
  ].join("\n");
  console.log(`\n${text}`);
  if (options.isWritten) await appendFile(join(repository, "bench", "RESULTS.md"), `\n${text}`);
  return rows.every(isMet) ? 0 : 1;
}

async function measure(name: PartName, isQuick: boolean, core: number | undefined) {
  const script = join(import.meta.dir, "parts.ts");
  const argv = [process.execPath, script, name, isQuick ? "quick" : "full"];
  return Number(await run({ name: `ledger ${name}`, argv, core, timeoutMs: partMsMax }));
}

const isMet = (row: { readonly value: number; readonly bar: number; readonly isAtMost?: true }) =>
  row.isAtMost ? row.value <= row.bar : row.value >= row.bar;

const print = (value: number): string =>
  value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
