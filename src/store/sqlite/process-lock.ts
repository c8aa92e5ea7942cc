import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Claims a folder for this process, or tells that another one has it. SQLite's file lock does it, because the
 * operating system drops it whichever way a process ends. Returns how to let go.
 */
export function tryLock(folder: string): (() => void) | undefined {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = new Database(join(folder, "lock"), { create: true });
  try {
    file.run("pragma locking_mode = exclusive");
    file.run("begin exclusive");
    return () => file.close();
  } catch {
    file.close();
    return undefined;
  }
}
