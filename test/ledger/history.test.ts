/** Long histories of chance, on several processes over one real store, held against an auditor of their own. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Told } from "../../src/gateway/money/late-billing.js";
import { type NanoUsd, nanoUsd } from "../../src/kernel/money.js";
import { CALENDAR, periodAt } from "../../src/kernel/period.js";
import { extraGrant } from "../../src/ledger/account.js";
import type { Hold } from "../../src/ledger/bucket-lease.js";
import type { AwaitedCost, WaitingCost } from "../../src/ledger/late-cost.js";
import type { Settlement } from "../../src/ledger/store.js";
import { type Caller, callerFor, callerOf } from "../../src/tenants/caller.js";
import {
  type Member,
  memberBucketOf,
  type Organization,
  orgLimitBucketOf,
} from "../../src/tenants/organization.js";
import { fundsBucketOf, type Payer } from "../../src/tenants/payer.js";
import { headroom, type Plan, planOf } from "../../src/tenants/plan.js";
import type { AccessToken, Budget, User } from "../../src/tenants/user.js";
import { type Random, randomFrom } from "../support/random.js";
import { Auditor, type Question } from "./auditor.js";
import {
  hold,
  lateEntries,
  makeWorld,
  outstanding,
  type Process,
  settle,
  type World,
} from "./world.js";

const EVENTS = 10_000;
const PHASE_EVENTS = 1_000;
const PROCESSES = 3;
const HOLD_MS = 60_000;
const ASK_MOST = 120;
const GRANT_MOST = 1_200;
const LIMIT_MOST = 4_000;
const ORG_LIMIT = nanoUsd(2_500n);
const ORG_LIMIT_MOST = 3_000;
const PLANS = new Map(
  [
    planOf("free", { monthlyCredit: nanoUsd(3_000n) }),
    planOf("none"),
    planOf("pro", { monthlyCredit: nanoUsd(3_500n), extraUsage: "pay_as_you_go" }),
  ].map((plan) => [plan.name, plan] as const),
);

/** What a user pays by at the moment. */
type Terms = { readonly plan: Plan; readonly spendingLimit: NanoUsd };

const given = process.env.TURNPIKE_TEST_SEED;
const SEEDS = given === undefined ? [1, 2, Date.now() % 1_000_000] : [Number(given)];

const folder = mkdtempSync(join(tmpdir(), "turnpike-history-"));
afterAll(() => rmSync(folder, { recursive: true }));

for (const seed of SEEDS) {
  test(`${EVENTS} events of seed ${seed} neither overspend, nor lose, nor refuse without need`, async () => {
    const history = await History.start(join(folder, `${seed}.sqlite`), seed);
    for (let phase = 0; phase * PHASE_EVENTS < EVENTS; phase++) {
      // Every other phase has a store that fails now and then.
      await history.play(PHASE_EVENTS, phase % 2 === 0 ? 0 : 0.1);
      await history.check();
      expect({ seed, phase, faults: history.faults() }).toEqual({ seed, phase, faults: [] });
    }
    console.log(`seed ${seed}: ${history.summary()}`);
    await history.end();
  });
}

type Open = {
  readonly process: Process;
  readonly caller: Caller;
  readonly hold: Hold;
  readonly entry: ReturnType<Auditor["held"]>;
};

type Tally = Record<string, number>;

class History {
  private readonly world: World;
  private readonly random: Random;
  private readonly auditor: Auditor;
  private readonly callers: readonly Caller[] = PAYERS;
  private readonly terms = new Map<string, Terms>();
  private readonly limits = new Map<string, NanoUsd>();
  private open: Open[] = [];
  private requests = 0;
  private grants = 0;
  private readonly lost = new Map<Process, ReadonlyMap<string, bigint>>();
  private readonly tally: Tally = {};

  static async start(place: string, seed: number): Promise<History> {
    const random = randomFrom(seed);
    const world = await makeWorld(place, random, PLANS);
    for (let i = 0; i < PROCESSES; i++) await world.start();
    for (const { user, token } of PAYERS) await world.tenants.addUser(user, token);
    await world.organizations.add(ORG, MEMBERS[0]);
    for (const member of MEMBERS.slice(1)) await world.organizations.addMember(member);
    const history = new History(world, random);
    await history.openAll();
    return history;
  }

