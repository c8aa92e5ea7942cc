/** Time limits of one attempt: an abort signal with a timer that can be set anew for each phase. */
import type { Clock } from "../kernel/clock.js";

export type LimitName = "connect" | "first byte" | "answer" | "gap between chunks" | "total";

/** Thrown out of a fetch or a read whose time was up. */
export class TimeLimitError extends Error {
  readonly limit: LimitName;

  constructor(limit: LimitName, ms: number) {
    super(`the time limit "${limit}" of ${ms} ms was reached`);
    this.name = "TimeLimitError";
    this.limit = limit;
  }
}

export class Deadline {
  private readonly controller = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly endsAt: number;
  private readonly clock: Clock;
  private readonly totalMs: number;
  private readonly caller: AbortSignal;
  private readonly onCallerGone = () => this.controller.abort(this.caller.reason);

  /** `caller` aborts all of it; `endsAt`, by `clock.elapsed()`, is when the whole request must be over. */
  constructor(clock: Clock, caller: AbortSignal, endsAt: number, totalMs: number) {
    this.clock = clock;
    this.caller = caller;
    this.endsAt = endsAt;
    this.totalMs = totalMs;
    if (caller.aborted) this.onCallerGone();
    else caller.addEventListener("abort", this.onCallerGone, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Gives the next phase `ms`, or what is left of the total. */
  allow(ms: number, limit: LimitName): void {
    clearTimeout(this.timer);
    const left = this.endsAt - this.clock.elapsed();
    const [wait, name, limitMs] =
      left < ms ? [left, "total" as const, this.totalMs] : [ms, limit, ms];
    this.timer = setTimeout(() => this.abort(new TimeLimitError(name, limitMs)), wait);
  }

  /** Stops the attempt: its connection is closed at once. */
  abort(reason: unknown): void {
    this.controller.abort(reason);
    this.end();
  }

  /** No limit is watched any longer. */
  end(): void {
    clearTimeout(this.timer);
    this.caller.removeEventListener("abort", this.onCallerGone);
  }
}
