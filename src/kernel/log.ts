/** Structured lines for the operator. Never a key, a prompt or a body: callers pass ids, codes and counts only. */
export type Log = (level: "info" | "warn" | "error", event: string, facts?: LogFacts) => void;

export type LogFacts = Readonly<Record<string, string | number | boolean | undefined>>;

export const stderrLog: Log = (level, event, facts) => {
  process.stderr.write(
    `${JSON.stringify({ at: new Date().toISOString(), level, event, ...facts })}\n`,
  );
};

/** For tests: nobody reads it. */
export const noLog: Log = () => {};

/** The message of whatever was thrown, with its causes, on one line. */
export function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? "" : ` (${reasonOf(thrown.cause)})`;
  return thrown.message.split("\n")[0] + cause;
}
