/**
 * Admits requests within their callers' rates. What a request may have is held in memory, on leases that the store
 * gave this process, exactly as money is; a second keeper of leases looks after counts instead of nano-USD.
 */
import type { Clock } from "../../kernel/clock.js";
import { RouterError } from "../../kernel/errors.js";
import { HOLD_GRACE_MS, RATE_AHEAD_MS } from "../../kernel/limits.js";
import { type Log, reasonOf } from "../../kernel/log.js";
import type { LeaseStore } from "../../ledger/store.js";
import {
  type CallerRates,
  endOfMinute,
  minuteAt,
  minuteBucket,
  RATE_KINDS,
  type RateBucket,
  type RateKind,
} from "../../tenants/rates.js";
import type { Claim } from "../money/claim.js";
import { type Covered, LeaseKeeper } from "../money/lease-keeper.js";
import { Admission } from "./admission.js";
import { countedTokens, type TokensWanted } from "./rate-amounts.js";
import { counts, isLow, type RateBook } from "./rate-book.js";
import { countExcess } from "./rate-excess.js";
import { rateLimited } from "./rate-refusal.js";
import {
  leastOf,
  leftOf,
  type RateLimit,
  type RateWindow,
  tightestOf,
  windowOf,
} from "./rate-window.js";
import { Refusals } from "./refusals.js";

type Parts = {
  readonly node: string;
  readonly book: RateBook;
  readonly store: LeaseStore;
  readonly claim: Pick<Claim, "ensure">;
  readonly clock: Clock;
  readonly log: Log;
  /** The longest that a request takes. */
  readonly totalMs: number;
};

/** A request that found too little at hand. */
type Asker = {
  readonly rates: CallerRates;
  tokens: number;
  /** Counts its tokens, where that was not done. */
  count: (() => Promise<number>) | undefined;
  readonly ask: number;
};

export class RateLimiter {
  readonly book: RateBook;
  readonly keeper: LeaseKeeper;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly holdMs: number;
  private readonly windows = new WeakMap<CallerRates, RateWindow>();
  private readonly refusals = new Refusals();
  /** What is being looked for at this moment, by the caller's own bucket. */
  private readonly asking = new Map<string, Promise<unknown>>();

  constructor({ totalMs, ...parts }: Parts) {
    this.clock = parts.clock;
    this.log = parts.log;
    this.holdMs = totalMs + HOLD_GRACE_MS;
    this.book = parts.book;
    this.keeper = new LeaseKeeper(parts);
  }

  /** Holds a place, a request and `tokens` on all limits of a caller, or on none, from what is at hand. */
  admitAtOnce(rates: CallerRates, tokens: number): Admission | undefined {
    const now = this.clock.now();
    const window = this.windowAt(rates, now);
    if (tokens > window.tokensMost || this.lackOf(window, tokens, now)) return undefined;
    const admission = new Admission(this, window, tokens, now + this.holdMs);
    if (this.book.begin(admission, now)) this.renewLow(window);
    if (!window.isAhead && now >= endOfMinute(window.minute) - RATE_AHEAD_MS) this.askAhead(window);
    return admission;
  }

  /**
   * The same with what the store and other nodes have. Throws `rate_limited`, naming the limit that has no room, after
   * other nodes were asked for what they do not use.
   */
  async admit(rates: CallerRates, wanted: TokensWanted): Promise<Admission> {
    const bound = wanted.input + wanted.output;
    // What does not fit at a glance is counted before it takes a whole minute.
    const isGlance = bound <= leastOf(rates.tokens);
    const tokens = isGlance ? bound : await countedTokens(rates, wanted);
    const count = isGlance ? () => countedTokens(rates, wanted) : undefined;
    return this.admitLater({ rates, tokens, count, ask: this.keeper.newAsk() });
  }

  /** Ends what was admitted, and counts tokens that it used and had not held, unless their minute is over. */
  end(admission: Admission, used: number): void {
    const wasOpen = this.book.end(admission, used);
    if (wasOpen && used > admission.tokens) this.countBeyond(admission, used - admission.tokens);
  }

  /** What its caller has at this moment: nearly always it is still the minute that it was admitted in. */
  windowOf({ window }: Admission, now: number): RateWindow {
    return this.isStill(window, minuteAt(now)) ? window : this.windowAt(window.rates, now);
  }

  /** Of one kind the limit that has the least left, as far as this process knows. */
  tightest(rates: CallerRates, kind: RateKind): RateLimit | undefined {
    return tightestOf(this.windowAt(rates, this.clock.now()).limits[kind]);
  }

  /** The bucket of a limit at this moment. */
  idOf({ id, kind }: RateBucket): string {
    return kind === "concurrent" ? id : minuteBucket(id, minuteAt(this.clock.now()));
  }

  /** To be called again and again: releases what nobody ended, and gives back what lies idle. Returns how many. */
  async sweep(): Promise<number> {
    const now = this.clock.now();
    this.refusals.forgetOld(now);
    const expired = this.book.releaseExpired(now);
    await this.keeper.returnIdle();
    return expired;
  }

