/**
 * Keeps the same books as the ledger, by plain arithmetic from the rules alone:
 *
 * - An account (a grant or a limit) holds what was put into it. No more than that is ever charged to it.
 * - It can be given a new size at any time. What is charged or held by then stays; what is held and not charged in
 *   the end is gone, as far as the new size is reached.
 * - A bucket's funds are what its accounts that have not expired still hold.
 * - An open hold takes its amount out of the funds of every bucket it is on, until it is settled, released,
 *   expired or lost with its process.
 * - A request is charged its cost on every bucket. What no bucket allows is an overrun.
 * - What a provider says later is charged as far as every bucket goes; what it says was too much comes back to the
 *   accounts that paid, after what was overrun.
 * - A refusal is right only if, at some moment while it was being asked for, some bucket's funds less its holds
 *   were lower than what was asked.
 */
import type { Hold } from "../../src/ledger/bucket-lease.js";
import type { Settlement } from "../../src/ledger/store.js";
import type { LateEntries } from "./world.js";

type Account = {
  readonly bucket: string;
  /** What was put in; above `size` while more than that is charged, held or lost with a process. */
  amount: bigint;
  size: bigint;
  isResized: boolean;
  readonly expiresAt: number;
  charged: bigint;
};

type OpenHold = { readonly hold: Hold; readonly buckets: readonly string[]; amount: bigint };

/** A question that may yet be refused. */
export type Question = {
  readonly buckets: readonly string[];
  readonly amount: bigint;
  wasShort: boolean;
};

export class Auditor {
  readonly faults: string[] = [];
  readonly accounts = new Map<string, Account>();
  readonly charges = new Map<string, bigint>();
  private readonly overruns = new Map<string, bigint>();
  overrun = 0n;
  private readonly holds = new Set<OpenHold>();
  private readonly questions = new Set<Question>();
  /** What processes that died had out, by account; nobody can have it before they are recovered. */
  private readonly lost = new Map<string, bigint>();
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  opened(id: string, bucket: string, amount: bigint, expiresAt = Number.POSITIVE_INFINITY): void {
    if (this.accounts.has(id)) return;
    this.accounts.set(id, {
      bucket,
      amount,
      size: amount,
      isResized: false,
      expiresAt,
      charged: 0n,
    });
  }

  /** From now on there should be `size` in an account, all told. */
  resized(id: string, size: bigint): void {
    const account = this.accounts.get(id);
    if (!account || account.size === size) return;
    account.size = size;
    account.isResized = true;
    this.shrink();
  }

  /** Brings accounts to their sizes, as near as what is charged, held or lost lets them come. */
  private shrink(): void {
    for (const [id, account] of this.accounts) {
      if (!account.isResized) continue;
      const out = account.charged + (this.lost.get(id) ?? 0n) + this.heldOf(id);
      account.amount = out > account.size ? out : account.size;
    }
    this.look();
  }

  private heldOf(id: string): bigint {
    let sum = 0n;
    for (const { hold } of this.holds) {
      for (const [account, amount] of partsOn(hold)) if (account === id) sum += amount;
    }
    return sum;
  }

  asked(buckets: readonly string[], amount: bigint): Question {
    const question = { buckets, amount, wasShort: false };
    this.questions.add(question);
    this.look();
    return question;
  }

  /** At the end of everything that happened at the same time. */
  answered(question: Question, isRefused: boolean, what: string): void {
    this.look();
    this.questions.delete(question);
    if (!isRefused || question.wasShort) return;
    const left = question.buckets.map((bucket) => `${bucket} had ${this.available(bucket)}`);
    this.fault(`${what}: ${question.amount} was refused, though ${left.join(" and ")}`);
  }

  held(hold: Hold, buckets: readonly string[], amount: bigint): OpenHold {
    const open = { hold, buckets, amount };
    this.holds.add(open);
    this.checkHold(open);
    this.look();
    return open;
  }

  grew(open: OpenHold, more: bigint): void {
    open.amount += more;
    this.checkHold(open);
    this.look();
  }

  /** Settled, released, expired or lost. */
  ended(hold: Hold): void {
    for (const open of this.holds) if (open.hold === hold) this.holds.delete(open);
    this.shrink();
  }

  settled(settlement: Settlement, buckets: readonly string[], held: bigint): void {
    const { id, cost, overrun, debits } = settlement;
    if (this.charges.has(id)) this.fault(`${id} was settled twice`);
    this.charges.set(id, cost - overrun);
    this.overrun += overrun;
    this.overruns.set(id, overrun);
    if (cost <= held && overrun > 0n) this.fault(`${id}: overrun though the hold covered it`);
    for (const bucket of buckets) {
      const parts = debits.filter(({ account }) => this.accounts.get(account)?.bucket === bucket);
      const sum = parts.reduce((total, { amount }) => total + amount, 0n);
      if (sum !== cost - overrun) this.fault(`${id}: ${bucket} was charged ${sum} of ${cost}`);
    }
    for (const { account, amount } of debits) this.charge(id, account, amount);
    this.look();
  }

