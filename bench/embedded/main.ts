/**
 * `npm run bench -- embedded`: embeddings by the embedded provider, with its door, its engine and whoever asks on one
 * core. Every part in fresh processes, medians over rounds.
 */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { choosePins, describeMachine } from "../machine.js";
import { median } from "../measure/statistics.js";
import type { Options } from "../options.js";
import { run } from "../processes.js";
import { type Measured, PARTS, type PartName } from "./load.js";

const partMsMax = 120_000;
const durationMs = { full: 10_000, quick: 1_000 } as const;

/** Returns the exit code. */
export async function benchEmbedded(options: Options): Promise<number> {
  const core = choosePins().proxy;
  const names = Object.keys(PARTS) as PartName[];
  const measured = new Map<PartName, Measured[]>(names.map((name) => [name, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const value = await measure(name, options.isQuick, core);
      measured.get(name)?.push(value);
      console.error(
        `round ${round + 1}/${options.rounds}, ${name}: ${value.requestsPerSecond.toFixed(1)} requests/s`,
      );
    }
  }
  const repository = join(import.meta.dir, "..", "..");
  const machine = await describeMachine(repository);
  const text = [
    `## ${new Date().toISOString().slice(0, 10)}, commit ${machine.commit}: the embedded provider${options.isQuick ? ", quick" : ""}`,
    "",
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}; ${machine.versions}. ${core === undefined ? "Not pinned" : "All on one core"}. Medians of ${options.rounds} rounds.`,
    "",
    "| callers | sentences a request | requests/s | sentences/s | p50 | p99 | the engine works |",
    "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...names.map((name) => row(name, measured.get(name) ?? [])),
    "",
  ].join("\n");
  console.log(`\n${text}`);
  if (options.isWritten) await appendFile(join(repository, "bench", "RESULTS.md"), `\n${text}`);
  return 0;
}

async function measure(
  name: PartName,
  isQuick: boolean,
  core: number | undefined,
): Promise<Measured> {
  const ms = isQuick ? durationMs.quick : durationMs.full;
  const argv = [process.execPath, join(import.meta.dir, "load.ts"), name, String(ms)];
  const output = await run({ name: `embedded ${name}`, argv, core, timeoutMs: partMsMax });
  return JSON.parse(output) as Measured;
}

function row(name: PartName, runs: readonly Measured[]): string {
  const { callers, sentences } = PARTS[name];
  const of = (read: (run: Measured) => number): number => median(runs.map(read));
  const rate = of((each) => each.requestsPerSecond);
  const cells = [
    callers,
    sentences,
    rate.toFixed(1),
    (rate * sentences).toFixed(0),
    `${of((each) => each.p50Ms).toFixed(1)} ms`,
    `${of((each) => each.p99Ms).toFixed(1)} ms`,
    `${(of((each) => each.busy) * 100).toFixed(0)} %`,
  ];
  return `| ${cells.join(" | ")} |`;
}
