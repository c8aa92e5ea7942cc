/** Nodes that fall silent, in one process: real books, keepers and store, each node with a clock of its own. */
import { afterAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Claim } from "../../src/gateway/money/claim.js";
import { LeaseKeeper } from "../../src/gateway/money/lease-keeper.js";
import { claimWatch } from "../../src/jobs/watch-claims.js";
import type { Clock } from "../../src/kernel/clock.js";
import { noLog } from "../../src/kernel/log.js";
import { type NanoUsd, nanoUsd } from "../../src/kernel/money.js";
import type { Hold } from "../../src/ledger/bucket-lease.js";
import { fenceAfterMs } from "../../src/ledger/claim.js";
import { LeaseBook } from "../../src/ledger/lease-book.js";
import type { LedgerStore, Settlement } from "../../src/ledger/store.js";
import type { Database } from "../../src/store/database.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { openStore } from "../../src/store/open.js";
import { AT, batchOf, grantOf, settlementOf, standing } from "../support/ledger.js";
import { randomFrom } from "../support/random.js";

const FUNDS = "user:ada";
const VALID_MS = 9_000;
const EVERY_MS = 1_000;

const folder = mkdtempSync(join(tmpdir(), "turnpike-claims-"));
afterAll(() => rmSync(folder, { recursive: true }));

let database: Database;
let store: LedgerStore;
let files = 0;
beforeEach(async () => {
  database = await openStore(join(folder, `${++files}.sqlite`));
  store = ledgerStore(database);
  await store.grant(grantOf(FUNDS, 100n));
});

/** Both of its clocks can be moved alone: the one may be turned back, the other stands while a machine sleeps. */
function ownClock() {
  const at = { now: AT, elapsed: 0 };
  const clock: Clock = {
    now: () => at.now,
    elapsed: () => at.elapsed,
    sleep: async (ms) => pass(ms),
  };
  const pass = (ms: number): void => {
    at.now += ms;
    at.elapsed += ms;
  };
  return { clock, at, pass };
}

async function startNode(node: string, validMs = VALID_MS) {
  const { clock, at, pass } = ownClock();
  const line = { isCut: false };
  const reached = new Proxy(store, {
    get: (target, name: keyof LedgerStore) => {
      const call = target[name] as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        if (line.isCut) throw new Error("the store is away");
        return call(...args);
      };
    },
  });
  const spool: Settlement[] = [];
  const book = new LeaseBook();
  const told = { catchUps: 0 };
  await store.openNode(node, clock.now(), { host: "", validMs });
  const claim: Claim = new Claim({
    node,
    validMs,
    book,
    store: reached,
    clock,
    log: noLog,
    windUp: async () => {
      await keeper.dropReturns();
      await reached.applySettlements(batchOf(node, spool.splice(0)));
    },
    catchUp: async () => {
      told.catchUps++;
    },
  });
  const keeper = new LeaseKeeper({ node, book, store: reached, claim, clock, log: noLog });
  await claim.renew();
  const watch = claimWatch({ node, store: reached, clock, log: noLog, everyMs: EVERY_MS });
  const hold = (amount: bigint): Hold | undefined => {
    const answer = book.hold([FUNDS], nanoUsd(amount), clock.now(), clock.now() + 60_000);
    return answer.ok ? answer.hold : undefined;
  };
  return {
    node,
    claim,
    keeper,
    book,
    line,
    at,
    pass,
    watch,
    told,
    hold,
    free: (): bigint => book.free(FUNDS, clock.now()),
    cover: async (amount: bigint, atLeast = amount) => {
      const asking = { ask: keeper.newAsk(), atLeast: nanoUsd(atLeast) };
      return (await keeper.cover([FUNDS], nanoUsd(amount), asking, () => undefined)).cover;
    },
    /** Settles as the gateway does, and spools it. */
    settle: (id: string, open: Hold, cost: bigint): { charged: NanoUsd; overrun: NanoUsd } => {
      const charge = book.settle(open, nanoUsd(cost), clock.now());
      spool.push(settlementOf(id, {}, { cost: nanoUsd(cost), ...charge }));
      return charge;
    },
    drain: () => reached.applySettlements(batchOf(node, spool.splice(0))),
    /** Lives on for a while: renews where it can, and looks after the others. */
    live: async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += EVERY_MS) {
        pass(EVERY_MS);
        await claim.renew().catch(() => undefined);
        await watch().catch(() => undefined);
      }
    },
  };
}

const openNodes = async (): Promise<string[]> =>
  (await store.otherClaims("")).map(({ node }) => node).sort();

