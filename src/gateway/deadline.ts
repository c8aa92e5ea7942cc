/**
 * Time limits of one attempt, one phase after the other. All limits are watched by one timer, because every chunk
 * of every stream sets one and nearly none is ever reached.
 */
import type { Clock } from "../kernel/clock.js";

const LOOK_EVERY_MS = 10;

export type LimitName =
  | "connect"
  | "first byte"
  | "answer"
  | "gap between chunks"
  | "upload"
  | "total";

/** Why an attempt whose time was up was stopped. */
export class TimeLimitError extends Error {
  readonly limit: LimitName;

  constructor(limit: LimitName, ms: number) {
    super(`the time limit "${limit}" of ${ms} ms was reached`);
    this.name = "TimeLimitError";
    this.limit = limit;
  }
}

/** Why an attempt was stopped whose payer could pay for no more of its time. */
export class CreditEndedError extends Error {
  constructor(ms: number) {
    super(`the credit ended after ${ms} ms of compute`);
    this.name = "CreditEndedError";
  }
}

/** Each knows its place, which whoever is the last takes when it ends: a set would be made anew again and again. */
const running: Deadline[] = [];
let watching: ReturnType<typeof setInterval> | undefined;

function watch(deadline: Deadline): void {
  deadline.place = running.push(deadline) - 1;
  watching ??= setInterval(lookAtAll, LOOK_EVERY_MS);
}

function lookAtAll(): void {
  // From the end, as some end where they are looked at.
  for (let place = running.length - 1; place >= 0; place--) running[place]?.look();
  if (running.length > 0) return;
  clearInterval(watching);
  watching = undefined;
}

function unwatch(deadline: Deadline): void {
  const { place } = deadline;
  if (place < 0) return;
  deadline.place = -1;
  const last = running.pop();
  if (!last || last === deadline) return;
  running[place] = last;
  last.place = place;
}

/** What an attempt is waiting for. */
export type Stoppable = { readonly stop: (reason: unknown) => void };

/** Whoever may call an attempt off. */
export type Caller = { readonly signal: AbortSignal };

export class Deadline implements EventListenerObject {
  /** Among those that are watched; -1 for none of them. */
  place = -1;
  private readonly clock: Clock;
  private readonly caller: Caller;
  private wasSeen = false;
  private isListening = false;
  private readonly endsAt: number;
  private readonly totalMs: number;
  private phase: LimitName = "total";
  private phaseMs = 0;
  private phaseEndsAt = Number.POSITIVE_INFINITY;
  private stoppable: Stoppable | undefined;
  private alsoLook: ((now: number) => void) | undefined;
  private stopped: { readonly reason: unknown } | undefined;

  /**
   * `caller` aborts all of it; `endsAt`, by `clock.elapsed()`, is when the whole request must be over. The signal of a
   * request exists once it is looked at, and listening to it costs as much as sending an answer: what is over before
   * the second look does without.
   */
  constructor(clock: Clock, caller: Caller, endsAt: number, totalMs: number) {
    this.clock = clock;
    this.caller = caller;
    this.endsAt = endsAt;
    this.totalMs = totalMs;
    watch(this);
  }

  /** The caller is gone. The signal is given this object rather than a function, which spares one a request. */
  handleEvent(): void {
    this.stop(this.caller.signal.reason);
  }

  get isStopped(): boolean {
    return this.stopped !== undefined;
  }

  /** Why it was stopped, if it was. */
  get reason(): unknown {
    return this.stopped?.reason;
  }

  /** What to stop with the attempt; the last one named is stopped, at once if it is too late already. */
  stops(stoppable: Stoppable): void {
    this.stoppable = stoppable;
    if (this.stopped) stoppable.stop(this.stopped.reason);
  }

  /** Gives the next phase `ms`, or what is left of the total. */
  allow(ms: number, limit: LimitName): void {
    this.phase = limit;
    this.phaseMs = ms;
    this.phaseEndsAt = this.clock.elapsed() + ms;
  }

  /** Whatever takes time now is not the provider's doing: only the total goes on. */
  pause(): void {
    this.phaseEndsAt = Number.POSITIVE_INFINITY;
  }

  /** Stops the attempt when its time is up, or its caller gone. */
  look(): void {
    if (this.wasSeen) this.listen();
    this.wasSeen = true;
    if (this.stopped) return;
    const now = this.clock.elapsed();
    if (now >= this.endsAt) this.stop(new TimeLimitError("total", this.totalMs));
    else if (now >= this.phaseEndsAt) this.stop(new TimeLimitError(this.phase, this.phaseMs));
    else this.alsoLook?.(now);
  }

  /** Has somebody else look at the time, by `clock.elapsed()`, as long as limits are watched. */
  lookAlso(look: (now: number) => void): void {
    this.alsoLook = look;
  }

  /** Stops the attempt: its connection is closed at once. */
  stop(reason: unknown): void {
    this.end();
    if (this.stopped) return;
    this.stopped = { reason };
    this.stoppable?.stop(reason);
  }

  /** No limit is watched any longer. */
  end(): void {
    unwatch(this);
    if (this.isListening) this.caller.signal.removeEventListener("abort", this);
  }

  private listen(): void {
    if (this.isListening) return;
    this.isListening = true;
    const { signal } = this.caller;
    if (signal.aborted) this.handleEvent();
    else signal.addEventListener("abort", this);
  }
}