  private constructor(world: World, random: Random) {
    this.world = world;
    this.random = random;
    this.auditor = new Auditor(world.clock.now);
  }

  faults = (): readonly string[] => this.auditor.faults.slice(0, 5);
  summary = (): string =>
    Object.entries(this.tally)
      .map(([what, count]) => `${count} ${what}`)
      .join(", ");
  end = (): Promise<void> => this.world.close();

  async play(events: number, trouble: number): Promise<void> {
    // What a process could not report while the store was in trouble it reports at its next sweep.
    for (const process of this.world.processes) {
      await this.sweep(process);
      await process.late.settle([]);
    }
    this.world.trouble.share = trouble;
    for (let i = 0; i < events; i++) await this.event();
    this.world.trouble.share = 0;
  }

  private async event(): Promise<void> {
    const { random, world } = this;
    const process = random.pick(world.processes);
    const roll = random.below(1_000);
    if (roll < 250) await this.askSome();
    else if (roll < 600) await this.settleOne();
    else if (roll < 640) this.releaseOne();
    else if (roll < 700) await this.growOne();
    else if (roll < 730) await this.grant();
    else if (roll < 760) await this.changeTerms();
    else if (roll < 850) await this.passTime();
    else if (roll < 910) await this.sweep(process);
    else if (roll < 950) await this.drain(process);
    else if (roll < 970) await this.hearLater();
    else if (roll < 985) await this.expire();
    else if (roll < 988) await this.crash(process);
    else await this.recover();
  }

  /** Several callers at the same moment, on any of the processes. */
  private async askSome(): Promise<void> {
    const { random, world, auditor } = this;
    const asks = Array.from({ length: 1 + random.below(5) }, () => {
      const process = random.pick(world.processes);
      const caller = random.pick(this.callers);
      const amount = BigInt(random.below(ASK_MOST));
      return { process, caller, amount };
    });
    const questions: { question: Question; isRefused: boolean; what: string }[] = [];
    const isTroubled = world.trouble.share > 0;
    const answers = asks.map(async ({ process, caller, amount }) => {
      const buckets = this.bucketsFor(caller);
      const question = auditor.asked(buckets, amount);
      const expiresAt = world.clock.now() + HOLD_MS;
      const got = await hold(process, caller, amount, expiresAt).catch(() => "away" as const);
      if (got === "away") this.count("turned away by the store");
      else if (got === undefined) this.count("refused");
      else {
        this.count(got.amount < amount ? "clamped" : "held");
        // The month may have turned while this waited.
        this.bucketsFor(caller);
        const entry = auditor.held(got, buckets, got.amount);
        this.open.push({ process, caller, hold: got, entry });
      }
      // While the store fails, what is idle elsewhere cannot be had back, and too little may be found.
      const isShort = got !== "away" && (got?.amount ?? 0n) < amount;
      const what = `${process.node} for ${caller.user.id}`;
      questions.push({ question, isRefused: isShort && !isTroubled, what });
    });
    await world.finish(Promise.all(answers));
    for (const { question, isRefused, what } of questions) {
      auditor.answered(question, isRefused, what);
    }
  }

  private async settleOne(): Promise<void> {
    const one = this.takeOpen();
    if (!one) return;
    const { random, world, auditor } = this;
    const held = one.hold.amount;
    const cost = random.chance(0.25) ? held : BigInt(random.below(Number(held) * 2 + 2));
    const buckets = this.bucketsFor(one.caller);
    const wasOpen = one.hold.isOpen;
    const excess = cost - held;
    const question = excess > 0n && wasOpen ? auditor.asked(buckets, excess) : undefined;
    const id = `request-${++this.requests}`;
    const settlement = await world.finish(settle(one.process, one.caller, one.hold, { id, cost }));
    this.bucketsFor(one.caller);
    auditor.settled(settlement, buckets, wasOpen ? held : 0n);
    auditor.ended(one.hold);
    if (question) {
      const isRefused = settlement.overrun > 0n && world.trouble.share === 0;
      auditor.answered(question, isRefused, `the excess of ${id}`);
    }
    this.count(settlement.overrun > 0n ? "overrun" : "settled");
  }

  private releaseOne(): void {
    const one = this.takeOpen();
    if (!one) return;
    one.process.gateway.book.release(one.hold);
    this.auditor.ended(one.hold);
    this.count("released");
  }

