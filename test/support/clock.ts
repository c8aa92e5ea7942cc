import { type Clock, systemClock } from "../../src/kernel/clock.js";

/** A clock that moves only when told; sleepers wake as it passes them. */
export function manualClock(start = Date.UTC(2026, 0, 15, 12)) {
  let now = start;
  const sleepers = new Set<{ until: number; wake: () => void }>();
  const clock: Clock = {
    now: () => now,
    elapsed: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        // As the real clock does it: what stops between two rounds must not wait for the pause between them.
        if (signal?.aborted) return resolve();
        const sleeper = { until: now + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", () => {
          sleepers.delete(sleeper);
          resolve();
        });
      }),
  };
  const advance = (ms: number): void => {
    now += ms;
    for (const sleeper of sleepers) {
      if (sleeper.until > now) continue;
      sleepers.delete(sleeper);
      sleeper.wake();
    }
  };
  return { clock, advance, setTime: (at: number) => advance(at - now) };
}

/** A clock that runs by itself, from a time of a test's choice, and can be moved on. */
export function runningClock(start = Date.UTC(2026, 0, 15, 12)) {
  let offset = start - Date.now();
  const clock: Clock = { ...systemClock, now: () => Date.now() + offset };
  const advance = (ms: number): void => {
    offset += ms;
  };
  return { clock, advance };
}
