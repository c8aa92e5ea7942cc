/**
 * When to leave a provider alone: one breaker, and what opens it. Nothing here reads the time or rolls dice; times are
 * in ms by `clock.elapsed()`, which no change of the wall clock moves.
 */
import {
  BREAKER_FAILURE_SHARE,
  BREAKER_PROBE_MS,
  BREAKER_REST_MS_MAX,
  RETRY_AFTER_MAX_MS,
} from "../kernel/limits.js";

/** Weight of the newest outcome in the share of failures: it is that of some twenty requests. */
const NEWEST = 0.05;
/** A rest is shortened by up to so much, so that a hundred processes do not all ask again at once. */
const JITTER = 0.25;
/** What is left of the share of failures when the breaker closes: neither all, nor nothing. */
const FORGIVEN = 0.5;
/** Beyond this the rest is at its longest anyway. */
const OPENINGS_MAX = 16;

export type BreakerState = "closed" | "open" | "half-open";

/** One failed attempt, as a breaker sees it. */
export type Failed = {
  readonly now: number;
  readonly begunAt: number;
  /** Failures in a row that it counts for, and how many of them open the breaker. */
  readonly weight: number;
  readonly opensAt: number;
  /** How long to rest the first time, and from 0 to 1 how much of the jitter to leave on: 1 is the whole rest. */
  readonly restMs: number;
  readonly dice: number;
};

/** Hears that a breaker opened, and for how many ms; 0 when it closes again. */
export type Told = (restMs: number) => void;

/**
 * Closed, it lets everything through. Failures open it for a while; then it is half-open, and one request at a time
 * finds out how things are: its success closes the breaker, its failure opens it for twice as long.
 */
export class Breaker {
  private readonly tell: Told;
  /** It was told that this opened, and not yet that it closed. A pause that is asked for is no news. */
  private isNews = false;
  private inARow = 0;
  private failureShare = 0;
  private openings = 0;
  private openedAt = Number.NEGATIVE_INFINITY;
  /** 0 while closed. */
  private restsUntil = 0;
  private probeEndsAt = 0;

  constructor(tell: Told = () => {}) {
    this.tell = tell;
  }

  stateAt(now: number): BreakerState {
    if (this.restsUntil === 0) return "closed";
    return now < this.restsUntil ? "open" : "half-open";
  }

  /** How much longer to prefer anybody else; 0 where it may be asked. */
  restsForMs(now: number): number {
    if (this.restsUntil === 0) return 0;
    return Math.max(0, this.restsUntil - now, this.probeEndsAt - now);
  }

  /** A request is on its way. While half-open it is the probe, for a while at least. */
  begin(now: number): void {
    if (this.restsUntil === 0 || this.restsForMs(now) > 0) return;
    this.probeEndsAt = now + BREAKER_PROBE_MS;
  }

  /** An answer has begun well. Failures before it are remembered until one has ended well too. */
  answered(begunAt: number): void {
    if (this.restsUntil === 0 || begunAt <= this.openedAt) return;
    this.restsUntil = 0;
    this.probeEndsAt = 0;
    this.failureShare *= FORGIVEN;
    if (!this.isNews) return;
    this.isNews = false;
    this.tell(0);
  }

  /** A whole answer has come. */
  succeeded(begunAt: number): void {
    if (begunAt <= this.openedAt) return;
    this.inARow = 0;
    this.failureShare -= this.failureShare * NEWEST;
    this.openings = 0;
    this.answered(begunAt);
  }

  /** What came of a request says nothing of the provider, so another one may find out. */
  unjudged(): void {
    this.probeEndsAt = 0;
  }

  failed({ now, begunAt, weight, opensAt, restMs, dice }: Failed): void {
    // What began before the breaker opened says nothing that was not known then.
    if (begunAt <= this.openedAt) return;
    // Tried in spite of its rest, for want of anybody better: that is no reason to prolong it.
    if (this.restsUntil !== 0 && begunAt < this.restsUntil) return;
    this.inARow += weight;
    this.failureShare += NEWEST * (1 - this.failureShare);
    const isProbe = this.restsUntil !== 0;
    if (!isProbe && this.inARow < opensAt && this.failureShare <= BREAKER_FAILURE_SHARE) return;
    this.open(now, restMs, dice);
  }

  /** Opens it whatever was counted: twice as long as the last time, if nothing went well since. */
  open(now: number, restMs: number, dice: number): void {
    const longer = restMs * 2 ** Math.min(this.openings, OPENINGS_MAX);
    this.openings++;
    const ms = Math.min(longer, BREAKER_REST_MS_MAX) * (1 - JITTER * (1 - dice));
    this.rest(now, now + ms);
    this.isNews = true;
    this.tell(ms);
  }

  /** The provider asked for a pause, and gets it, up to a limit. */
  pause(now: number, ms: number): void {
    this.rest(now, now + Math.min(ms, RETRY_AFTER_MAX_MS));
  }

  private rest(now: number, until: number): void {
    this.openedAt = now;
    this.probeEndsAt = 0;
    this.restsUntil = Math.max(this.restsUntil, until);
  }
}
