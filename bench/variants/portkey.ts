import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run, start } from "../processes.js";
import { UPSTREAM_MODEL } from "../upstream-answers.js";
import { processTree } from "../usage-of.js";
import { freePort, until } from "../waiting.js";
import { CHAT_PATH, type Variant } from "./variant.js";

const PORTKEY_VERSION = "1.15.2";
const depsFolder = join(import.meta.dir, "..", ".deps");
const program = join(depsFolder, "node_modules/@portkey-ai/gateway/build/start-server.js");
const installMsMax = 180_000;
const readyMsMax = 20_000;

/** `@portkey-ai/gateway` as its package runs it, on Node, sent to the upstream by its custom host header. */
export const portkey: Variant = {
  name: "portkey",
  whyNot: async () => {
    if (Bun.which("node") === null) return "node is not installed";
    try {
      if (!(await isInstalled())) await install();
      return undefined;
    } catch (error) {
      return `@portkey-ai/gateway could not be installed. ${error instanceof Error ? error.message : error}`;
    }
  },
  start: async ({ upstreamPort, pins, folder }) => {
    const port = await freePort();
    const child = start({
      name: "portkey",
      argv: ["node", program, `--port=${port}`, "--headless"],
      core: pins.proxy,
      cwd: folder,
      // Loopback is trusted by default; said again in case that default is ever tightened.
      env: { NODE_ENV: "production", TRUSTED_CUSTOM_HOSTS: "127.0.0.1,localhost" },
    });
    await until("portkey did not start", readyMsMax, async () => {
      if (!child.isRunning()) throw new Error(child.lastWords());
      return (await fetch(`http://127.0.0.1:${port}/`)).ok;
    });
    return {
      target: {
        port,
        path: CHAT_PATH,
        headers: {
          Authorization: "Bearer bench-upstream-key",
          "x-portkey-provider": "openai",
          "x-portkey-custom-host": `http://127.0.0.1:${upstreamPort}/v1`,
        },
        model: UPSTREAM_MODEL,
      },
      child,
      pids: processTree(child.pid),
      check: async () => undefined,
    };
  },
};

/**
 * With @hono/node-server above 1.14.1, which its package allows, every streamed answer of Portkey is a 500
 * "TypeError: immutable" (its issue 1389; seen here with 1.14.2 on Node 20), so the last version that works with it is installed.
 */
const manifest = {
  private: true,
  dependencies: { "@portkey-ai/gateway": PORTKEY_VERSION, "@hono/node-server": "1.14.1" },
  overrides: { "@hono/node-server": "1.14.1" },
};

const manifestText = `${JSON.stringify(manifest, null, 2)}\n`;
const manifestPath = join(depsFolder, "package.json");

/** An install of other versions is not this one. */
const isInstalled = async (): Promise<boolean> =>
  existsSync(program) && (await readFile(manifestPath, "utf8")) === manifestText;

async function install(): Promise<void> {
  console.error(`installing @portkey-ai/gateway ${PORTKEY_VERSION} into bench/.deps …`);
  await mkdir(depsFolder, { recursive: true });
  await writeFile(manifestPath, manifestText);
  await run({
    name: "npm install",
    argv: ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"],
    core: undefined,
    cwd: depsFolder,
    env: process.env, // npm is configured by it
    timeoutMs: installMsMax,
  });
}