  private async growOne(): Promise<void> {
    const one = this.open.length > 0 ? this.random.pick(this.open) : undefined;
    if (!one?.hold.isOpen) return;
    const more = nanoUsd(BigInt(this.random.below(ASK_MOST)));
    const { book, clock } = one.process.gateway;
    this.auditor.grew(one.entry, book.extend(one.hold, more, clock.now()));
    this.count("grown");
  }

  /** Credit beside the plan, some of it for a short time. */
  private async grant(): Promise<void> {
    const { random, world, auditor } = this;
    const { payer } = random.pick(this.callers);
    const at = world.clock.now();
    const grant = extraGrant(fundsBucketOf(payer), {
      id: `${++this.grants}`,
      kind: random.pick(["promotional", "purchased"] as const),
      amount: nanoUsd(BigInt(1 + random.below(GRANT_MOST))),
      at,
      expiresAt: random.chance(0.5) ? at + 1 + random.below(20 * 60_000) : undefined,
    });
    auditor.opened(grant.id, grant.bucket, grant.amount, grant.expiresAt);
    // Nothing tells the caller whether a failed grant was made; the same id again is the same grant.
    while (true) {
      const made = await world.store.grant(grant).then(
        () => true,
        () => false,
      );
      if (made) break;
    }
    this.count("granted");
  }

  /** Another plan, another spending limit, or both; every process hears of it at once. */
  private async changeTerms(): Promise<void> {
    const { random, world } = this;
    // A month that has just begun opens by the terms it began with.
    await this.openAll();
    const { payer } = random.pick(this.callers);
    const plan = random.pick([...PLANS.values()]);
    const spendingLimit = nanoUsd(BigInt(random.below(LIMIT_MOST)));
    const { setTerms } = payer.kind === "org" ? world.organizations : world.tenants;
    await setTerms(payer.id, { plan: plan.name, spendingLimit });
    this.terms.set(payer.id, { plan, spendingLimit });
    if (payer.kind === "org") await this.changeLimits();
    await world.spreadNews();
    await this.openAll();
    this.count("changes of terms");
  }

  /** The organization's monthly limit, and that of one of its members. */
  private async changeLimits(): Promise<void> {
    const { random, world } = this;
    const amount = () => nanoUsd(BigInt(random.below(ORG_LIMIT_MOST)));
    const member = random.pick(MEMBERS);
    const [org, own] = [amount(), amount()];
    await world.organizations.setLimits(ORG.id, { org, members: new Map([[member.userId, own]]) });
    this.limits.set(orgLimitBucketOf(ORG), org);
    this.limits.set(memberBucketOf(member), own);
  }

  /** Opens and resizes what is due at this moment, in the store and in the auditor's books. */
  private async openAll(): Promise<void> {
    const { world } = this;
    for (const caller of this.callers) {
      for (const bucket of caller.bucketIds) await world.real.credit(bucket, world.clock.now());
      this.bucketsFor(caller);
    }
  }

  private async passTime(): Promise<void> {
    const { random, world } = this;
    const monthOf = () => periodAt(CALENDAR, world.clock.now()).name;
    const month = monthOf();
    const roll = random.below(1_000);
    if (roll < 700) world.advance(random.below(2_000));
    else if (roll < 980) world.advance(5_000 + random.below(30_000));
    else if (roll < 995) world.advance(3_600_000);
    else world.setTime(periodAt(CALENDAR, world.clock.now()).end - 1 + random.below(3));
    if (monthOf() !== month) await this.openAll();
    this.count("moves of the clock");
  }

  /** What every process does each second. */
  private async sweep({ gateway }: Process): Promise<void> {
    const { world, auditor } = this;
    const now = world.clock.now();
    const before = this.open.filter((one) => one.process.gateway === gateway);
    const released = gateway.book.releaseExpired(now);
    const expired = before.filter(({ hold: { expiresAt } }) => expiresAt <= now);
    const stillOpen = expired.filter(({ hold: { isOpen } }) => isOpen);
    if (stillOpen.length > 0) auditor.fault(`${stillOpen.length} holds outlived their time`);
    for (const one of expired) auditor.ended(one.hold);
    this.count("expired holds", released);
    await world.finish(gateway.keeper.returnIdle()).catch(() => undefined);
  }

