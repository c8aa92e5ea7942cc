/** Turnpike as an operator runs it, in processes that can be killed, with the simulator behind it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogEntry } from "../../sim/log.js";
import { type Sim, startSim } from "../../sim/server.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { openStore } from "../../src/store/open.js";
import { afterwards } from "../support/afterwards.js";
import { freePort } from "../support/ports.js";

const ROOT = join(import.meta.dir, "..", "..");
const LAUNCHER = join(ROOT, "bin", "turnpike.mjs");
const READY_WITHIN_MS = 60_000;
export const OWNER_TOKEN = "the-owner-of-this-test";
/** A dollar for a thousand tokens out, nothing for tokens in: what a request holds is what it costs. */
const PRICE = { input: "0", output: "1000" };
export const TOKEN_COST = 1_000_000n;

export type Site = {
  readonly sim: Sim;
  /** The configuration of all its servers. */
  readonly yaml: string;
  /** Starts a server; with `data` on an existing folder. */
  readonly node: (options?: NodeOptions) => Promise<Node>;
  /** A command of the CLI beside the servers; what it printed, as JSON. */
  readonly cli: (node: Node, ...args: readonly string[]) => Promise<Record<string, unknown>>;
  readonly freshFolder: () => string;
  /** Ends whatever still runs. */
  readonly end: () => Promise<void>;
};

export type NodeOptions = {
  readonly data?: string;
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Whose word it is that it is there: its own, where that is the subject. */
  readonly readyBy?: "probe" | "announcement";
};

export type Node = {
  readonly origin: string;
  readonly port: number;
  readonly data: string;
  readonly env: Readonly<Record<string, string>>;
  readonly launcher: ChildProcess;
  /** Everything it printed so far. */
  readonly printed: () => string;
  /** `kill -9` to all of its processes at once. */
  readonly kill: () => Promise<void>;
  /** Halts all of its processes where they are, until `thaw`. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** Asks it to stop; its exit code. */
  readonly stop: () => Promise<number | null>;
};

/** `more` is what the provider's entry in the configuration says beside its address; `limits` as in the file. */
export function startSite(
  more: (sim: Sim) => object = () => ({}),
  limits: Readonly<Record<string, number>> = {},
): Site {
  const sim = startSim({ prices: { together: { "org-model": PRICE } } });
  const root = mkdtempSync(join(tmpdir(), "turnpike-crash-"));
  const config = join(root, "turnpike.yaml");
  const nodes: Node[] = [];
  let folders = 0;
  const freshFolder = () => join(root, `data-${++folders}`);
  const yaml = configFor(sim, more(sim), limits);
  const written = Bun.write(config, yaml);
  return {
    sim,
    yaml,
    freshFolder,
    node: async (options = {}) => {
      await written;
      const node = startNode({ ...options, data: options.data ?? freshFolder() }, config);
      nodes.push(node);
      await until(
        `${node.origin} is ready`,
        () =>
          node.launcher.exitCode !== null ||
          (options.readyBy === "announcement" ? isAnnounced(node) : isReady(node)),
        READY_WITHIN_MS,
        node.printed,
      );
      if (node.launcher.exitCode !== null) throw new Error(`it ended: ${node.printed()}`);
      return node;
    },
    cli: async (node, ...args) => JSON.parse(await runCli(node, [...args, "--json"])),
    end: async () => {
      await Promise.all(nodes.map((node) => node.kill()));
      await sim.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

const configFor = (sim: Sim, more: object, limits: Readonly<Record<string, number>>): string =>
  JSON.stringify({
    allow_literal_keys: true,
    limits,
    providers: { together: { base_url: sim.url("together"), api_key: "sim-key", ...more } },
    plans: { none: {} },
    models: [
      {
        id: "org/model",
        task: "conversational",
        providers: [{ provider: "together", provider_model: "org-model", price: PRICE }],
      },
    ],
  });

function startNode(options: NodeOptions & { readonly data: string }, config: string): Node {
  const port = options.port ?? freePort();
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: process.env.HOME ?? "",
    TURNPIKE_DATA: options.data,
    TURNPIKE_PORT: String(port),
    TURNPIKE_OWNER_TOKEN: OWNER_TOKEN,
    TURNPIKE_CONFIG: config,
    ...options.env,
  };
  // A process group of its own, so that one signal reaches the launcher, the server and its workers.
  const launcher = spawn("node", [LAUNCHER, "serve"], {
    env,
    cwd: options.data.replace(/[^/]+$/, ""),
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const group = launcher.pid ?? 0;
  if (group === 0) throw new Error("node did not start");
  const callOff = afterwards('kill -9 "-$1"', String(group));
  let printed = "";
  launcher.stdout.on("data", (text) => {
    printed += String(text);
  });
  launcher.stderr.on("data", (text) => {
    printed += String(text);
  });
  const exited = new Promise<number | null>((resolve) => launcher.on("exit", resolve));
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    data: options.data,
    env,
    launcher,
    printed: () => printed,
    freeze: () => void process.kill(-group, "SIGSTOP"),
    thaw: () => void process.kill(-group, "SIGCONT"),
    kill: async () => {
      try {
        process.kill(-group, "SIGKILL");
      } catch {
        // It is gone already.
      }
      await exited;
      callOff();
    },
    stop: async () => {
      launcher.kill("SIGTERM");
      const code = await exited;
      callOff();
      return code;
    },
  };
}

const isAnnounced = (node: Node): boolean => node.printed().includes("Turnpike is ready");

const isReady = (node: Node): Promise<boolean> =>
  fetch(`${node.origin}/readyz`).then(
    (response) => response.ok,
    () => false,
  );

export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs: number,
  context: () => string = () => "",
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end)
      throw new Error(`not within ${withinMs} ms: ${what}\n${context()}`);
    await Bun.sleep(20);
  }
}

