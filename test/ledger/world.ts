/** Some processes that serve the same payers from one real store, on a clock that is moved by hand. */
import { coverAndTake, extendHold } from "../../src/gateway/money/funds.js";
import { LateBilling } from "../../src/gateway/money/late-billing.js";
import { LeaseKeeper } from "../../src/gateway/money/lease-keeper.js";
import type { Gateway } from "../../src/gateway/parts.js";
import { noLog } from "../../src/kernel/log.js";
import { least, type NanoUsd, nanoUsd } from "../../src/kernel/money.js";
import type { Hold } from "../../src/ledger/bucket-lease.js";
import { LeaseBook } from "../../src/ledger/lease-book.js";
import type { Settlement } from "../../src/ledger/store.js";
import { changeFeed } from "../../src/store/changes.js";
import type { Database } from "../../src/store/database.js";
import { lateCostStore } from "../../src/store/late-costs/late-costs.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { openStore } from "../../src/store/open.js";
import { organizationStore } from "../../src/store/tenants/organizations.js";
import { tenantStore } from "../../src/store/tenants/tenants.js";
import type { Caller } from "../../src/tenants/caller.js";
import type { Plans } from "../../src/tenants/plan.js";
import { manualClock } from "../support/clock.js";
import { settlementOf } from "../support/ledger.js";
import type { Random } from "../support/random.js";

/** Two days before a month ends. */
const START = Date.UTC(2026, 0, 30);
/** Moves the clock a little whenever nothing goes on without it. */
const NUDGE_MS = 5;
const TURNS_MAX = 20_000;

export type Process = {
  readonly node: string;
  readonly gateway: Gateway;
  readonly late: LateBilling;
  /** Everything this process settled, in order, with how far it was drained. */
  readonly spool: Settlement[];
  drained: number;
};

/** Nobody takes a claim away in these histories. */
const ALWAYS = { ensure: async () => {} };

export type World = Awaited<ReturnType<typeof makeWorld>>;

export async function makeWorld(place: string, random: Random, plans: Plans) {
  const database = await openStore(place);
  const { clock, advance, setTime } = manualClock(START);
  const real = ledgerStore(database, plans);
  const trouble = { share: 0 };
  const store = troubled(real, random, trouble);
  const realLate = lateCostStore(database);
  const lateStore = troubled(realLate, random, trouble);
  const processes: Process[] = [];
  const dead: Process[] = [];
  const seen = { seq: 0 };
  const feed = changeFeed(database);
  let count = 0;

  const start = async (): Promise<Process> => {
    const node = `node-${++count}`;
    await real.openNode(node, clock.now());
    const book = new LeaseBook();
    const gateway = {
      node,
      clock,
      book,
      keeper: new LeaseKeeper({ node, book, store, claim: ALWAYS, clock, log: noLog }),
    } as unknown as Gateway;
    const late = new LateBilling(gateway, lateStore);
    const process = { node, gateway, late, spool: [], drained: 0 };
    processes.push(process);
    return process;
  };

  /** Tells every process of what others ask back, as the change feed would. */
  const deliverChanges = async (): Promise<void> => {
    for (const { seq, topic, key, node } of await feed.since(seen.seq)) {
      seen.seq = seq;
      for (const process of processes) {
        const { keeper } = process.gateway;
        if (process.node === node || topic === "user") continue;
        // Where the store is in trouble a process tries again at its next turn; here, another recall has to do.
        await (topic === "lowered" ? keeper.surrender(key) : keeper.answerRecall(key, seq)).catch(
          () => undefined,
        );
      }
    }
  };

  /** Lets everything under way come to its end. */
  const finish = async <Result>(work: Promise<Result>): Promise<Result> => {
    let isDone = false;
    const settled = work.finally(() => {
      isDone = true;
    });
    settled.catch(() => undefined);
    for (let turn = 0; !isDone; turn++) {
      if (turn > TURNS_MAX) throw new Error("something never ended");
      await deliverChanges();
      await new Promise((resolve) => setImmediate(resolve));
      if (!isDone && turn % 2 === 1) advance(NUDGE_MS);
    }
    return settled;
  };

  return {
    database,
    store,
    real,
    realLate,
    clock,
    advance,
    setTime,
    trouble,
    processes,
    dead,
    tenants: tenantStore(database, "the operator", clock),
    organizations: organizationStore(database, "the operator", clock),
    start,
    finish,
    /** Lets every process hear of all changes so far. */
    spreadNews: () => finish(Promise.resolve()),
    /** How often anything was asked back. */
    recalls: async (): Promise<number> =>
      (await feed.since(0)).filter(({ topic }) => topic === "recall").length,
    crash: (process: Process): void => {
      processes.splice(processes.indexOf(process), 1);
      dead.push(process);
    },
    close: () => database.close(),
  };
}

