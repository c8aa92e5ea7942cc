/** `npm run bench -- draining`: what callers notice of a drain, and that there is one. */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { describeMachine } from "../machine.js";
import type { Options } from "../options.js";
import { measureWhileDraining, type WhileDraining } from "./while-draining.js";

/** Windows with a drain, and as many without. */
const WINDOWS_A_ROUND = 4;
const SLOWER_PERCENT_MAX = 5;

/** Returns the exit code: 1 when callers wait noticeably longer, or a backlog stays. */
export async function benchDraining(options: Options): Promise<number> {
  const windows = options.rounds * WINDOWS_A_ROUND;
  const measured = await measureWhileDraining(windows, options.isQuick);
  const rows = measured.flatMap(rowsOf);
  const repository = join(import.meta.dir, "..", "..");
  const machine = await describeMachine(repository);
  const text = [
    `## ${new Date().toISOString().slice(0, 10)}, commit ${machine.commit}: requests while a spool is drained${options.isQuick ? ", quick" : ""}`,
    "",
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}; ${machine.versions}. All cores for everything. Medians of ${windows} windows each, by turns; the bar is ${SLOWER_PERCENT_MAX} %.`,
    "",
    "| connections | | nothing to drain | draining | worse by |",
    "| ---: | --- | ---: | ---: | ---: |",
    ...rows.map(
      (row) =>
        `| ${row.connections} | ${row.what} | ${print(row.resting)} | ${print(row.draining)} | ${row.worsePercent.toFixed(1)} % |`,
    ),
    "",
    ...measured.map(goneText),
    "",
  ].join("\n");
  console.log(`\n${text}`);
  if (options.isWritten) await appendFile(join(repository, "bench", "RESULTS.md"), `\n${text}`);
  const isUnnoticed = rows.every(({ worsePercent }) => worsePercent <= SLOWER_PERCENT_MAX);
  return isUnnoticed && measured.every(({ goneAfterSeconds }) => goneAfterSeconds) ? 0 : 1;
}

const goneText = ({ connections, goneAfterSeconds: seconds }: WhileDraining): string =>
  seconds === undefined
    ? `While ${connections} at a time went on, the backlog stayed.`
    : `While ${connections} at a time went on, the backlog was gone after ${seconds.toFixed(0)} s.`;

function rowsOf({ connections, resting, draining }: WhileDraining) {
  const row = (what: string, before: number, after: number, worse: number) => ({
    ...{ connections, what, resting: before, draining: after },
    worsePercent: 100 * worse,
  });
  const slower = (what: string, before: number, after: number) =>
    row(what, before, after, after / before - 1);
  const [before, after] = [resting.requestsPerSecond, draining.requestsPerSecond];
  return [
    slower("p50 µs", resting.p50Us, draining.p50Us),
    slower("p99 µs", resting.p99Us, draining.p99Us),
    row("requests/s", before, after, 1 - after / before),
  ];
}

const print = (value: number): string => Math.round(value).toLocaleString("en");
