/**
 * What the gateway costs, next to no proxy, a bare nginx and Portkey: the same load against the same
 * static upstream, every run in fresh processes, variants alternating, medians over rounds.
 */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { benchEmbedded } from "./embedded/main.js";
import { benchDraining } from "./ledger/draining.js";
import { benchLedger } from "./ledger/main.js";
import { choosePins, describeMachine, onOneCore, type Pins } from "./machine.js";
import { inFreshProcesses, type Outcome } from "./measure/session.js";
import { measureStreams } from "./measure/streams.js";
import { measureLatency, measureThroughput } from "./measure/throughput.js";
import { type Measurement, type Options, readOptions, USAGE } from "./options.js";
import { endChildrenOnExit } from "./processes.js";
import { report } from "./report.js";
import { judge, type Results, type Run } from "./results.js";
import { benchRouting } from "./routing/main.js";
import { benchTasks } from "./tasks/main.js";
import { direct } from "./variants/direct.js";
import { nginx, nginxBare } from "./variants/nginx.js";
import { portkey } from "./variants/portkey.js";
import { turnpike } from "./variants/turnpike.js";
import type { Variant } from "./variants/variant.js";

const streams = 1000;
const pace = {
  full: { warmupMs: 5000, durationMs: 5000 },
  quick: { warmupMs: 500, durationMs: 1000 },
} as const;

type Collected = { -readonly [Key in keyof Results]: Results[Key][number][] };

async function main(): Promise<number> {
  const options = parseOrExplain();
  if (options === undefined) return 2;
  endChildrenOnExit();
  if (options.subject === "ledger") return benchLedger(options);
  if (options.subject === "draining") return benchDraining(options);
  if (options.subject === "routing") return benchRouting(options);
  if (options.subject === "embedded") return benchEmbedded(options);
  if (options.subject === "tasks") return benchTasks(options);
  const pins = choosePins();
  const variants = await usable(options);
  const results: Collected = { throughput: [], latency: [], streams: [], notes: [], failures: [] };
  say(pins.text);
  for (let round = 0; round < options.rounds; round++) {
    for (const measurement of options.measurements) {
      // Every other round runs backwards, so that no variant always follows the same one.
      for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
        await runOne({ round, measurement, variant, pins, options }, results);
      }
    }
  }
  await print(options, pins, results);
  return results.failures.length > 0 || judge(results).some(({ isMet }) => isMet === false) ? 1 : 0;
}

function parseOrExplain(): Options | undefined {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return undefined;
  }
}

async function usable(options: Options): Promise<readonly Variant[]> {
  const found: Variant[] = [];
  for (const variant of [direct, nginx, nginxBare, portkey, turnpike]) {
    if (!options.variants.includes(variant.name)) continue;
    const problem = await variant.whyNot();
    if (problem === undefined) found.push(variant);
    else say(`${variant.name} is left out: ${problem}`);
  }
  return found;
}

type Job = {
  readonly round: number;
  readonly measurement: Measurement;
  readonly variant: Variant;
  readonly pins: Pins;
  readonly options: Options;
};

/** A variant that fails is reported at the end; the others still run. */
async function runOne(job: Job, results: Collected): Promise<void> {
  const { round, measurement, variant } = job;
  const label = `round ${round + 1}/${job.options.rounds}, ${measurement}, ${variant.name}`;
  try {
    const { note, summary } = await measure(job, results);
    if (note !== undefined) results.notes.push(`${label}: ${note}`);
    say(`${label}: ${summary}`);
  } catch (error) {
    const problem = `${label}: ${error instanceof Error ? error.message : error}`;
    results.failures.push(problem);
    say(`FAILED ${problem}`);
  }
}

type Measured = { readonly note: string | undefined; readonly summary: string };

async function measure(job: Job, results: Collected): Promise<Measured> {
  const { round, variant } = job;
  const durations = job.options.isQuick ? pace.quick : pace.full;
  const keep = <T>(runs: Run<T>[], value: T) => runs.push({ variant: variant.name, round, value });
  if (job.measurement === "streams") {
    const { value, note } = await inFreshProcesses(job, (s) => measureStreams(s, streams));
    keep(results.streams, value);
    const memory = `${value.kbPerStream.toFixed(1)} KB each, `;
    const opened = `${value.openPeak} open at once`;
    return { note, summary: variant.name === "direct" ? opened : memory + opened };
  }
  if (job.measurement === "latency") {
    // With one connection only one process ever has work, so one core serves all of them. Across cores the
    // figure would mostly be how long an idle core of a virtual machine takes to wake: 80 µs on ours.
    const together = { variant, pins: onOneCore(job.pins) };
    const { value, note } = await undisturbed(() =>
      inFreshProcesses(together, (s) => measureLatency(s, durations)),
    );
    keep(results.latency, value);
    return { note, summary: `p50 ${value.p50Us.toFixed(1)} µs, p99 ${value.p99Us.toFixed(1)} µs` };
  }
  const { value, note } = await undisturbed(() =>
    inFreshProcesses(job, (s) => measureThroughput(s, durations)),
  );
  keep(results.throughput, value);
  return { note, summary: `${Math.round(value.requestsPerSecond)} requests/s` };
}

/** While a host has others run on our core, it is them that are measured: whichever the variant, it is run again. */
async function undisturbed<T extends { readonly stolen: number }>(
  run: () => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  for (let again = 0; ; again++) {
    const outcome = await run();
    const { stolen } = outcome.value;
    if (!(stolen > stolenMax) || again === repeatsMax) return outcome;
    say(`the host took ${Math.round(stolen * 100)} % of the proxy's core: once more`);
  }
}

const stolenMax = 0.02;
const repeatsMax = 3;

async function print(options: Options, pins: Pins, results: Results): Promise<void> {
  const repository = join(import.meta.dir, "..");
  const text = report(
    {
      date: new Date().toISOString().slice(0, 10),
      machine: await describeMachine(repository),
      pinning: pins.text,
      isLoadCoreShared: pins.generator !== undefined && pins.upstream === pins.generator,
      rounds: options.rounds,
      isQuick: options.isQuick,
    },
    results,
  );
  console.log(`\n${text}`);
  if (options.isWritten) await appendFile(join(import.meta.dir, "RESULTS.md"), `\n${text}`);
}

const say = (line: string): void => console.error(line);

process.exit(await main());