const expectBalanced = async (): Promise<void> => {
  expect(await store.audit()).toMatchObject({ balanced: true, faults: [] });
};

test("a node that cannot renew its claim stops holding when it is over, and holds again when it can", async () => {
  const a = await startNode("a");
  expect(await a.cover(50n)).toBe("covered");
  a.line.isCut = true;
  a.pass(VALID_MS - 1);
  expect(a.hold(10n)).toBeDefined();
  a.pass(1);
  expect(a.free()).toBe(0n);
  expect(a.hold(10n)).toBeUndefined();
  await expect(a.cover(10n)).rejects.toMatchObject({ code: "store_unavailable" });
  a.line.isCut = false;
  expect(await a.cover(10n)).toBe("covered");
  expect(a.free()).toBeGreaterThanOrEqual(40n);
  await expectBalanced();
});

test("what is held when the claim runs out is settled as if nothing was, and grows no more", async () => {
  const a = await startNode("a");
  await a.cover(50n);
  const open = a.hold(30n);
  a.line.isCut = true;
  a.pass(VALID_MS);
  if (!open) throw new Error("not held");
  expect(a.book.extend(open, nanoUsd(5n), a.at.now)).toBe(nanoUsd(0n));
  expect(a.settle("r1", open, 25n)).toMatchObject({ charged: 25n, overrun: 0n });
  a.line.isCut = false;
  await a.drain();
  expect(await standing(store, FUNDS)).toMatchObject({ left: 75n, spent: 25n });
  await expectBalanced();
});

test("neither a clock that is turned back nor one that stood still makes a claim last longer", async () => {
  const a = await startNode("a");
  await a.cover(50n);
  a.line.isCut = true;
  a.pass(VALID_MS);
  // The clock on the wall says that hardly any time went by.
  a.at.now -= VALID_MS - 10;
  a.claim.check();
  expect(a.hold(1n)).toBeUndefined();

  const b = await startNode("b");
  await b.cover(10n);
  b.line.isCut = true;
  // The machine slept.
  b.at.now += VALID_MS;
  expect(b.hold(1n)).toBeUndefined();
});

test("nobody is fenced who may still hold, whatever the moments at which it is looked at", async () => {
  const random = randomFrom(7);
  for (let round = 0; round < 20; round++) {
    const a = await startNode(`a-${round}`);
    const b = await startNode(`b-${round}`);
    let silentMs = 0;
    const step = async (isRenewing: boolean): Promise<void> => {
      const ms = 1 + random.below(900);
      for (const one of [a, b]) one.pass(ms);
      if (isRenewing) await a.claim.renew();
      silentMs = isRenewing ? 0 : silentMs + ms;
      await b.claim.renew();
      await b.watch();
    };
    for (let i = 0; i < 5; i++) await step(random.chance(0.5));
    while ((await openNodes()).includes(a.node)) await step(false);
    expect(silentMs).toBeGreaterThanOrEqual(fenceAfterMs(VALID_MS));
    expect(silentMs).toBeLessThan(fenceAfterMs(VALID_MS) + 3 * EVERY_MS);
    expect(a.hold(0n)).toBeDefined();
    expect(a.free()).toBe(0n);
    await store.closeNode(b.node, AT);
  }
});

test("a node that dies has its lease taken over within the bound, where somebody needs it", async () => {
  const a = await startNode("a");
  const b = await startNode("b");
  await a.cover(70n);
  const took = b.cover(60n);
  expect(await took).toBe("unsure");
  await b.live(fenceAfterMs(VALID_MS) + 2 * EVERY_MS);
  expect(await openNodes()).toEqual(["b"]);
  expect(await b.cover(60n)).toBe("covered");
  await expectBalanced();
});

test("after the store was away for long, everybody has the full time again", async () => {
  const a = await startNode("a");
  const b = await startNode("b");
  await b.live(2 * EVERY_MS);
  b.line.isCut = true;
  await b.live(60 * EVERY_MS);
  b.line.isCut = false;
  await b.live(fenceAfterMs(VALID_MS) - EVERY_MS);
  expect(await openNodes()).toEqual(["a", "b"]);
  await b.live(3 * EVERY_MS);
  expect(await openNodes()).toEqual(["b"]);
  expect(a.node).toBe("a");
});

