import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newAccessToken } from "../../src/tenants/access-token.js";
import type { Target } from "../load/spec.js";
import { requestBody } from "../load/spec.js";
import { run, start } from "../processes.js";
import { PLAIN_USAGE, UPSTREAM_MODEL } from "../upstream-answers.js";
import { processTree } from "../usage-of.js";
import { freePort, until } from "../waiting.js";
import { CHAT_PATH, type Variant } from "./variant.js";

const repository = join(import.meta.dir, "..", "..");
const launcher = join(repository, "bin/turnpike.mjs");
const readyMsMax = 20_000;
const commandMsMax = 20_000;
const settleMsMax = 15_000;

const modelId = "bench/road-1";
const payer = "bench";
/** USD per million tokens; in whole nano-USD per token so that the expected cost is exact. */
const price = { input: { usd: "0.15", nanoUsd: 150 }, output: { usd: "0.60", nanoUsd: 600 } };
const expectedCostNanoUsd = String(
  PLAIN_USAGE.prompt_tokens * price.input.nanoUsd +
    PLAIN_USAGE.completion_tokens * price.output.nanoUsd,
);

/** The whole product, nothing switched off: the checks below fail if a part of it did not run. */
export const turnpike: Variant = {
  name: "turnpike",
  whyNot: async () => (existsSync(launcher) ? undefined : "bin/turnpike.mjs does not exist yet"),
  start: async ({ upstreamPort, pins, folder }) => {
    const port = await freePort();
    const env = {
      TURNPIKE_DATA: join(folder, "data"),
      TURNPIKE_CONFIG: join(folder, "turnpike.yaml"),
      TURNPIKE_OWNER_TOKEN: newAccessToken(),
      BENCH_KEY: "bench-upstream-key",
    };
    await writeFile(env.TURNPIKE_CONFIG, config(upstreamPort));
    const child = start({
      name: "turnpike",
      argv: ["node", launcher, "serve", "--port", String(port)],
      core: pins.proxy,
      cwd: folder,
      env,
    });
    await until("turnpike did not start", readyMsMax, async () => {
      if (!child.isRunning()) throw new Error(child.lastWords());
      return (await fetch(`http://127.0.0.1:${port}/healthz`)).ok;
    });
    const command = cli(folder, env);
    const target = { port, path: CHAT_PATH, headers: await authorize(command), model: modelId };
    await checkFeatures(target);
    // The launcher only waits for the Bun process it started, and is left out where there is one.
    const tree = processTree(child.pid);
    return {
      target,
      child,
      pids: tree.length > 1 ? tree.slice(1) : tree,
      check: (answers) => checkBooks(command, answers),
    };
  },
};

const config = (upstreamPort: number) => `
providers:
  bench:
    type: openai-compatible
    base_url: http://127.0.0.1:${upstreamPort}/v1
    api_key: \${BENCH_KEY}
models:
  - id: ${modelId}
    task: conversational
    providers:
      - provider: bench
        provider_model: ${UPSTREAM_MODEL}
        status: live
        context_length: 131072
        price: { input: "${price.input.usd}", output: "${price.output.usd}" }
`;

type Cli = (...args: readonly string[]) => Promise<Readonly<Record<string, unknown>>>;

const cli =
  (cwd: string, env: Readonly<Record<string, string>>): Cli =>
  async (...args) => {
    const argv = ["node", launcher, ...args, "--json"];
    const name = `turnpike ${args.join(" ")}`;
    return JSON.parse(
      await run({ name, argv, core: undefined, cwd, env, timeoutMs: commandMsMax }),
    );
  };

async function authorize(command: Cli): Promise<Readonly<Record<string, string>>> {
  const { token } = await command("user", "add", payer, "--plan", "free");
  if (typeof token !== "string") throw new Error("turnpike user add printed no token");
  await command("credit", "grant", "--user", payer, "--amount", "100000", "--kind", "promotional");
  return { Authorization: `Bearer ${token}` };
}

/** Auth refuses a stranger; an answer carries its exact cost; a stream ends in its own account of itself. */
async function checkFeatures(target: Target): Promise<void> {
  const url = `http://127.0.0.1:${target.port}${target.path}`;
  const ask = (body: string, headers: Readonly<Record<string, string>>) =>
    fetch(url, {
      method: "POST",
      body,
      headers: { ...headers, "Content-Type": "application/json" },
    });
  const body = requestBody(target, false);
  const stranger = await ask(body, { Authorization: "Bearer not-a-token" });
  if (stranger.status !== 401) throw new Error(`a stranger got ${stranger.status}, expected 401`);
  await until("turnpike did not serve the new payer", settleMsMax, async () => {
    const answer = await ask(body, target.headers);
    if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
    const cost = answer.headers.get("X-Turnpike-Cost-Nano-Usd");
    if (cost === expectedCostNanoUsd) return true;
    throw new Error(`X-Turnpike-Cost-Nano-Usd is ${cost}, expected ${expectedCostNanoUsd}`);
  });
  const stream = JSON.stringify({ ...JSON.parse(requestBody(target, true)), max_tokens: 3 });
  const text = await (await ask(stream, target.headers)).text();
  if (!/^: turnpike \{/m.test(text)) throw new Error(`no ": turnpike {…}" in a stream: ${text}`);
}

/** Every answer was billed, and the ledger balances. */
async function checkBooks(command: Cli, answers: number): Promise<string> {
  let billed = 0;
  const untilMs = Date.now() + settleMsMax;
  while (billed < answers && Date.now() < untilMs) {
    billed = requestsIn(await command("usage", "--user", payer));
    if (billed < answers) await Bun.sleep(250);
  }
  if (billed < answers) throw new Error(`only ${billed} of ${answers} answers were billed`);
  const audit = await command("audit");
  if (audit.balanced !== true) throw new Error(`audit: ${JSON.stringify(audit)}`);
  return `all ${answers} answers billed, audit balanced over ${String(audit.transfers)} transfers`;
}

function requestsIn(usage: Readonly<Record<string, unknown>>): number {
  if (!Array.isArray(usage.rows)) throw new Error("turnpike usage printed no rows");
  return usage.rows.reduce((sum: number, row: unknown) => sum + requestsOf(row), 0);
}

const requestsOf = (row: unknown): number =>
  typeof row === "object" && row !== null && "requests" in row ? Number(row.requests) : 0;
