/** Several processes on one port: one parent starts them, and starts anew any that dies. */
import { type Subprocess, spawn } from "bun";
import { stderrLog } from "../kernel/log.js";

const RESTART_PAUSE_MS = 500;
const INDEX = "TURNPIKE_WORKER_INDEX";

/** Which worker this process is; undefined for the parent, and for a server of one process. */
export const workerIndex = (): string | undefined => process.env[INDEX];

const LISTENING = "listening";

/** A worker's word to its parent that it takes requests. */
export function tellListening(): void {
  process.send?.(LISTENING);
}

/** Runs until it is told to stop. `onListen` is called once, when all of the first workers take requests. */
export async function superviseWorkers(count: number, onListen: () => void): Promise<never> {
  const workers = new Map<number, Subprocess>();
  const listening = new Set<number>();
  let isStopping = false;
  const heard = (index: number): void => {
    if (listening.has(index)) return;
    if (listening.add(index).size === count) onListen();
  };
  const keep = async (index: number): Promise<void> => {
    while (!isStopping) {
      const worker = start(index, () => heard(index));
      workers.set(index, worker);
      const code = await worker.exited;
      if (isStopping) return;
      stderrLog("error", "worker_died", { worker: index, code });
      await Bun.sleep(RESTART_PAUSE_MS);
    }
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      isStopping = true;
      for (const worker of workers.values()) worker.kill(signal);
    });
  }
  await Promise.all(Array.from({ length: count }, (_, index) => keep(index)));
  // The pipe to the launcher is still open, and would keep this process waiting for nobody.
  process.exit(0);
}

const start = (index: number, onListen: () => void): Subprocess =>
  spawn([process.execPath, ...process.argv.slice(1)], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, [INDEX]: String(index), TURNPIKE_PARENT: String(process.pid) },
    ipc: (message) => {
      if (message === LISTENING) onListen();
    },
  });
