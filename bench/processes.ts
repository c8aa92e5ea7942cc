/** Child processes that never outlive the bench: started in their own group, watched, bounded, ended. */
import { type ChildProcess, spawn } from "node:child_process";

export type Command = {
  readonly name: string;
  readonly argv: readonly string[];
  /** The core to run on; undefined leaves it to the system. Children inherit it. */
  readonly core: number | undefined;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
};

export type Child = {
  readonly name: string;
  readonly pid: number;
  readonly firstLine: (timeoutMs: number) => Promise<string>;
  readonly isRunning: () => boolean;
  /** The end of what it printed, for error messages. */
  readonly lastWords: () => string;
  readonly stop: () => Promise<void>;
};

const outputCharsMax = 256 * 1024;
const stopGraceMs = 8_000;
const running = new Set<ChildProcess>();

const isEnvKept = (name: string): boolean => ["PATH", "HOME", "TMPDIR", "LANG"].includes(name);

/** Only what a program needs to run: a provider key in our environment must not change a variant. */
const bareEnv = Object.fromEntries(Object.entries(process.env).filter(([name]) => isEnvKept(name)));

function spawnOwned(command: Command): ChildProcess {
  const isPinned = command.core !== undefined;
  const [program = "", ...args] = isPinned
    ? ["taskset", "-c", String(command.core), ...command.argv]
    : command.argv;
  const child = spawn(program, args, {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...bareEnv, ...command.env },
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
  });
  running.add(child);
  return child;
}

export function start(command: Command): Child {
  return watch(command.name, spawnOwned(command));
}

function watch(name: string, child: ChildProcess): Child {
  let stdout = "";
  let all = "";
  let failure: string | undefined;
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    if (stdout.length < outputCharsMax) stdout += text;
    all = (all + text).slice(-2000);
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    all = (all + text).slice(-2000);
  });
  child.on("error", (error) => {
    failure = error.message;
  });
  const isRunning = () =>
    failure === undefined && child.exitCode === null && child.signalCode === null;
  const lastWords = () => (failure ?? all.trim()) || "it printed nothing";
  const firstLine = async (timeoutMs: number) => {
    const untilMs = Date.now() + timeoutMs;
    while (!stdout.includes("\n")) {
      if (!isRunning()) throw new Error(`${name} ended early: ${lastWords()}`);
      if (Date.now() > untilMs) throw new Error(`${name} said nothing for ${timeoutMs} ms`);
      await Bun.sleep(5);
    }
    return stdout.slice(0, stdout.indexOf("\n"));
  };
  return {
    name,
    pid: child.pid ?? -1,
    firstLine,
    isRunning,
    lastWords,
    stop: () => stop(child, isRunning),
  };
}

async function stop(child: ChildProcess, isRunning: () => boolean): Promise<void> {
  const untilMs = Date.now() + stopGraceMs;
  if (isRunning()) child.kill("SIGTERM");
  while (isRunning() && Date.now() < untilMs) await Bun.sleep(10);
  killGroup(child); // also what it left behind
  running.delete(child);
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** However the bench ends, nothing it started goes on running. */
export function endChildrenOnExit(): void {
  process.on("exit", () => {
    for (const child of running) killGroup(child);
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => process.exit(130));
  }
}

/** Runs to the end and answers what it printed; throws when it fails or takes too long. */
export async function run(command: Command & { readonly timeoutMs: number }): Promise<string> {
  const child = spawnOwned(command);
  let output = "";
  let errors = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-2000);
  });
  const timer = setTimeout(() => killGroup(child), command.timeoutMs);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  }).finally(() => {
    clearTimeout(timer);
    running.delete(child);
  });
  if (code === 0) return output;
  throw new Error(`${command.name} failed (${code ?? "killed"}): ${(errors || output).trim()}`);
}