  /** Some of the spool; now and then from too early a place, as after a crash. */
  private async drain(process: Process): Promise<void> {
    const { random, world } = this;
    const from = random.chance(0.2) ? Math.max(0, process.drained - 3) : process.drained;
    const settlements = process.spool.slice(from, process.drained + 1 + random.below(40));
    if (settlements.length === 0) return;
    const end = from + settlements.length;
    const upTo = { segment: 0, offset: end };
    const awaited = this.awaitedAmong(settlements);
    const batch = { node: process.node, settlements, awaited, upTo };
    const isDone = await world.store.applySettlements(batch).then(
      () => true,
      () => false,
    );
    if (isDone) process.drained = Math.max(process.drained, end);
    this.count("drains");
  }

  /** Every other request is with a provider that says later what it cost. */
  private awaitedAmong(settlements: readonly Settlement[]): AwaitedCost[] {
    return settlements
      .filter(({ id }) => Number(id.slice(-1)) % 2 === 0)
      .map((settlement) => {
        const { id: requestId, profile, at } = settlement;
        const { provider } = profile;
        const caller = this.callers.find(({ user }) => user.id === profile.userId);
        const bucketIds = caller?.bucketIds ?? [];
        return { requestId, provider, providerRequestId: `its ${requestId}`, bucketIds, at };
      });
  }

  /** A provider speaks of some requests: to one process, or to several at once and not the same. */
  private async hearLater(): Promise<void> {
    const { random, world, auditor } = this;
    const isAlone = random.chance(0.7);
    const hearing = isAlone ? [random.pick(world.processes)] : world.processes;
    const waiting = await world.realLate.waiting({
      provider: "acme",
      endedBy: Number.MAX_SAFE_INTEGER,
      after: `request-${random.below(this.requests + 1)}`,
      count: 1 + random.below(6),
    });
    const told = hearing.map(() => waiting.map((each) => this.tellOf(each)));
    const questions = (told[0] ?? []).flatMap(
      ({ waiting: { requestId, cost, bucketIds }, ...said }) =>
        isAlone && said.cost > cost
          ? [{ requestId, question: auditor.asked(bucketIds, said.cost - cost) }]
          : [],
    );
    const settled = hearing.map((process, i) =>
      process.late.settle(told[i] ?? []).catch(() => this.count("late costs kept from the store")),
    );
    await world.finish(Promise.all(settled));
    const stillWaiting = await world.realLate.waiting({
      provider: "acme",
      endedBy: Number.MAX_SAFE_INTEGER,
      after: "",
      count: 1_000_000,
    });
    const isWaiting = new Set(stillWaiting.map(({ requestId }) => requestId));
    // The month may have turned while this waited.
    for (const caller of this.callers) this.bucketsFor(caller);
    const overruns = new Map<string, bigint>();
    for (const [i, { requestId, bucketIds }] of waiting.entries()) {
      if (isWaiting.has(requestId)) continue;
      const entries = await lateEntries(world.database, requestId);
      const said = told.map((each) => BigInt(each[i]?.cost ?? 0n));
      overruns.set(requestId, auditor.toldLater(requestId, bucketIds, said, entries));
      this.count("told later");
    }
    for (const { requestId, question } of questions) {
      const isRefused = (overruns.get(requestId) ?? 0n) > 0n && world.trouble.share === 0;
      auditor.answered(question, isRefused, `the late cost of ${requestId}`);
    }
  }

  private tellOf(waiting: WaitingCost): Told {
    const { random } = this;
    if (random.chance(0.1)) return { waiting, outcome: "unbilled", cost: nanoUsd(0n) };
    const cost = random.chance(0.2)
      ? waiting.cost
      : nanoUsd(BigInt(random.below(Number(waiting.cost) * 2 + 50)));
    return { waiting, outcome: "billed", cost };
  }

  private async expire(): Promise<void> {
    await this.world.store.expireAccounts(this.world.clock.now()).catch(() => 0);
    this.count("expiries");
  }

  /** The process is gone with its holds and all it knew; its spool is left. */
  private async crash(process: Process): Promise<void> {
    const { world, auditor } = this;
    world.crash(process);
    for (const one of this.open.filter((each) => each.process === process)) {
      auditor.ended(one.hold);
    }
    this.open = this.open.filter((each) => each.process !== process);
    const out = await outstanding(world.database, process);
    this.lost.set(process, out);
    auditor.died(out);
    await world.start();
    this.count("crashes");
  }

