/** Cleaning up that happens however the test process ends: `bun test` calls no exit handlers, and may be killed. */

/** Runs a line of shell, with `args` as $1, $2…, once this process is gone. Returns how to call it off. */
export function afterwards(line: string, ...args: readonly string[]): () => void {
  // The pipe closes when its only writer, this process, is gone.
  const waiter = Bun.spawn(
    ["sh", "-c", `trap '' INT TERM HUP; cat >/dev/null; ${line}`, "sh", ...args],
    {
      stdin: "pipe",
      stdout: "ignore",
      stderr: "ignore",
    },
  );
  waiter.unref();
  return () => waiter.kill("SIGKILL");
}