async function runCli(node: Node, args: readonly string[]): Promise<string> {
  const main = join(ROOT, "src", "cli", "main.ts");
  const child = Bun.spawn([process.execPath, main, ...args], {
    env: { ...node.env },
    cwd: ROOT,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, complaints] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (out === "") throw new Error(`turnpike ${args.join(" ")}: ${complaints}`);
  return out;
}

async function asOwner(node: Node, path: string, body: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`${node.origin}/api/turnpike/${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${OWNER_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}

/** A user with nothing but this much credit, in dollars; the token. */
export async function addPayer(node: Node, name: string, dollars: string): Promise<string> {
  const { token } = await addPenniless(node, name);
  await asOwner(node, "admin/credits", { user: name, amount: dollars, kind: "purchased" });
  return token;
}

/** A user without any credit. */
export async function addPenniless(
  node: Node,
  name: string,
): Promise<{ readonly id: string; readonly token: string }> {
  const { user, token } = await asOwner(node, "admin/users", { name, plan: "none" });
  return { id: (user as { id: string }).id, token: String(token) };
}

/** An organization with nothing but this much credit, and its members; their tokens. */
export async function addOrganization(
  node: Node,
  name: string,
  dollars: string,
  members: readonly string[],
): Promise<string[]> {
  await asOwner(node, "orgs", { name, plan: "none", seats: members.length + 1 });
  await asOwner(node, "admin/credits", { org: name, amount: dollars, kind: "purchased" });
  const tokens: string[] = [];
  for (const user of members) {
    const { token } = await asOwner(node, "admin/users", { name: user, plan: "none" });
    await asOwner(node, `orgs/${name}/members`, { user });
    tokens.push(String(token));
  }
  return tokens;
}

export type Ask = {
  readonly tokens: number;
  readonly isStream?: boolean;
  /** The organization that pays. */
  readonly billTo?: string;
};

/** One request, read to its end; `isComplete` when the caller saw all of it. Never throws. */
export type Seen = {
  readonly status: number | undefined;
  readonly id: string | undefined;
  readonly isComplete: boolean;
  readonly cost: bigint | undefined;
  readonly text: string;
};

export async function ask(node: Node, token: string, asked: Ask): Promise<Seen> {
  const { tokens, isStream, billTo } = asked;
  let status: number | undefined;
  let id: string | undefined;
  try {
    const response = await fetch(`${node.origin}/v1/chat/completions`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        ...(billTo !== undefined && { "x-hf-bill-to": billTo }),
      },
      body: JSON.stringify({
        model: "org/model",
        messages: [{ role: "user", content: `[[tokens=${tokens}]]` }],
        max_tokens: tokens,
        stream: isStream === true,
      }),
    });
    status = response.status;
    id = response.headers.get("inference-id") ?? undefined;
    const text = await response.text();
    const isComplete = status === 200 && (!isStream || text.endsWith("data: [DONE]\n\n"));
    const header = response.headers.get("x-turnpike-cost-nano-usd");
    const comment = /^: turnpike .*"cost_nano_usd":"(\d+)"/m.exec(text)?.[1];
    const cost = isStream ? comment : header;
    return { status, id, isComplete, cost: isComplete && cost ? BigInt(cost) : undefined, text };
  } catch (thrown) {
    return { status, id, isComplete: false, cost: undefined, text: String(thrown) };
  }
}

/** Everything the books say, read beside whatever runs. */
export async function readBooks(place: string) {
  const database = await openStore(place);
  try {
    const { db } = database;
    return {
      requests: await db.selectFrom("requests").selectAll().execute(),
      transfers: await db.selectFrom("transfers").selectAll().execute(),
      accounts: await db.selectFrom("accounts").selectAll().execute(),
      leases: await db.selectFrom("leases").selectAll().execute(),
      audit: await ledgerStore(database).audit(),
    };
  } finally {
    await database.close();
  }
}

export const sqliteOf = (node: Node): string => join(node.data, "turnpike.sqlite");

/** Granted, spent and leased, over all grants. */
export function sums({ accounts }: Pick<Awaited<ReturnType<typeof readBooks>>, "accounts">) {
  const grants = accounts.filter(({ kind }) => kind === "grant");
  const sum = (pick: (grant: (typeof grants)[number]) => bigint): bigint =>
    grants.reduce((total, grant) => total + pick(grant), 0n);
  return {
    granted: sum((g) => g.granted),
    left: sum((g) => g.balance),
    leased: sum((g) => g.leased),
  };
}

/** What the simulator delivered whole, by our request id. */
export const deliveries = (sim: Sim): ReadonlyMap<string, LogEntry> =>
  new Map(
    sim
      .log()
      .filter(({ outcome }) => outcome === "complete")
      .map((entry) => [entry.clientRequestId ?? "", entry]),
  );

/** Folders of processes whose leases are still out, or that run. */
export const spoolFolders = (node: Node): string[] =>
  readdirSync(join(node.data, "spool"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
