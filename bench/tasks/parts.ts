/** What tasks other than chat cost on their way: each part asks the simulator directly and through Turnpike, by turns. */
import { percentile } from "../measure/statistics.js";
import { usageOf } from "../usage-of.js";

/** Two places that answer the same: the provider itself, and Turnpike in front of it. */
export type Places = {
  readonly direct: string;
  readonly through: string;
  readonly token: string;
  readonly pids: readonly number[];
};

export type Line = { readonly what: string; readonly value: string };

type Ask = { readonly direct: () => Promise<Response>; readonly through: () => Promise<Response> };

const JSON_TYPE = { "content-type": "application/json" };
const SIM_KEY = { authorization: "Bearer sim-key" };

const post = (url: string, key: Record<string, string>, body: BodyInit, type = JSON_TYPE) =>
  fetch(url, { method: "POST", headers: { ...key, ...type }, body });

export async function embeddings(places: Places, times: number): Promise<readonly Line[]> {
  const { direct, through, token } = places;
  const body = (model: string): string => JSON.stringify({ model, input: "a fox runs" });
  return added("embeddings, one text, one after the other", times, {
    direct: () => post(`${direct}/deepinfra/v1/openai/embeddings`, SIM_KEY, body("BAAI/bge-m3")),
    through: () => post(`${through}/v1/embeddings`, bearer(token), body("bench/embed")),
  });
}

/** A picture of a megabyte: base64 in the provider's answer, a file in ours. */
export async function pictures(places: Places, times: number): Promise<readonly Line[]> {
  const { direct, through, token } = places;
  const model = "black-forest-labs/FLUX.1-schnell";
  const wanted = { model, prompt: "a fox", response_format: "base64" };
  return added("a picture of 1 MB", times, {
    direct: () => post(`${direct}/together/v1/images/generations`, SIM_KEY, JSON.stringify(wanted)),
    through: () => post(`${through}/models/bench/picture`, bearer(token), '{"inputs":"a fox"}'),
  });
}

const SOUND_BYTES = 10 * 1024 * 1024;

/** By how its model is charged: files are passed on while they come in, or read first. */
export type Way = { readonly model: string; readonly how: string };

/** Ten megabytes of sound, uploaded as one file: one after the other, then many at once. */
export async function uploads(
  { through, token, pids }: Places,
  times: number,
  { model, how }: Way,
): Promise<readonly Line[]> {
  const body = sound(SOUND_BYTES);
  const upload = async (): Promise<void> =>
    read(
      await post(`${through}/models/${model}`, bearer(token), body, {
        "content-type": "audio/wav",
      }),
    );
  await upload();
  const lines: Line[] = [];
  for (const atOnce of [1, UPLOADS_AT_ONCE]) {
    const idle = usageOf(pids).rssBytes;
    let peak = idle;
    const watching = setInterval(() => {
      peak = Math.max(peak, usageOf(pids).rssBytes);
    }, WATCH_MS);
    const rounds = Math.max(2, Math.round(times / atOnce));
    const started = performance.now();
    for (let i = 0; i < rounds; i++) await Promise.all(Array.from({ length: atOnce }, upload));
    const seconds = (performance.now() - started) / 1_000;
    clearInterval(watching);
    const speed = (rounds * atOnce * SOUND_BYTES) / 1_000_000 / seconds;
    lines.push({
      what: `uploads of 10 MB ${how}, ${atOnce} at a time`,
      value: `${speed.toFixed(0)} MB/s, ${mb(peak - idle)} MB above idle`,
    });
  }
  return lines;
}

const UPLOADS_AT_ONCE = 20;
const WATCH_MS = 20;

const JOBS = 500;

