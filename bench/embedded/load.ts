/** One part of the bench, in a process of its own: `load.ts one|four|batch MILLISECONDS`. Prints what it measured. */
import { startEmbedded } from "../../src/embedded/embedded.js";
import { noLog } from "../../src/kernel/log.js";
import { Samples } from "../measure/statistics.js";

/** Callers at once, each of whom asks again as soon as he has his answer, and sentences in a request. */
export const PARTS = {
  one: { callers: 1, sentences: 1 },
  four: { callers: 4, sentences: 1 },
  batch: { callers: 1, sentences: 32 },
} as const;

export type PartName = keyof typeof PARTS;

export type Measured = {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The part of the time in which the engine worked on a request. */
  readonly busy: number;
};

const ROUTE = "/models/embedded/universal-sentence-encoder-lite/pipeline/feature-extraction";
const WARMUP_REQUESTS = 20;

const sentence = (i: number): string =>
  `The gateway answered request number ${i} before the clock struck noon.`;

async function measure(
  { callers, sentences }: (typeof PARTS)[PartName],
  durationMs: number,
): Promise<Measured> {
  const embedded = startEmbedded({ folder: import.meta.dir, log: noLog });
  let asked = 0;
  const ask = async (): Promise<number> => {
    const first = asked++ * sentences;
    const inputs = Array.from({ length: sentences }, (_, i) => sentence(first + i));
    const response = await fetch(embedded.origin + ROUTE, {
      method: "POST",
      headers: { authorization: `Bearer ${embedded.key}`, "content-type": "application/json" },
      body: JSON.stringify({ inputs }),
    });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`the provider answered ${response.status}`);
    return Number(response.headers.get("x-compute-time"));
  };
  for (let i = 0; i < WARMUP_REQUESTS; i++) await ask();
  const samples = new Samples();
  let [count, busySeconds] = [0, 0];
  const startedAt = performance.now();
  const call = async (): Promise<void> => {
    while (performance.now() - startedAt < durationMs) {
      const from = performance.now();
      busySeconds += await ask();
      samples.add(performance.now() - from);
      count++;
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  const seconds = (performance.now() - startedAt) / 1000;
  await embedded.stop();
  const { p50, p99 } = samples.percentiles();
  return {
    requestsPerSecond: count / seconds,
    p50Ms: p50,
    p99Ms: p99,
    busy: busySeconds / seconds,
  };
}

if (import.meta.main) {
  const [name = "", durationMs = ""] = process.argv.slice(2);
  console.log(JSON.stringify(await measure(PARTS[name as PartName], Number(durationMs))));
  process.exit(0);
}
