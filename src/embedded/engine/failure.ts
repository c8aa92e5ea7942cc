import { reasonOf, stderrLog } from "../../kernel/log.js";

/** For the operator: what failed and where, in the form of all our lines. */
export function logFailure(thrown: unknown): void {
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  stderrLog("error", "engine_failed", { reason: reasonOf(thrown), stack });
}
