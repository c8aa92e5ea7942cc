/** `npm run bench -- tasks`: what every other task costs on its way, against the simulator on a core of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { appendFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newAccessToken } from "../../src/tenants/access-token.js";
import { choosePins, describeMachine } from "../machine.js";
import type { Options } from "../options.js";
import { start } from "../processes.js";
import { processTree } from "../usage-of.js";
import { freePort, until } from "../waiting.js";
import { besides, embeddings, jobs, type Line, type Places, pictures, uploads } from "./parts.js";

const repository = join(import.meta.dir, "..", "..");
const launcher = join(repository, "bin/turnpike.mjs");
const readyMsMax = 20_000;

/** Returns the exit code. */
export async function benchTasks(options: Options): Promise<number> {
  const times = options.isQuick ? 20 : 400;
  const lines: Line[] = [];
  for (const part of [
    (places: Places) => embeddings(places, times),
    (places: Places) => pictures(places, times / 4),
    ...WAYS.map((way) => (places: Places) => uploads(places, times / 5, way)),
    jobs,
    (places: Places) => besides(places, times),
  ]) {
    lines.push(...(await inFreshProcesses(part)));
  }
  const text = await printed(options, lines);
  console.log(`\n${text}`);
  if (options.isWritten) await appendFile(join(repository, "bench", "RESULTS.md"), `\n${text}`);
  return 0;
}

async function inFreshProcesses<T>(measure: (places: Places) => Promise<T>): Promise<T> {
  const pins = choosePins();
  const folder = mkdtempSync(join(tmpdir(), "turnpike-bench-"));
  const [simPort, port] = [await freePort(), await freePort()];
  await writeFile(join(folder, "sim.yaml"), SIM_DIALS);
  await writeFile(join(folder, "turnpike.yaml"), config(simPort));
  const token = newAccessToken();
  const env = { TURNPIKE_DATA: join(folder, "data"), TURNPIKE_OWNER_TOKEN: token };
  const node = (name: string, core: number | undefined, ...args: readonly string[]) =>
    start({ name, argv: ["node", launcher, ...args], core, cwd: folder, env });
  const sim = node("sim", pins.upstream, "sim", "--port", `${simPort}`, "--config", "sim.yaml");
  const turnpike = node("turnpike", pins.proxy, "serve", "--port", `${port}`);
  try {
    const [direct, through] = [`http://127.0.0.1:${simPort}`, `http://127.0.0.1:${port}`];
    await until(
      "turnpike did not start",
      readyMsMax,
      async () => (await fetch(`${through}/healthz`)).ok && (await fetch(`${direct}/_sim/log`)).ok,
    );
    return await measure({ direct, through, token, pids: processTree(turnpike.pid).slice(1) });
  } finally {
    await turnpike.stop();
    await sim.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const WAYS = [
  { model: "bench/ears-by-time", how: "passed on as they come" },
  { model: "bench/ears", how: "read first" },
];

const SIM_DIALS = `
dials:
  together: { media_bytes: 1000000 }
  fal-ai: { job_ms: 3000 }
`;

const offer = (id: string, task: string, provider: string, model: string, price: string): string =>
  `  - { id: ${id}, task: ${task}, providers: [{ provider: ${provider}, provider_model: "${model}", price: { ${price} } }] }\n`;

const config = (simPort: number): string => `
allow_literal_keys: true
providers:
${["deepinfra", "together", "fal-ai", "hf-inference"]
  .map((id) => `  ${id}: { base_url: "http://127.0.0.1:${simPort}/${id}", api_key: sim-key }\n`)
  .join("")}
models:
${offer("bench/embed", "feature-extraction", "deepinfra", "BAAI/bge-m3", 'input: "0.01"')}
${offer("bench/picture", "text-to-image", "together", "black-forest-labs/FLUX.1-schnell", 'megapixel: "0.0001"')}
${offer("bench/ears", "automatic-speech-recognition", "together", "openai/whisper-large-v3", 'audio_minute: "0.000001"')}
${offer("bench/ears-by-time", "automatic-speech-recognition", "hf-inference", "openai/whisper-large-v3", 'compute_second: "0.000001"')}
${offer("bench/film", "text-to-video", "fal-ai", "fal-ai/ltx-video", 'video_second: "0.00001"')}
plans:
  pro: { monthly_credit: "1000" }
`;

async function printed({ isQuick }: Options, lines: readonly Line[]): Promise<string> {
  const machine = await describeMachine(repository);
  return [
    `## ${new Date().toISOString().slice(0, 10)}, commit ${machine.commit}: other tasks than chat${isQuick ? ", quick" : ""}`,
    "",
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}; ${machine.versions}. ${choosePins().text}; the simulator is the upstream.`,
    "",
    "| part | measured |",
    "| --- | ---: |",
    ...lines.map(({ what, value }) => `| ${what} | ${value} |`),
    "",
  ].join("\n");
}
