/**
 * Keeps an attempt that is charged by the second within what is held for it: holds for more while there is more, and
 * stops the attempt where the money ends.
 */
import type { Price } from "../../catalog/model.js";
import { addedCost, moreWithin } from "../../metering/cost.js";
import type { Candidate } from "../../routing/policy.js";
import { computeTime, type Usage, type UsageBound } from "../../tasks/usage.js";
import { CreditEndedError, type Deadline } from "../deadline.js";
import type { Call, Gateway } from "../parts.js";
import { chargedPrice, freeFor, growHold } from "./funds.js";
import type { Held } from "./hold.js";

/** How long before the held time is over more is looked for: a recall of idle leases takes up to a second. */
const AHEAD_MS = 2_000;
/** Held more at a time. */
const GROWTH_MS = 10_000;

type Parts = {
  readonly gateway: Gateway;
  readonly call: Call;
  readonly held: Held;
  readonly deadline: Deadline;
  readonly price: Price;
};

export class PaidTime {
  private readonly parts: Parts;
  private paidMs: number;
  private startedAt: number | undefined;
  private stoppedAt: number | undefined;
  private isGrowing = false;
  /** No more could be had than what is held by now. */
  private isLast = false;

  constructor(parts: Parts, paidMs: number) {
    this.parts = parts;
    this.paidMs = paidMs;
    parts.deadline.lookAlso((now) => this.look(now));
  }

  /** The request is with the provider; from now on time is charged, whatever else it is sent. */
  start(): void {
    this.startedAt ??= this.parts.gateway.clock.elapsed();
  }

  /** The provider has done its part; what time takes from now on is ours. */
  stop(): void {
    this.stoppedAt ??= this.parts.gateway.clock.elapsed();
  }

  /** The time until now or until it was stopped, by our clock; where the credit ended it, what was paid for. */
  get spentMs(): number {
    const { gateway, deadline } = this.parts;
    if (this.startedAt === undefined) return 0;
    if (deadline.reason instanceof CreditEndedError) return this.paidMs;
    return (this.stoppedAt ?? gateway.clock.elapsed()) - this.startedAt;
  }

  private look(now: number): void {
    if (this.startedAt === undefined) return;
    const leftMs = this.startedAt + this.paidMs - now;
    if (leftMs <= 0) this.parts.deadline.stop(new CreditEndedError(this.paidMs));
    else if (leftMs < AHEAD_MS && !this.isGrowing && !this.isLast) this.grow();
  }

  private grow(): void {
    this.isGrowing = true;
    // Without the store only what is at hand can be had, and `holdMore` finds that out by itself.
    void this.holdMore().finally(() => {
      this.isGrowing = false;
    });
  }

  /** Holds for a good deal more, or for as much as there is. */
  private async holdMore(): Promise<void> {
    if (await this.holdFor(GROWTH_MS)) return;
    this.isLast = true;
    const { gateway, call, price } = this.parts;
    const ms = moreWithin(freeFor(gateway, call.caller), timeBound(1), price);
    if (ms > 0) await this.holdFor(Math.min(ms, GROWTH_MS));
  }

  private async holdFor(ms: number): Promise<boolean> {
    const { gateway, call, held, price } = this.parts;
    const amount = addedCost(timeBound(ms), price);
    const isHeld = await growHold(gateway, call.caller, held.hold, amount);
    if (isHeld) this.paidMs += ms;
    return isHeld;
  }
}

const timeBound = (ms: number): UsageBound => ({
  inputTokens: 0,
  outputTokens: 0,
  measured: computeTime(ms),
});

/** What keeps watch over an attempt, where its price charges time. */
export function paidTimeFor(
  gateway: Gateway,
  call: Call,
  candidate: Candidate,
  held: Held,
  deadline: Deadline,
): PaidTime | undefined {
  if (held.computeMs === undefined) return undefined;
  const price = chargedPrice(candidate);
  return new PaidTime({ gateway, call, held, deadline, price }, held.computeMs);
}

/** A usage with the time that the attempt took, where time is charged. */
export const withTime = (usage: Usage, time: PaidTime | undefined): Usage =>
  time ? { ...usage, measured: { ...usage.measured, ...computeTime(time.spentMs) } } : usage;
