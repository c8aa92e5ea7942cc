// Runs npm when something is missing. The README opens two terminals at once in a fresh clone; two npm in one folder
// would each take away what the other has just put there.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const LOOK_EVERY_MS = 200;
/** Whoever claims to install for longer is gone, and its process id belongs to somebody else by now. */
const INSTALL_MS_MAX = 10 * 60_000;

/** Returns once `isInstalled` says so; waits for another process that is at it. Ends this one when npm fails. */
export async function install(root, isInstalled) {
  if (isInstalled()) return;
  const lock = join(root, "node_modules", ".turnpike-installs");
  mkdirSync(dirname(lock), { recursive: true });
  if (!take(lock)) {
    process.stderr.write("Waiting for another program that installs what Turnpike needs…\n");
    do {
      await sleep(LOOK_EVERY_MS);
    } while (!take(lock));
  }
  const isGood = isInstalled() || runNpm(root);
  rmSync(lock, { force: true });
  if (isGood) return;
  process.stderr.write("npm install failed. Run it by hand to see why: npm install\n");
  process.exit(1);
}

function runNpm(root) {
  process.stderr.write("Installing what Turnpike needs (once)…\n");
  const npm = spawnSync("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  return npm.status === 0;
}

/** A lock whose owner is gone is only removed here, and taken by whoever looks next: two may find it at once. */
function take(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  if (!isHeld(lock)) rmSync(lock, { force: true });
  return false;
}

function isHeld(lock) {
  try {
    if (Date.now() - statSync(lock).mtimeMs > INSTALL_MS_MAX) return false;
    const pid = Number(readFileSync(lock, "utf8"));
    // Not written yet.
    if (pid > 0) process.kill(pid, 0);
    return true;
  } catch (error) {
    // Given back just now, or somebody else's process.
    return error.code !== "ESRCH";
  }
}
