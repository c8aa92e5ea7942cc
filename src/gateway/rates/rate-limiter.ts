/**
 * Admits requests within their callers' rates. What a request may have is held in memory, on leases that the store
 * gave this process, exactly as money is; a second book and keeper count requests and tokens instead of nano-USD.
 */
import type { Clock } from "../../kernel/clock.js";
import { RouterError } from "../../kernel/errors.js";
import { HOLD_GRACE_MS, RATE_AHEAD_MS } from "../../kernel/limits.js";
import { type Log, reasonOf } from "../../kernel/log.js";
import type { NanoUsd } from "../../kernel/money.js";
import type { Hold, LeaseBook } from "../../ledger/lease-book.js";
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
import {
  type Amounts,
  amountsFor,
  countedAmounts,
  leastOf,
  type TokensWanted,
} from "./rate-amounts.js";
import { countExcess } from "./rate-excess.js";
import { rateLimited } from "./rate-refusal.js";
import { Refusals } from "./refusals.js";

type Parts = {
  readonly node: string;
  /** Of its own: it counts requests and tokens. */
  readonly book: LeaseBook;
  readonly store: LeaseStore;
  readonly claim: Pick<Claim, "ensure">;
  readonly clock: Clock;
  readonly log: Log;
  /** The longest that a request takes. */
  readonly totalMs: number;
};

/** The buckets of one minute. */
export type Minute = {
  readonly minute: number;
  readonly ids: { readonly [Kind in RateKind]: readonly string[] };
  /** The next minute's leases were asked for. */
  isAhead: boolean;
};

/** A limit, its bucket at this moment, and what is left of it. */
export type Tightest = {
  readonly bucket: RateBucket;
  readonly id: string;
  readonly left: number;
};

type Attempt =
  | { readonly ok: true; readonly admission: Admission }
  | { readonly ok: false; readonly kind: RateKind };

/** A request that found too little at hand. */
type Asker = {
  readonly rates: CallerRates;
  amounts: Amounts;
  /** Counts its tokens, where that was not done. */
  count: (() => Promise<Amounts>) | undefined;
  readonly ask: number;
};

export class RateLimiter {
  readonly book: LeaseBook;
  readonly keeper: LeaseKeeper;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly totalMs: number;
  private readonly minutes = new WeakMap<CallerRates, Minute>();
  private readonly refusals = new Refusals();
  /** What is being looked for at this moment, by the caller's own bucket. */
  private readonly asking = new Map<string, Promise<unknown>>();

  constructor({ totalMs, ...parts }: Parts) {
    this.clock = parts.clock;
    this.log = parts.log;
    this.totalMs = totalMs;
    this.book = parts.book;
    this.keeper = new LeaseKeeper(parts);
  }

  /**
   * Holds a place, a request and its tokens on all limits of a caller, or on none. Throws `rate_limited`, naming the
   * limit that has no room, after other nodes were asked for what they do not use.
   */
  async admit(rates: CallerRates, wanted: TokensWanted): Promise<Admission> {
    const most = leastOf(rates.tokens);
    const bound = wanted.input + wanted.output;
    // What does not fit at a glance is counted before it takes a whole minute.
    const isGlance = bound <= most;
    const amounts = isGlance ? amountsFor(bound) : await countedAmounts(rates, wanted);
    const attempt = this.attempt(rates, amounts);
    if (attempt.ok) return attempt.admission;
    const count = isGlance ? () => countedAmounts(rates, wanted) : undefined;
    return this.admitLater({ rates, amounts, count, ask: this.keeper.newAsk() });
  }

  /** Of one kind the limit that has the least left, as far as this process knows. */
  tightest(rates: CallerRates, kind: RateKind): Tightest | undefined {
    const now = this.clock.now();
    const { ids } = this.minuteOf(rates);
    let tightest: Tightest | undefined;
    for (const [i, bucket] of rates[kind].entries()) {
      const id = ids[kind][i] ?? "";
      const left = Number(this.book.free(id, now) + this.book.unleased(id));
      if (!tightest || left < tightest.left) tightest = { bucket, id, left };
    }
    return tightest;
  }

  /** The bucket of a limit at this moment. */
  idOf({ id, kind }: RateBucket): string {
    return kind === "concurrent" ? id : minuteBucket(id, minuteAt(this.clock.now()));
  }

  /** Counts tokens of a minute that were used and not held, in the background, unless the minute is over. */
  countBeyond({ minute, ids }: Pick<Minute, "minute" | "ids">, tokens: NanoUsd): void {
    if (endOfMinute(minute) <= this.clock.now()) return;
    const { book, keeper, clock, log } = this;
    countExcess({ book, keeper, clock }, ids.tokens, tokens).catch((thrown) =>
      log("warn", "tokens_not_counted", { reason: reasonOf(thrown) }),
    );
  }

