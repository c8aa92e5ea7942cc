import type { Clock } from "../kernel/clock.js";
import { type Log, reasonOf } from "../kernel/log.js";

const LONGEST_PAUSE_MS = 2_000;

export type Repeated = {
  /** Ends the repetition, after the round under way. */
  readonly stop: () => Promise<void>;
};

/**
 * Does `work` again and again, `everyMs` after it last ended. While it fails the pauses grow up to 2 s (or
 * `everyMs`, where that is longer), and only the first of a row of failures is logged.
 */
export function repeat(
  name: string,
  work: () => Promise<void>,
  everyMs: number,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Repeated {
  const stopping = new AbortController();
  let failures = 0;
  const round = async (): Promise<void> => {
    try {
      await work();
      if (failures > 0) log("info", "job_recovered", { job: name, failures });
      failures = 0;
    } catch (thrown) {
      if (failures++ === 0) log("warn", "job_failed", { job: name, reason: reasonOf(thrown) });
    }
  };
  const running = (async () => {
    while (!stopping.signal.aborted) {
      const pauseMs = Math.max(everyMs, Math.min(everyMs * 2 ** failures, LONGEST_PAUSE_MS));
      await clock.sleep(pauseMs, stopping.signal);
      if (!stopping.signal.aborted) await round();
    }
  })();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
