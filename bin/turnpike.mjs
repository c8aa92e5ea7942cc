#!/usr/bin/env node
// Finds Bun and runs Turnpike with it, so that Node and npm are all anyone needs to have.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { install } from "./install.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const isWindows = process.platform === "win32";
const LAUNCHER_PIPE = 3;
/**
 * For how long Bun's allocator keeps memory that nobody uses before the system has it back. Its own choice, a second, has a
 * busy server give back what it needs again a moment later: half of all page faults, and two thirds of a thread's work.
 */
const KEEP_MEMORY_MS = 10_000;
/**
 * How much garbage may gather before it is collected, as a part of what is alive (the engine's own choice is twice as much),
 * and the size up to which it may in any case. A thousand open streams take a sixth less memory.
 */
const HEAP_GROWTH = 0.7;
const HEAP_AT_LEAST_BYTES = 16 * 1024 * 1024;
/**
 * All of the heap is gone through when less than this part of it is left for what is new; before that, only what is new.
 * The engine's own choice of a third would do so every third time: a tenth of all work, and more memory, not less.
 */
const NEW_PART_MIN = 0.12;

// In a fresh clone, and after a pull that changed the dependencies.
if (existsSync(join(root, "package-lock.json"))) await install(root, isInstalled);
run(process.argv.slice(2));

/** npm keeps a copy of what it installed; an entry of ours that is missing there is missing here. */
function isInstalled() {
  const record = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return existsSync(join(root, "..", "..", "node_modules", "kysely"));
  const have = JSON.parse(readFileSync(record, "utf8")).packages;
  const { dependencies = {} } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return Object.keys(dependencies).every((name) => have[`node_modules/${name}`]);
}

/** npm may refuse install scripts, and then `bun` is a stub; the package for this platform holds the binary too. */
function findBun() {
  const suffixes = ["", "-baseline", "-musl", "-musl-baseline"];
  const platform = isWindows ? "windows" : process.platform;
  const arch = process.arch === "arm64" ? "aarch64" : process.arch;
  const exe = isWindows ? "bun.exe" : "bun";
  const modules = [join(root, "node_modules"), join(root, "..")];
  const candidates = modules.flatMap((folder) => [
    join(folder, "bun", "bin", "bun.exe"),
    ...suffixes.map((suffix) =>
      join(folder, "@oven", `bun-${platform}-${arch}${suffix}`, "bin", exe),
    ),
  ]);
  const works = (path) => spawnSync(path, ["--version"], { stdio: "ignore" }).status === 0;
  const found = [...candidates.filter(existsSync), "bun"].find(works);
  if (found) return found;
  process.stderr.write(
    "Bun was not found. Run `npm install` in the Turnpike folder, or install Bun from https://bun.sh.\n",
  );
  process.exit(1);
}

function run(args) {
  const { command, rest } = commandFor(args);
  const child = spawn(findBun(), [...command, ...rest], {
    stdio: ["inherit", "inherit", "inherit", "pipe"],
    env: {
      MIMALLOC_PURGE_DELAY: String(KEEP_MEMORY_MS),
      BUN_JSC_heapGrowthMaxIncrease: String(HEAP_GROWTH),
      BUN_JSC_minEdenToOldGenerationRatio: String(NEW_PART_MIN),
      BUN_JSC_largeHeapSize: String(HEAP_AT_LEAST_BYTES),
      ...process.env,
      // When we are killed the pipe closes, and the server must not outlive us.
      TURNPIKE_LAUNCHER_PIPE: String(LAUNCHER_PIPE),
    },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}

/** `--bun …`, `--run FILE` and `--watch` are for the scripts of package.json. */
function commandFor([first, ...others]) {
  const main = join(root, "src", "cli", "main.ts");
  if (first === "--bun") return { command: others, rest: [] };
  if (first === "--run") return { command: [join(root, others[0] ?? "")], rest: others.slice(1) };
  if (first === "--watch") return { command: ["--watch", main, "serve"], rest: others };
  const isServe = first === undefined || first.startsWith("-");
  const isHelp = first === "--help" || first === "-h" || first === "--version";
  if (isServe && !isHelp)
    return { command: [main, "serve"], rest: first === undefined ? [] : [first, ...others] };
  return { command: [main], rest: [first, ...others] };
}