  /** To be called again and again: releases what nobody settled, and gives back what lies idle. Returns how many. */
  async sweep(): Promise<number> {
    const now = this.clock.now();
    this.refusals.forgetOld(now);
    const expired = this.book.releaseExpired(now);
    await this.keeper.returnIdle();
    return expired;
  }

  /** With what the store and other nodes have. Each further round means that somebody else was served or refused. */
  private async admitLater(asker: Asker): Promise<Admission> {
    for (;;) {
      const attempt = this.attempt(asker.rates, asker.amounts);
      if (attempt.ok) return attempt.admission;
      const { kind } = attempt;
      if (kind === "tokens" && asker.count) {
        asker.amounts = await asker.count();
        asker.count = undefined;
        continue;
      }
      this.throwIfRefused(asker, kind);
      const admission = await this.askFor(asker, kind);
      if (admission) return admission;
    }
  }

  /** Looks everywhere for what a request lacks. Only one does at a time, and the others see what came of it. */
  private async askFor(asker: Asker, kind: RateKind): Promise<Admission | undefined> {
    const ids = this.minuteOf(asker.rates).ids[kind];
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
    { rates, amounts, ask }: Asker,
    kind: RateKind,
    ids: readonly string[],
  ): Promise<Covered<Admission>> {
    const take = (): Admission | undefined => {
      const attempt = this.attempt(rates, amounts);
      return attempt.ok ? attempt.admission : undefined;
    };
    const asking = { ask, atLeast: amounts[kind] };
    return this.keeper.cover(ids, amounts[kind], asking, take).catch(storeAway);
  }

  /** Holds all of it from what is at hand, in one step. */
  private attempt(rates: CallerRates, amounts: Amounts): Attempt {
    const now = this.clock.now();
    const minute = this.minuteOf(rates);
    const expiresAt = now + this.totalMs + HOLD_GRACE_MS;
    const holds: { [Kind in RateKind]?: Hold } = {};
    for (const kind of RATE_KINDS) {
      const ids = minute.ids[kind];
      if (ids.length === 0) continue;
      const answer = this.book.hold(ids, amounts[kind], now, expiresAt);
      if (!answer.ok) {
        for (const hold of Object.values(holds)) this.book.release(hold);
        return { ok: false, kind };
      }
      holds[kind] = answer.hold;
    }
    this.renewLow(rates, minute, now);
    return { ok: true, admission: new Admission(this, rates, { ...minute, holds }, this.clock) };
  }

  /** In the background, so that the next request finds what it needs; also where it will be of the next minute. */
  private renewLow(rates: CallerRates, minute: Minute, now: number): void {
    for (const kind of RATE_KINDS) {
      for (const id of minute.ids[kind]) if (this.keeper.isLow(id)) this.keeper.renew(id);
    }
    if (minute.isAhead || now < endOfMinute(minute.minute) - RATE_AHEAD_MS) return;
    minute.isAhead = true;
    for (const { id } of [...rates.requests, ...rates.tokens]) {
      this.keeper.renew(minuteBucket(id, minute.minute + 1));
    }
  }

  private minuteOf(rates: CallerRates): Minute {
    const minute = minuteAt(this.clock.now());
    const known = this.minutes.get(rates);
    if (known?.minute === minute) return known;
    const idsOf = (buckets: readonly RateBucket[]) =>
      buckets.map(({ id }) => minuteBucket(id, minute));
    const ids = {
      requests: idsOf(rates.requests),
      tokens: idsOf(rates.tokens),
      concurrent: rates.concurrent.map(({ id }) => id),
    };
    const made = { minute, ids, isAhead: false };
    this.minutes.set(rates, made);
    return made;
  }

  private throwIfRefused({ rates, amounts }: Asker, kind: RateKind): void {
    const tightest = this.tightest(rates, kind);
    const now = this.clock.now();
    if (!tightest || !this.refusals.stands(tightest.id, amounts[kind], now)) return;
    const needed = Number(amounts[kind]);
    if (tightest.left < needed) throw rateLimited(this, rates, tightest, needed, now);
  }

  /** Nothing where there is enough by now: what one lacked came back while it was being looked for. */
  private noteRefusal({ rates, amounts }: Asker, kind: RateKind): void {
    const tightest = this.tightest(rates, kind);
    const amount = amounts[kind];
    if (!tightest || tightest.left >= Number(amount)) return;
    this.refusals.note(kind, tightest.id, amount, this.clock.now());
  }
}

const nothing = (): undefined => undefined;

function storeAway(cause: unknown): never {
  throw new RouterError(
    "store_unavailable",
    "Your limits cannot be checked right now, because the store does not answer. Try again shortly.",
    { retryAfterSeconds: 1 },
    { cause },
  );
}