/** The store as it is on a bad day: a call fails before it did anything, or after, when its answer gets lost. */
function troubled<Store extends object>(
  store: Store,
  random: Random,
  trouble: { share: number },
): Store {
  const away = () => random.chance(trouble.share / 2);
  return new Proxy(store, {
    get: (target, name) => {
      const call = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        if (away()) throw new Error("the store is away");
        const answer = await call(...args);
        if (away()) throw new Error("the store's answer got lost");
        return answer;
      };
    },
  });
}

/**
 * As `holdFor` does it: at once where the lease covers it, else after asking the store, and where that is not
 * enough, as much as there is. Undefined when there is nothing.
 */
export async function hold(
  { gateway }: Process,
  caller: Caller,
  amount: bigint,
  expiresAt: number,
): Promise<Hold | undefined> {
  const { book, clock } = gateway;
  const ids = caller.bucketIds;
  const take = (some: NanoUsd): Hold | undefined => {
    const answer = book.hold(ids, some, clock.now(), expiresAt);
    return answer.ok ? answer.hold : undefined;
  };
  const wanted = nanoUsd(amount);
  const whole = take(wanted) ?? (await coverAndTake(gateway, caller, wanted, () => take(wanted)));
  if (whole) return whole;
  const rest = ids.map((id) => book.free(id, clock.now())).reduce(least);
  return rest === 0n ? undefined : take(rest);
}

/** As `settle` does it: what the hold lacks is looked for everywhere before it becomes an overrun. */
export async function settle(
  process: Process,
  caller: Caller,
  open: Hold,
  { id, cost }: { readonly id: string; readonly cost: bigint },
): Promise<Settlement> {
  const { gateway, spool } = process;
  const excess = nanoUsd(cost - open.amount);
  if (excess > 0n && open.isOpen) {
    const extend = () => extendHold(gateway, caller, open, excess);
    if (!extend()) await coverAndTake(gateway, caller, excess, extend).catch(() => undefined);
  }
  const charge = gateway.book.settle(open, nanoUsd(cost), gateway.clock.now());
  for (const id of caller.bucketIds) {
    if (gateway.keeper.isLow(id)) gateway.keeper.renew(id);
  }
  const settlement = settlementOf(
    id,
    {},
    {
      at: gateway.clock.now(),
      cost: nanoUsd(cost),
      debits: charge.debits,
      overrun: charge.overrun,
      userId: caller.user.id,
      tokenId: caller.token.id,
    },
  );
  spool.push(settlement);
  return settlement;
}

/** What a process has out of a bucket, as the store knows it, less what it settled and did not drain. */
export async function outstanding(
  { db }: Database,
  process: Process,
): Promise<ReadonlyMap<string, bigint>> {
  const leases = await db
    .selectFrom("leases")
    .selectAll()
    .where("node", "=", process.node)
    .execute();
  // Where an answer got lost, the store has drained more than the process knows.
  const rows = await db.selectFrom("requests").select("id").execute();
  const drained = new Set(rows.map(({ id }) => id));
  const undrained = process.spool
    .slice(process.drained)
    .filter(({ id }) => !drained.has(id))
    .flatMap(({ debits }) => debits);
  const out = new Map<string, bigint>();
  for (const lease of leases) {
    const charged = undrained
      .filter(({ account }) => account === lease.account)
      .reduce((sum, { amount }) => sum + amount, 0n);
    const rest = lease.taken - lease.returned - lease.settled - charged;
    out.set(lease.account, rest);
  }
  return out;
}

/** What a request costs by the store's books, and what its provider's later word moved. */
export async function lateEntries({ db }: Database, requestId: string) {
  const request = await db
    .selectFrom("requests")
    .select(["cost", "overrun", "counted"])
    .where("id", "=", requestId)
    .executeTakeFirstOrThrow();
  const transfers = await db
    .selectFrom("transfers")
    .select(["debit", "credit", "amount"])
    .where("id", "like", `${requestId}/late/%`)
    .execute();
  return { ...request, transfers };
}

export type LateEntries = Awaited<ReturnType<typeof lateEntries>>;