  private async recover(): Promise<void> {
    const { world, auditor, random } = this;
    const [process] = world.dead;
    if (!process) return;
    const settlements = process.spool.slice(Math.max(0, process.drained - random.below(5)));
    const upTo = { segment: 0, offset: process.spool.length };
    const isDrained = await world.store
      .applySettlements({
        node: process.node,
        settlements,
        awaited: this.awaitedAmong(settlements),
        upTo,
      })
      .then(
        () => true,
        () => false,
      );
    if (!isDrained) return;
    await world.real.closeNode(process.node, world.clock.now());
    world.dead.shift();
    auditor.recovered(this.lost.get(process) ?? new Map());
    this.count("recoveries");
  }

  /** Brings everything to rest and compares every account with the auditor's. */
  async check(): Promise<void> {
    const { world, auditor } = this;
    for (const one of [...this.open]) {
      one.process.gateway.book.release(one.hold);
      auditor.ended(one.hold);
    }
    this.open = [];
    for (const process of world.processes) await process.late.settle([]);
    while (world.dead.length > 0) await this.recover();
    for (const process of world.processes) {
      while (process.drained < process.spool.length) await this.drain(process);
    }
    // What was held when it was to be given back is reported by the next sweep.
    for (const process of world.processes) await this.sweep(process);
    await this.openAll();
    await this.expire();
    await this.compareAccounts();
    await this.compareRequests();
    const audit = await world.real.audit();
    for (const fault of audit.faults) auditor.fault(`the audit: ${fault}`);
    await this.compareAllReturned();
  }

  private async compareAccounts(): Promise<void> {
    const { world, auditor } = this;
    const { db } = world.database;
    const rows = await db.selectFrom("accounts").selectAll().execute();
    const balances = new Map(rows.map((row) => [row.id, row]));
    if (rows.reduce((sum, { balance }) => sum + balance, 0n) !== 0n) {
      auditor.fault("all balances together are not zero");
    }
    for (const [id, account] of auditor.accounts) {
      const left = account.amount - account.charged;
      const row = balances.get(id);
      const isOver = account.expiresAt <= world.clock.now();
      const is = row?.balance ?? 0n;
      // Of what has expired only what processes still hold is there yet; of a month in which nobody asked, nothing.
      const isRight = isOver ? is === (row?.leased ?? 0n) : is === left;
      if (!isRight) auditor.fault(`${id}: ${is} in the store, ${left} in the auditor's books`);
    }
    const owed = [...auditor.charges.values()].reduce((sum, charge) => sum + charge, 0n);
    const provider = balances.get("provider:acme")?.balance ?? 0n;
    if (provider !== owed + auditor.overrun) auditor.fault(`${provider} owed, not ${owed}`);
    const overrun = -(balances.get("overrun")?.balance ?? 0n);
    if (overrun !== auditor.overrun) auditor.fault(`${overrun} overrun, not ${auditor.overrun}`);
  }

  private async compareRequests(): Promise<void> {
    const rows = await this.world.database.db.selectFrom("requests").selectAll().execute();
    const stored = new Map(rows.map((row) => [row.id, row.cost - row.overrun]));
    for (const [id, charge] of this.auditor.charges) {
      if (stored.get(id) !== charge) this.auditor.fault(`${id}: ${stored.get(id)}, not ${charge}`);
    }
    if (rows.length !== this.auditor.charges.size) this.auditor.fault("requests from nowhere");
  }

  /** With no hold open, all that a process has goes back, and is there for anyone. */
  private async compareAllReturned(): Promise<void> {
    const { world, auditor } = this;
    for (const { gateway } of world.processes) {
      // A sweep makes good the answers that a store in trouble lost.
      await world.finish(gateway.keeper.returnIdle());
      await world.finish(gateway.keeper.returnAll());
    }
    const rows = await world.database.db.selectFrom("accounts").selectAll().execute();
    for (const { id, leased } of rows) {
      if (leased !== 0n) auditor.fault(`${id}: ${leased} is leased by processes that have nothing`);
    }
    for (const caller of this.callers) {
      for (const bucket of this.bucketsFor(caller)) {
        const view = await world.real.credit(bucket, world.clock.now());
        const left = view.accounts.reduce((sum, account) => sum + account.left, 0n);
        const funds = auditor.funds(bucket);
        if (left !== funds) auditor.fault(`${bucket}: ${left} left, not ${funds}`);
      }
    }
  }

