import { Database } from "bun:sqlite";

/**
 * Claims a folder for this process, or tells that another one has it. SQLite's file lock does it, because the
 * operating system drops it whichever way a process ends. The file stands beside the folder, so that a folder can
 * be claimed before it is there: at no moment does it look as if nobody had it. Returns how to let go.
 */
export function tryLock(folder: string): (() => void) | undefined {
  const file = new Database(`${folder}.lock`, { create: true });
  try {
    file.run("pragma locking_mode = exclusive");
    file.run("begin exclusive");
    return () => file.close();
  } catch {
    file.close();
    return undefined;
  }
}