test("a fenced node pays for what it settled out of what was kept back, and begins anew with nothing", async () => {
  const a = await startNode("a");
  const b = await startNode("b");
  await a.cover(60n);
  const open = a.hold(40n);
  if (!open) throw new Error("not held");
  a.line.isCut = true;
  a.settle("r1", open, 40n);
  await b.live(fenceAfterMs(VALID_MS) + 2 * EVERY_MS);
  a.pass(fenceAfterMs(VALID_MS) + 2 * EVERY_MS);
  a.line.isCut = false;
  await a.claim.renew();
  expect(a.told.catchUps).toBe(1);
  expect(await standing(store, FUNDS)).toEqual({ left: 60n, leased: 0n, spent: 40n });
  expect(a.free()).toBe(0n);
  expect(await a.cover(20n)).toBe("covered");
  await expectBalanced();
});

test("a fenced node that wakes with a lease in its memory spends nothing of it", async () => {
  const a = await startNode("a");
  const b = await startNode("b");
  await a.cover(100n);
  await b.live(fenceAfterMs(VALID_MS) + 2 * EVERY_MS);
  expect(await b.cover(100n)).toBe("covered");
  a.pass(fenceAfterMs(VALID_MS) + 2 * EVERY_MS);
  expect(a.hold(1n)).toBeUndefined();
  await a.claim.renew();
  expect(a.free()).toBe(0n);
  expect(a.hold(1n)).toBeUndefined();
  await expectBalanced();
});

test("what was under way in a fenced node is charged to what is left, and no further", async () => {
  const a = await startNode("a");
  const b = await startNode("b");
  await a.cover(50n);
  const [first, second] = [a.hold(20n), a.hold(20n)];
  if (!first || !second) throw new Error("not held");
  await b.live(fenceAfterMs(VALID_MS) + 2 * EVERY_MS);
  expect(await b.cover(70n)).toBe("covered");
  a.pass(fenceAfterMs(VALID_MS) + 2 * EVERY_MS);
  await a.claim.renew();
  // As the gateway does where a hold is too small: what is there is looked for, and held beside.
  expect(await a.cover(20n)).toBe("covered");
  expect(a.settle("r1", first, 20n)).toMatchObject({ charged: 20n, overrun: 0n });
  expect(await a.cover(20n, 0n)).not.toBe("covered");
  const { charged, overrun } = a.settle("r2", second, 20n);
  expect(charged + overrun).toBe(20n);
  expect(overrun).toBeGreaterThan(0n);
  await a.drain();
  const held = b.hold(70n);
  if (!held) throw new Error("not held");
  b.settle("r3", held, 70n);
  await b.drain();
  const { spent } = await standing(store, FUNDS);
  expect(spent).toBe(90n + charged);
  expect(spent).toBeLessThanOrEqual(100n);
  await expectBalanced();
});

test("a lease whose answer comes after the node was fenced is not counted on", async () => {
  const a = await startNode("a");
  const b = await startNode("b");
  await b.live(2 * EVERY_MS);
  // The store grants it; before the answer arrives, the node is fenced and has begun anew.
  const { takeLease } = store;
  let release = (): void => {};
  const stuck = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slowly: LedgerStore["takeLease"] = async (request) => {
    const answer = await takeLease(request);
    if (request.node === "a") await stuck;
    return answer;
  };
  Object.assign(store, { takeLease: slowly });
  const covering = a.cover(80n);
  await Bun.sleep(5);
  Object.assign(store, { takeLease });
  await b.live(fenceAfterMs(VALID_MS) + 2 * EVERY_MS);
  expect(await b.cover(60n)).toBe("covered");
  a.pass(fenceAfterMs(VALID_MS) + 2 * EVERY_MS);
  await a.claim.renew();
  release();
  // Of the 100, b has 60: a can have no more than 40, and no 80 that were taken away.
  expect(await covering).not.toBe("covered");
  expect(a.free()).toBeLessThanOrEqual(40n);
  await expectBalanced();
});

test("what was idle for a while is given back, and then forgotten by node and store", async () => {
  const a = await startNode("a");
  await a.cover(50n);
  const open = a.hold(30n);
  if (!open) throw new Error("not held");
  a.settle("r1", open, 30n);
  await a.live(11_000);
  await a.keeper.returnIdle();
  expect(a.book.has(FUNDS)).toBe(true);
  await a.drain();
  await a.keeper.returnIdle();
  expect(a.book.has(FUNDS)).toBe(false);
  expect(a.book.bucketIds()).toEqual([]);
  expect(await database.db.selectFrom("leases").selectAll().execute()).toEqual([]);
  expect(await a.cover(70n)).toBe("covered");
  expect(a.free()).toBe(70n);
  await expectBalanced();
});
