/** A bench made of parts: every part in fresh processes, in alternating order, medians over rounds. */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { choosePins, describeMachine } from "../machine.js";
import type { Options } from "../options.js";
import { run } from "../processes.js";
import { median } from "./statistics.js";

/** The longest that one part may take. */
export const partMsMax = 300_000;

/** What a part measures, and what it should come to. */
export type Line = {
  readonly what: string;
  readonly unit: string;
  /** Undefined where nobody set one. */
  readonly bar?: number;
  readonly isAtMost?: true;
  /** Runs on all cores, where a part starts processes of its own. */
  readonly isFree?: true;
};

/** What follows from the medians of some lines. */
export type Sum = Line & { readonly of: (median: (part: string) => number) => number };

export type Subject = {
  /** As it is called on the command line, and in the heading. */
  readonly name: string;
  readonly title: string;
  /** Run as `script <part> <quick|full>`; prints one number. */
  readonly script: string;
  readonly lines: Readonly<Record<string, Line>>;
  readonly sums?: readonly Sum[];
};

/** Returns the exit code: 1 when a bar is missed. */
export async function benchParts(options: Options, subject: Subject): Promise<number> {
  const pins = choosePins();
  const names = Object.keys(subject.lines);
  const measured = new Map<string, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const core = subject.lines[name]?.isFree ? undefined : pins.proxy;
      const value = await measure(subject, name, options.isQuick, core);
      measured.get(name)?.push(value);
      console.error(`round ${round + 1}/${options.rounds}, ${name}: ${print(value)}`);
    }
  }
  const repository = join(import.meta.dir, "..", "..");
  const machine = await describeMachine(repository);
  const medianOf = (name: string) => median(measured.get(name) ?? []);
  const rows = [
    ...Object.entries(subject.lines).map(([name, line]) => ({ ...line, value: medianOf(name) })),
    ...(subject.sums ?? []).map((sum) => ({ ...sum, value: sum.of(medianOf) })),
  ];
  const text = [
    `## ${new Date().toISOString().slice(0, 10)}, commit ${machine.commit}: ${subject.title}${options.isQuick ? ", quick" : ""}`,
    "",
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}; ${machine.versions}. One core. Medians of ${options.rounds} rounds.`,
    "",
    "| part | measured | bar | |",
    "| --- | ---: | ---: | --- |",
    ...rows.map((row) => `| ${row.what} | ${print(row.value)} ${row.unit} | ${judged(row)} |`),
    "",
  ].join("\n");
  console.log(`\n${text}`);
  if (options.isWritten) await appendFile(join(repository, "bench", "RESULTS.md"), `\n${text}`);
  return rows.every((row) => row.bar === undefined || isMet(row, row.bar)) ? 0 : 1;
}

async function measure({ name, script }: Subject, part: string, isQuick: boolean, core?: number) {
  const argv = [process.execPath, script, part, isQuick ? "quick" : "full"];
  return Number(await run({ name: `${name} ${part}`, argv, core, timeoutMs: partMsMax }));
}

type Row = Line & { readonly value: number };

const isMet = ({ value, isAtMost }: Row, bar: number): boolean =>
  isAtMost ? value <= bar : value >= bar;

function judged(row: Row): string {
  if (row.bar === undefined) return "| ";
  const sign = row.isAtMost ? "≤" : "≥";
  return `${sign} ${print(row.bar)} | ${isMet(row, row.bar) ? "met" : "missed"}`;
}

const print = (value: number): string => {
  if (value < 10) return value.toFixed(2);
  return value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
};
