/** A server must not outlive whoever started it: killed with `kill -9`, they cannot tell it to stop. */
import { createReadStream } from "node:fs";

const LOOK_EVERY_MS = 250;
const KILLED = 137;

/** Ends this process, as abruptly as the other one ended, once the launcher or the parent of workers is gone. */
export function followParent(env: Readonly<Record<string, string | undefined>>): void {
  const pipe = Number(env.TURNPIKE_LAUNCHER_PIPE);
  const parent = Number(env.TURNPIKE_PARENT);
  if (parent > 0) {
    setInterval(() => {
      if (process.ppid !== parent) process.exit(KILLED);
    }, LOOK_EVERY_MS).unref();
  } else if (pipe > 0) {
    const stream = createReadStream("", { fd: pipe });
    stream.on("end", () => process.exit(KILLED));
    stream.on("error", () => process.exit(KILLED));
    stream.resume();
  }
}
