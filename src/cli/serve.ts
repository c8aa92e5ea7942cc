import { type App, startApp } from "../app.js";
import { type Config, loadConfig } from "../config/config.js";
import { listen, type Server } from "../http/server/server.js";
import { systemClock } from "../kernel/clock.js";
import { RouterError } from "../kernel/errors.js";
import { WORKERS_MAX } from "../kernel/limits.js";
import { stderrLog } from "../kernel/log.js";
import { hashToken } from "../tenants/access-token.js";
import { issueToken, registerUser } from "../tenants/register.js";
import type { TenantStore } from "../tenants/store.js";
import { SCOPES, type User } from "../tenants/user.js";
import { type CommonOptions, command } from "./command.js";
import { followParent } from "./lifeline.js";
import { masterKeyOf, prepareDataFolder, withLocal } from "./local.js";
import { UserError } from "./output.js";
import { readWhole } from "./read.js";
import { superviseWorkers, tellListening, workerIndex } from "./workers.js";

type Options = CommonOptions & {
  readonly host?: string;
  readonly port?: string;
  readonly workers?: string;
};

const OWNER = "owner";
const OWNER_PLAN = "pro";

export const serve = command("serve", "serve the API (the default)")
  .option("--host <address>", "where to listen (default 127.0.0.1)")
  .option("--port <number>", "(default 7070)")
  .option("--workers <number>", "processes that share the port (default 1)")
  .action(async (options: Options) => {
    followParent(process.env);
    const flags = {
      ...options,
      port: wholeIfSaid("--port", options.port, [0, 65_535]),
      workers: wholeIfSaid("--workers", options.workers, [1, WORKERS_MAX]),
    };
    const config = loadConfig(flags, process.env);
    prepareDataFolder(config);
    if (workerIndex() !== undefined) {
      return serveHere(config, { sharesPort: true, onListen: tellListening });
    }
    const token = await firstRun(flags, config);
    for (const warning of config.warnings) process.stderr.write(`warning: ${warning}\n`);
    if (config.workers > 1) {
      const origin = `http://${config.host}:${config.port}`;
      return superviseWorkers(config.workers, () => announce(config, origin, token));
    }
    await serveHere(config, {
      sharesPort: false,
      onListen: (origin) => announce(config, origin, token),
    });
  });

const wholeIfSaid = (
  flag: string,
  text: string | undefined,
  bounds: [number, number],
): number | undefined => (text === undefined ? undefined : readWhole(flag, text, bounds));

/** Makes the secret and the owner, once; returns the owner's token the first time only. */
async function firstRun(flags: Options | object, config: Config): Promise<string | undefined> {
  masterKeyOf(config);
  return withLocal(flags, async ({ tenants }) => {
    const known = await tenants.findUserByName(OWNER);
    if (known) {
      await addPresetToken(tenants, known, config.ownerToken);
      return undefined;
    }
    const owner = { name: OWNER, plan: OWNER_PLAN, role: "owner" } as const;
    try {
      const { issued } = await registerUser(tenants, owner, Date.now(), config.ownerToken);
      return issued.secret;
    } catch (thrown) {
      // Another process of a first start was faster.
      if (thrown instanceof RouterError && thrown.code === "conflict") return undefined;
      throw thrown;
    }
  });
}

/** A token preset after the first start counts as well. */
async function addPresetToken(
  tenants: TenantStore,
  owner: User,
  preset: string | undefined,
): Promise<void> {
  if (preset === undefined || (await tenants.findTokenByHash(hashToken(preset)))) return;
  const wanted = { name: "TURNPIKE_OWNER_TOKEN", scopes: SCOPES };
  await tenants.addToken(issueToken(owner.id, wanted, Date.now(), preset).token);
}

async function serveHere(
  config: Config,
  options: { readonly sharesPort: boolean; readonly onListen?: (origin: string) => void },
): Promise<void> {
  const app = await startApp({
    config,
    masterKey: masterKeyOf(config),
    clock: systemClock,
    log: stderrLog,
  });
  const server = await listenOrStop(app, config, options.sharesPort);
  options.onListen?.(server.origin);
  let isStopping = false;
  const stop = async (): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    await server.stop();
    await app.stop();
    process.exit(0);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      stop().catch((thrown) => {
        stderrLog("error", "stop_failed", { reason: String(thrown) });
        process.exit(1);
      });
    });
  }
}

async function listenOrStop(app: App, config: Config, sharesPort: boolean): Promise<Server> {
  try {
    return listen(app.site, { ...config, sharesPort });
  } catch (thrown) {
    await app.stop();
    const isTaken = thrown instanceof Error && "code" in thrown && thrown.code === "EADDRINUSE";
    if (!isTaken) throw thrown;
    throw new UserError(
      `Port ${config.port} on ${config.host} is in use. Choose another one with --port, or stop what uses it.`,
    );
  }
}

function announce(config: Config, origin: string, token: string | undefined): void {
  const ready = [...config.providers.values()].filter(({ key }) => key !== undefined);
  const lines = [
    "",
    `  Turnpike is ready at ${origin}`,
    `  Dashboard            ${origin}/`,
    `  OpenAI base URL      ${origin}/v1`,
    ready.length > 0
      ? `  Providers with a key ${ready.map(({ provider }) => provider.id).join(", ")}`
      : "  No provider has a key yet: set one, like TOGETHER_API_KEY, or try `npx turnpike sim`. `npx turnpike model list` shows what runs here without.",
  ];
  if (token !== undefined) {
    lines.push("", `  Your token (owner), shown this once:`, `  ${token}`);
  }
  process.stdout.write(`${lines.join("\n")}\n\n`);
}
