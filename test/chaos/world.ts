/** The app in process, over the simulator in a process of its own, on a clock that runs fast. */
import { join } from "node:path";
import type { LogEntry } from "../../sim/log.js";
import { type Clock, systemClock } from "../../src/kernel/clock.js";
import { chat, tempFolder, testApp } from "../support/app.js";
import { watchFailovers } from "../support/failovers.js";
import { PROVIDERS, type Scene } from "./day.js";

/** One second of the test is so many of the app, so that rests and time limits pass within a test. */
export const SPEED = 15;
export const MODEL = "org/model";
const PRICE = { input: "0.50", output: "1.50" };
/** By the app's clock. */
const LIMITS = {
  first_byte_ms: 15_000,
  plain_answer_ms: 15_000,
  chunk_gap_ms: 15_000,
  // A busy machine may well look away for a second.
  lease_valid_ms: 600_000,
};

const startedAt = Date.now();
const fastClock: Clock = {
  now: () => Math.round(startedAt + (Date.now() - startedAt) * SPEED),
  elapsed: () => performance.now() * SPEED,
  sleep: (ms, signal) => systemClock.sleep(ms / SPEED, signal),
};

async function startSimulator(folder: string, seed: number) {
  const config = join(folder, "sim.yaml");
  const prices = Object.fromEntries(PROVIDERS.map((id) => [id, { "org-model": PRICE }]));
  await Bun.write(config, JSON.stringify({ prices }));
  const main = join(import.meta.dir, "..", "..", "sim", "main.ts");
  const args = ["--port", "0", "--seed", String(seed), "--config", config];
  const child = Bun.spawn([process.execPath, main, ...args], { stdout: "pipe", stderr: "ignore" });
  const greeting = new TextDecoder().decode((await child.stdout.getReader().read()).value);
  const origin = /http:\/\/[\d.:]+/.exec(greeting)?.[0];
  if (origin === undefined) throw new Error(`the simulator did not start: ${greeting}`);
  return { origin, stop: () => child.kill() };
}

/** `provider` and `more` are what differs from one day to another, of each provider and beside them. */
type Different = { readonly provider?: object; readonly more?: object };

const configFor = (origin: string, { provider: own = {}, more = {} }: Different): string =>
  JSON.stringify({
    allow_literal_keys: true,
    limits: LIMITS,
    providers: Object.fromEntries(
      PROVIDERS.map((id) => [id, { base_url: `${origin}/${id}`, api_key: "sim-key", ...own }]),
    ),
    models: [
      {
        id: MODEL,
        task: "conversational",
        providers: PROVIDERS.map((provider) => ({
          provider,
          provider_model: "org-model",
          price: PRICE,
        })),
      },
    ],
    ...more,
  });

export async function startWorld(seed: number, different: Different = {}) {
  const folder = tempFolder();
  const simulator = await startSimulator(folder.path, seed);
  const yaml = configFor(simulator.origin, different);
  const failovers = watchFailovers();
  const app = await testApp({
    ...{ yaml, clock: fastClock, dice: Math.random, data: folder.path },
    log: failovers.log,
  });
  failovers.watch(app.site.gateway.http);
  const ada = await app.addUser("ada");
  await app.grant(ada, "1000");
  const tune = async (path: string, init: RequestInit): Promise<void> => {
    const response = await fetch(`${simulator.origin}/_sim/dials${path}`, init);
    if (!response.ok) throw new Error(`the dials were refused: ${await response.text()}`);
  };
  return {
    app,
    data: folder.path,
    /** The dials of a scene, and no others. */
    setScene: async ({ dials }: Scene): Promise<void> => {
      await tune("", { method: "DELETE" });
      for (const [id, changed] of Object.entries(dials)) {
        await tune(`/${id}`, { method: "PUT", body: JSON.stringify(changed) });
      }
    },
    ask: (body: Readonly<Record<string, unknown>>): Promise<Response> =>
      app.answer(chat(ada.token, body)),
    state: () => app.state(ada),
    failovers: failovers.seen,
    log: async (): Promise<LogEntry[]> => {
      const response = await fetch(`${simulator.origin}/_sim/log`);
      return (await response.json()) as LogEntry[];
    },
    stop: async (): Promise<void> => {
      await app.stop();
      simulator.stop();
    },
    remove: folder.remove,
  };
}

export type World = Awaited<ReturnType<typeof startWorld>>;