/** Jobs of some seconds in fal's queue, all at once: what waiting for them costs. */
export async function jobs({ through, token, pids }: Places): Promise<readonly Line[]> {
  const before = usageOf(pids);
  let peak = before.rssBytes;
  const watching = setInterval(() => {
    peak = Math.max(peak, usageOf(pids).rssBytes);
  }, 100);
  const started = performance.now();
  const asked = Array.from({ length: JOBS }, () =>
    post(`${through}/models/bench/film`, bearer(token), '{"inputs":"a fox"}').then(read),
  );
  await Promise.all(asked);
  clearInterval(watching);
  const seconds = (performance.now() - started) / 1_000;
  const cpuMs = usageOf(pids).cpuMs - before.cpuMs;
  return [
    {
      what: `${JOBS} jobs of 3 s in fal's queue at once, until all are done`,
      value: `${seconds.toFixed(1)} s`,
    },
    {
      what: "processor time a job, its 7 or so questions included",
      value: `${(cpuMs / JOBS).toFixed(1)} ms`,
    },
    {
      what: "memory above idle a job",
      value: `${((peak - before.rssBytes) / JOBS / 1_000).toFixed(0)} KB`,
    },
  ];
}

/** The same call to a provider while an engine of the embedded provider works without a pause, and while it rests. */
export async function besides(places: Places, times: number): Promise<readonly Line[]> {
  const { through, token } = places;
  const ask = (model: string) =>
    post(`${through}/v1/embeddings`, bearer(token), JSON.stringify({ model, input: "a fox runs" }));
  // The engine starts with its first request.
  await read(await ask(ENGINE));
  const took = { resting: [] as number[], busy: [] as number[] };
  for (const state of ["resting", "busy", "busy", "resting"] as const) {
    let isOver = state === "resting";
    const working = (async () => {
      while (!isOver) await read(await ask(ENGINE));
    })();
    for (let i = 0; i < times / 2; i++) {
      const started = performance.now();
      await read(await ask("bench/embed"));
      took[state].push(performance.now() - started);
    }
    isOver = true;
    await working;
  }
  const p50 = (values: readonly number[]): number =>
    percentile(
      values.toSorted((a, b) => a - b),
      50,
    );
  const [resting, busy] = [p50(took.resting), p50(took.busy)];
  const change = ((busy / resting - 1) * 100).toFixed(0);
  return [
    {
      what: "embeddings of a provider while the embedded engine works on the same core, p50",
      value: `${busy.toFixed(2)} ms, ${resting.toFixed(2)} while it rests (${change} %)`,
    },
  ];
}

const ENGINE = "embedded/universal-sentence-encoder-lite";

/** The median of either, by turns, and what lies between. */
async function added(what: string, times: number, ask: Ask): Promise<readonly Line[]> {
  const took = { direct: [] as number[], through: [] as number[] };
  for (let i = 0; i < times; i++) {
    for (const way of i % 2 === 0
      ? (["direct", "through"] as const)
      : (["through", "direct"] as const)) {
      const started = performance.now();
      await read(await ask[way]());
      // The first tenth warms up.
      if (i >= times / 10) took[way].push(performance.now() - started);
    }
  }
  const p50 = (values: readonly number[]): number =>
    percentile(
      values.toSorted((a, b) => a - b),
      50,
    );
  const [direct, through] = [p50(took.direct), p50(took.through)];
  const value = `${(through - direct).toFixed(2)} ms added at p50 (${direct.toFixed(2)} direct)`;
  return [{ what, value }];
}

async function read(answer: Response): Promise<void> {
  const bytes = await answer.arrayBuffer();
  if (answer.status === 200) return;
  throw new Error(`${answer.status} ${new TextDecoder().decode(bytes).slice(0, 200)}`);
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const mb = (bytes: number): string => (bytes / 1_000_000).toFixed(0);

/** Silence, in one channel of 8 bits at 8 kHz. */
function sound(bytes: number): Uint8Array<ArrayBuffer> {
  const wav = Buffer.alloc(bytes, 128);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(bytes - 8, 4);
  wav.write("WAVEfmt ", 8);
  for (const [at, value] of [
    [16, 16],
    [24, 8_000],
    [28, 8_000],
    [40, bytes - 44],
  ] as const) {
    wav.writeUInt32LE(value, at);
  }
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 1],
    [34, 8],
  ] as const)
    wav.writeUInt16LE(value, at);
  wav.write("data", 36);
  return new Uint8Array(wav);
}