  /** A request's provider has spoken: `entries` is what the store made of it. Returns what is overrun more. */
  toldLater(
    id: string,
    buckets: readonly string[],
    told: readonly bigint[],
    entries: LateEntries,
  ): bigint {
    const { cost, overrun, transfers } = entries;
    const before = { charge: this.charges.get(id) ?? 0n, overrun: this.overruns.get(id) ?? 0n };
    if (!told.includes(cost)) this.fault(`${id} costs ${cost}, which nobody said`);
    const rise = cost - before.charge - before.overrun;
    const moved = new Map<string, bigint>();
    for (const { debit, credit, amount } of transfers) {
      for (const [account, by] of [
        [debit, amount],
        [credit, -amount],
      ] as const) {
        if (!this.accounts.has(account)) continue;
        this.charge(id, account, by);
        const bucket = this.accounts.get(account)?.bucket ?? "";
        moved.set(bucket, (moved.get(bucket) ?? 0n) + by);
      }
    }
    const back = rise < 0n ? -rise : 0n;
    const overrunBack = before.overrun < back ? before.overrun : back;
    const charged = rise < 0n ? overrunBack - back : rise - (overrun - before.overrun);
    for (const bucket of buckets) {
      const by = moved.get(bucket) ?? 0n;
      if (by !== charged) this.fault(`${id}: ${bucket} moved by ${by}, not ${charged}`);
    }
    if (rise < 0n && overrun !== before.overrun - overrunBack) {
      this.fault(`${id}: an overrun of ${overrun} is left of ${before.overrun}`);
    }
    this.overrun += overrun - before.overrun;
    this.charges.set(id, cost - overrun);
    this.overruns.set(id, overrun);
    // What came back of an account that was made smaller is gone.
    this.shrink();
    return overrun - before.overrun;
  }

  died(out: ReadonlyMap<string, bigint>): void {
    for (const [id, amount] of out) this.lost.set(id, (this.lost.get(id) ?? 0n) + amount);
    // What it was about to give back is out as well.
    this.shrink();
  }

  recovered(out: ReadonlyMap<string, bigint>): void {
    for (const [id, amount] of out) this.lost.set(id, (this.lost.get(id) ?? 0n) - amount);
    this.shrink();
  }

  /** What a bucket's accounts hold that have not expired. */
  funds(bucket: string): bigint {
    let sum = 0n;
    for (const account of this.accounts.values()) {
      if (account.bucket === bucket && this.isLive(account))
        sum += account.amount - account.charged;
    }
    return sum;
  }

  /** The same less the holds on it, and less what died processes keep. */
  available(bucket: string): bigint {
    let sum = this.funds(bucket);
    const without = (id: string, amount: bigint): void => {
      const account = this.accounts.get(id);
      if (account?.bucket === bucket && this.isLive(account)) sum -= amount;
    };
    for (const [id, amount] of this.lost) without(id, amount);
    for (const { hold } of this.holds) {
      for (const [id, amount] of partsOn(hold)) without(id, amount);
    }
    return sum;
  }

  fault(what: string): void {
    this.faults.push(what);
  }

  private charge(id: string, name: string, amount: bigint): void {
    const account = this.accounts.get(name);
    if (!account) {
      this.fault(`${id}: ${name} was charged and was never opened`);
      return;
    }
    account.charged += amount;
    if (account.charged < 0n) this.fault(`${id}: ${name} was given back more than it paid`);
    if (account.charged > account.amount) {
      this.fault(`${id}: ${name} held ${account.amount} and was charged ${account.charged}`);
    }
  }

  private checkHold({ hold, buckets, amount }: OpenHold): void {
    for (const bucket of buckets) {
      let sum = 0n;
      for (const [id, part] of partsOn(hold)) {
        if (this.accounts.get(id)?.bucket === bucket) sum += part;
      }
      if (sum !== amount) this.fault(`a hold of ${amount} has ${sum} of ${bucket}`);
      if (this.available(bucket) < 0n) this.fault(`${bucket} is held beyond its funds`);
    }
  }

  private look(): void {
    for (const question of this.questions) {
      question.wasShort ||= question.buckets.some((id) => this.available(id) < question.amount);
    }
  }

  private isLive({ expiresAt }: Account): boolean {
    return expiresAt > this.now();
  }
}

/** By account, what a hold has of it. */
function* partsOn(hold: Hold): Iterable<readonly [string, bigint]> {
  for (const { held } of hold.parts) {
    for (const { account, amount } of held) yield [account.id, amount];
  }
}