  /** The buckets of a caller by the rules, with what this month brings in the auditor's books. */
  private bucketsFor({ payer, payerId: funds, token, bucketIds }: Caller): readonly string[] {
    const { auditor } = this;
    const month = periodAt(CALENDAR, this.world.clock.now());
    const { plan, spendingLimit } = this.terms.get(payer.id) ?? termsOf(payer);
    const included = `grant:${funds}:plan:${month.name}`;
    const already = auditor.accounts.get(included)?.size ?? 0n;
    // What a plan includes only grows until the month is over.
    const size = plan.monthlyCredit > already ? plan.monthlyCredit : already;
    this.due(included, funds, size, month.end);
    const account = `grant:${funds}:pay_as_you_go:${month.name}`;
    this.due(account, funds, headroom(plan, { seats: 0, spendingLimit }), month.end);
    if (token.budget) {
      const [isMonthly, budget] = [token.budget.period === "month", `token:${token.id}`];
      const id = `limit:${budget}:${isMonthly ? month.name : "total"}`;
      auditor.opened(id, budget, token.budget.amount, isMonthly ? month.end : undefined);
    }
    for (const bucket of bucketIds.filter((id) => /^(org-limit|member):/.test(id))) {
      const size = this.limits.get(bucket) ?? ORG_LIMIT;
      const id = `limit:${bucket}:${month.name}`;
      auditor.opened(id, bucket, size, month.end);
      auditor.resized(id, size);
    }
    return bucketIds;
  }

  private due(id: string, bucket: string, size: bigint, end: number): void {
    if (size > 0n) this.auditor.opened(id, bucket, size, end);
    this.auditor.resized(id, size);
  }

  private takeOpen(): Open | undefined {
    if (this.open.length === 0) return undefined;
    return this.open.splice(this.random.below(this.open.length), 1)[0];
  }

  private count(what: string, by = 1): void {
    this.tally[what] = (this.tally[what] ?? 0) + by;
  }
}

const termsOf = (payer: Payer): Terms => ({
  plan: PLANS.get(payer.plan) ?? planOf(payer.plan),
  spendingLimit: payer.spendingLimit ?? nanoUsd(0n),
});

/** A user with one token, a stranger to everything that does not matter to money. */
function payer(id: string, plan: string, budget?: Budget): Caller {
  const user: User = {
    kind: "user",
    id,
    name: id,
    role: "user",
    plan,
    seats: 0,
    spendingLimit: undefined,
    anchor: CALENDAR,
    providerOrder: [],
    disabledProviders: [],
    createdAt: 0,
    disabledAt: undefined,
  };
  const token: AccessToken = {
    id: `token-of-${id}`,
    userId: id,
    name: "first",
    hash: id,
    mask: "…",
    scopes: ["inference"],
    createdAt: 0,
    expiresAt: undefined,
    revokedAt: undefined,
    budget,
  };
  return callerOf(user, token);
}

const ORG: Organization = {
  kind: "org",
  type: "customer",
  id: "acme",
  name: "acme",
  plan: "pro",
  seats: 2,
  spendingLimit: undefined,
  anchor: CALENDAR,
  limit: ORG_LIMIT,
  disabledProviders: [],
  access: "everyone",
  createdAt: 0,
};

const memberOf = ({ user }: Caller): Member => ({
  orgId: ORG.id,
  userId: user.id,
  role: "owner",
  limit: ORG_LIMIT,
  joinedAt: 0,
});

const [EVE, FAY] = [
  payer("eve", "none"),
  payer("fay", "none", { amount: nanoUsd(900n), period: "month" }),
];
const MEMBERS = [memberOf(EVE), memberOf(FAY)];

/** They pay for themselves, but for two who have an organization pay. */
const PAYERS: readonly Caller[] = [
  payer("ada", "free"),
  payer("bob", "none"),
  payer("cyd", "free", { amount: nanoUsd(2_000n), period: "month" }),
  payer("dan", "none", { amount: nanoUsd(20_000n), period: "total" }),
  ...[EVE, FAY].map((each) =>
    callerFor(each, { org: ORG, member: memberOf(each), group: undefined }),
  ),
];