  /** From what is at hand, and in the background from what the store has. */
  private countBeyond({ leases, window }: Admission, tokens: number): void {
    const { book, keeper, clock } = this;
    const now = clock.now();
    const beyond = tokens - book.useUp(leases.tokens, tokens, now);
    if (beyond === 0 || now >= endOfMinute(window.minute)) return;
    countExcess({ book, keeper, clock }, leases.tokens, beyond).catch((thrown) =>
      this.log("warn", "tokens_not_counted", { reason: reasonOf(thrown) }),
    );
  }

  /** Each further round means that somebody else was served or refused. */
  private async admitLater(asker: Asker): Promise<Admission> {
    for (;;) {
      const admission = this.admitAtOnce(asker.rates, asker.tokens);
      if (admission) return admission;
      const kind = this.lackFor(asker);
      if (kind === "tokens" && asker.count) {
        asker.tokens = await asker.count();
        asker.count = undefined;
      } else if (kind) {
        this.throwIfRefused(asker, kind);
        const asked = await this.askFor(asker, kind);
        if (asked) return asked;
      }
    }
  }

  /** Looks everywhere for what a request lacks. Only one does at a time, and the others see what came of it. */
  private async askFor(asker: Asker, kind: RateKind): Promise<Admission | undefined> {
    const { leases } = this.windowAt(asker.rates, this.clock.now());
    const ids = leases[kind].map(({ id }) => id);
    const own = ids.at(-1) ?? "";
    const before = this.asking.get(own);
    if (before) return before.then(nothing, nothing);
    const asked = this.cover(asker, kind, ids);
    this.asking.set(own, asked);
    try {
      const { taken, cover } = await asked;
      if (!taken && cover !== "covered") this.noteRefusal(asker, kind);
      return taken;
    } finally {
      this.asking.delete(own);
    }
  }

  private cover(
    { rates, tokens, ask }: Asker,
    kind: RateKind,
    ids: readonly string[],
  ): Promise<Covered<Admission>> {
    const amount = counts(amountOf(kind, tokens));
    const take = () => this.admitAtOnce(rates, tokens);
    return this.keeper.cover(ids, amount, { ask, atLeast: amount }, take).catch(storeAway);
  }

  private lackFor({ rates, tokens }: Asker): RateKind | undefined {
    const now = this.clock.now();
    return this.lackOf(this.windowAt(rates, now), tokens, now);
  }

  /** The first kind of which too little is at hand. */
  private lackOf({ leases }: RateWindow, tokens: number, now: number): RateKind | undefined {
    const { book } = this;
    if (!book.covers(leases.requests, 1, now)) return "requests";
    if (!book.covers(leases.tokens, tokens, now)) return "tokens";
    return book.covers(leases.concurrent, 1, now) ? undefined : "concurrent";
  }

  /** In the background, so that the next request finds what it needs. */
  private renewLow({ leases }: RateWindow): void {
    for (const kind of RATE_KINDS)
      for (const lease of leases[kind]) if (isLow(lease)) this.renew(lease.id);
  }

  /** The same for the next minute. */
  private askAhead(window: RateWindow): void {
    window.isAhead = true;
    const { requests, tokens } = window.rates;
    for (const { id } of [...requests, ...tokens]) {
      this.keeper.renew(minuteBucket(id, window.minute + 1));
    }
  }

  private renew(bucketId: string): void {
    if (this.keeper.isLow(bucketId)) this.keeper.renew(bucketId);
  }

  private windowAt(rates: CallerRates, now: number): RateWindow {
    const { book, windows } = this;
    const minute = minuteAt(now);
    const known = windows.get(rates);
    if (known && this.isStill(known, minute)) return known;
    const isAhead = known?.minute === minute && known.isAhead;
    const made = windowOf(book, rates, { minute, now, isAhead });
    windows.set(rates, made);
    return made;
  }

  private isStill(window: RateWindow, minute: number): boolean {
    return window.minute === minute && window.forgotten === this.book.forgotten;
  }

  private throwIfRefused({ rates, tokens }: Asker, kind: RateKind): void {
    const now = this.clock.now();
    const window = this.windowAt(rates, now);
    const tightest = tightestOf(window.limits[kind]);
    const needed = amountOf(kind, tokens);
    if (!tightest || !this.refusals.stands(tightest.lease.id, needed, now)) return;
    if (leftOf(tightest.lease) < needed) throw rateLimited(window, tightest, needed, now);
  }

  /** Nothing where there is enough by now: what one lacked came back while it was being looked for. */
  private noteRefusal({ rates, tokens }: Asker, kind: RateKind): void {
    const tightest = this.tightest(rates, kind);
    const amount = amountOf(kind, tokens);
    if (!tightest || leftOf(tightest.lease) >= amount) return;
    this.refusals.note(kind, tightest.lease.id, amount, this.clock.now());
  }
}

const amountOf = (kind: RateKind, tokens: number): number => (kind === "tokens" ? tokens : 1);

const nothing = (): undefined => undefined;

function storeAway(cause: unknown): never {
  throw new RouterError(
    "store_unavailable",
    "Your limits cannot be checked right now, because the store does not answer. Try again shortly.",
    { retryAfterSeconds: 1 },
    { cause },
  );
}
