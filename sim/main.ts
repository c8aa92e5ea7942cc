import { parseArgs } from "node:util";
import { readConfig, type SimConfig } from "./config.js";
import { providerById, providers } from "./providers/index.js";
import { readyConfig } from "./ready-config.js";
import { type Sim, type StartOptions, startSim } from "./server.js";
import { makeState } from "./state.js";

const USAGE = `Stands in for every inference provider on loopback.

  --port N         where to listen (9900)
  --seed N         what all chance comes from (1)
  --config FILE    dials and prices, YAML or JSON
  --print-config   print a turnpike.yaml for this simulator and exit
`;

type Arguments = {
  readonly port: number;
  readonly seed: number;
  readonly config: SimConfig;
  readonly printConfig: boolean;
};

async function readArguments(args: readonly string[]): Promise<Arguments | undefined> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string", default: "9900" },
      seed: { type: "string" },
      config: { type: "string" },
      "print-config": { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const isProvider = (id: string) => id === "*" || providerById(id) !== undefined;
  const text = values.config === undefined ? "" : await Bun.file(values.config).text();
  const config = readConfig(text, isProvider);
  const seed = values.seed === undefined ? (config.seed ?? 1) : Number(values.seed);
  const port = Number(values.port);
  if (!Number.isInteger(seed)) throw new Error("--seed must be a whole number");
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error("--port must be a port");
  return { port, seed, config, printConfig: values["print-config"] };
}

/** `turnpike sim`. Returns the exit code, or undefined while it serves. */
async function main(args: readonly string[]): Promise<number | undefined> {
  let read: Arguments | undefined;
  try {
    read = await readArguments(args);
  } catch (cause) {
    complain(cause);
    return 2;
  }
  if (!read) {
    console.log(USAGE);
    return 0;
  }
  const { port, seed, config, printConfig } = read;
  if (printConfig) {
    const state = makeState({ seed, dials: {}, prices: config.prices });
    process.stdout.write(readyConfig(providers, `http://127.0.0.1:${port}`, state));
    return 0;
  }
  const sim = start({ port, seed, providerDials: config.dials, prices: config.prices });
  if (!sim) return 1;
  console.log(`Simulating ${providers.length} providers at ${sim.origin}/{provider}`);
  console.log(`Delivery log: ${sim.origin}/_sim/log   Dials: ${sim.origin}/_sim/dials`);
  const stop = () => void sim.stop().then(() => process.exit(0));
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  return undefined;
}

/** Undefined where the port is taken. */
function start(options: StartOptions): Sim | undefined {
  try {
    return startSim(options);
  } catch (cause) {
    complain(cause);
    return undefined;
  }
}

const complain = (cause: unknown): void =>
  console.error(cause instanceof Error ? cause.message : cause);

if (import.meta.main) {
  const code = await main(process.argv.slice(2));
  if (code !== undefined) process.exit(code);
}
