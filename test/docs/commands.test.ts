/**
 * Runs the commands and snippets of the documents, in their order, in one folder, as a newcomer would. The word
 * after the language of a fence says what happens to it here: `run`, `serve` (left running), or `skip=why`.
 * Changed are only the ports, so that nothing else on this machine is in the way.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../support/app.js";
import { freePort } from "../support/ports.js";

const ROOT = join(import.meta.dir, "..", "..");
const DOCUMENTS = [
  "README.md",
  "docs/http.md",
  "docs/operating.md",
  "docs/routing.md",
  "docs/adding-a-provider.md",
  "docs/errors.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  // Last, since it starts a server with another owner.
  "docs/registering-a-provider.md",
];

const WHY_NOT: Readonly<Record<string, string>> = {
  clone: "the folder is there already, and installing it is what `npm test` did first",
  token: "the server makes a new token each time; this test takes the one it printed",
  "real-key": "it needs an account with a provider, and spends money",
  postgres: "it needs a Postgres server; the store's own tests run on one",
  stops: "it stops the server that the next commands need, or wants it stopped",
  heavy: "CI runs it as its own step",
  writes: "it writes into the repository",
};

type Block = {
  readonly document: string;
  readonly language: string;
  readonly mark: string;
  readonly text: string;
};

const LANGUAGES = ["sh", "js", "python"];

async function blocksOf(document: string): Promise<Block[]> {
  const text = await Bun.file(join(ROOT, document)).text();
  return [...text.matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms)]
    .map(([, language = "", mark = "", body = ""]) => ({ document, language, mark, text: body }))
    .filter(({ language }) => LANGUAGES.includes(language));
}

const blocks = (await Promise.all(DOCUMENTS.map(blocksOf))).flat();

test("every command in a document is run here, or it is said why not", () => {
  const unmarked = blocks.filter(({ mark }) => {
    const why = /^skip=(.+)$/.exec(mark)?.[1];
    return mark !== "run" && mark !== "serve" && (why === undefined || !(why in WHY_NOT));
  });
  expect(unmarked.map(({ document, text }) => `${document}: ${text}`)).toEqual([]);
});

const COMMAND_MS = 40_000;
const READY_MS = 20_000;
const PYTHON = join(ROOT, ".venv", "bin", "python");
const hasPython =
  existsSync(PYTHON) &&
  Bun.spawnSync([PYTHON, "-c", "import openai"], { stdio: ["ignore", "ignore", "ignore"] }).success;

const folder = tempFolder();
const servers: ChildProcess[] = [];
let ports: Readonly<Record<string, number>> = {};
let token = "";

beforeAll(async () => {
  // The repository's files under a folder of their own, so that data and configuration land beside them.
  for (const name of ["package.json", "package-lock.json", "node_modules", "bin", "src", "sim"]) {
    symlinkSync(join(ROOT, name), join(folder.path, name));
  }
  // Makes curl fail where the answer is an error, and keeps it from waiting for ever.
  writeFileSync(join(folder.path, ".curlrc"), "fail-with-body\nshow-error\nmax-time = 20\n");
  ports = { "7070": freePort(), "7071": freePort(), "9900": freePort() };
});

afterAll(async () => {
  await Promise.all(servers.map(stopGroup));
  folder.remove();
});

for (const [place, block] of blocks.entries()) {
  if (block.mark.startsWith("skip=")) continue;
  const [first = ""] = block.text.split("\n");
  const cannotRun = block.language === "python" && !hasPython;
  test.skipIf(cannotRun)(
    `${block.document}: ${first}`,
    () => (block.mark === "serve" ? serve(block) : runBlock(block, place)),
    COMMAND_MS + 5_000,
  );
}

async function runBlock(block: Block, place: number): Promise<void> {
  const { code, output } = await runToEnd(argvOf(block, place));
  if (code !== 0)
    throw new Error(`${block.document}: exit code ${code} of\n${block.text}\n${output}`);
  if (block.language !== "sh") expect(output.trim()).not.toBe("");
}

function argvOf(block: Block, place: number): readonly string[] {
  const text = withPorts(block.text);
  if (block.language === "sh") return ["bash", "-euo", "pipefail", "-c", text];
  const file = join(folder.path, `snippet-${place}.${block.language === "js" ? "mjs" : "py"}`);
  writeFileSync(file, text);
  return [block.language === "js" ? "node" : PYTHON, file];
}

const withPorts = (text: string): string =>
  text.replace(/\b(7070|7071|9900)\b/g, (port) => String(ports[port]));

function start(argv: readonly string[]): ChildProcess {
  const [program = "", ...args] = argv;
  return spawn(program, args, {
    cwd: folder.path,
    // A group of its own, so that all of it can be ended.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      HOME: folder.path,
      npm_config_cache: join(folder.path, ".npm"),
      npm_config_offline: "true",
      npm_config_update_notifier: "false",
      TURNPIKE_PORT: String(ports["7070"]),
      TURNPIKE_TOKEN: token,
    },
  });
}

function runToEnd(argv: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = start(argv);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => {
      output += String(chunk);
    });
  }
  const timer = setTimeout(() => endGroup(child, "SIGKILL"), COMMAND_MS);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
}

/** Starts a server and waits until it says that it is ready. */
async function serve({ text }: Block): Promise<void> {
  const child = start(["bash", "-c", withPorts(text)]);
  servers.push(child);
  const output = await new Promise<string>((resolve, reject) => {
    let seen = "";
    const fail = (why: string) => reject(new Error(`${why}: ${text}\n${seen}`));
    const timer = setTimeout(() => fail("not ready in time"), READY_MS);
    const read = (chunk: unknown): void => {
      seen += String(chunk);
      if (!/Delivery log|hf_tp\w{34}\n/.test(seen)) return;
      clearTimeout(timer);
      resolve(seen);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.on("close", () => {
      clearTimeout(timer);
      fail("ended");
    });
  });
  token = /hf_tp\w{34}/.exec(output)?.[0] ?? token;
}

function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch (thrown) {
    // Nothing of the group is left, which is what we want.
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ESRCH")) throw thrown;
  }
}

async function stopGroup(child: ChildProcess): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.on("close", () => resolve());
  });
  endGroup(child, "SIGTERM");
  const timer = setTimeout(() => endGroup(child, "SIGKILL"), 5_000);
  await ended;
  clearTimeout(timer);
}
