/** Payments as the store keeps them, the same on each engine. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { nanoUsd } from "../../src/kernel/money.js";
import { LOSS } from "../../src/ledger/account.js";
import {
  type CheckoutEvent,
  openPayment,
  type PaymentStore,
  type ReversalEvent,
} from "../../src/ledger/payment.js";
import type { LedgerStore } from "../../src/ledger/store.js";
import type { Database } from "../../src/store/database.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { openStore } from "../../src/store/open.js";
import { paymentStore } from "../../src/store/payments/payments.js";
import { tempFolder } from "../support/app.js";
import { AT, batchOf, settlementOf, standing } from "../support/ledger.js";
import { postgres } from "../support/postgres.js";
import { type Random, randomFrom } from "../support/random.js";

const FUNDS = "user:ada";
const PRICE = 1_000n;
const GRANT = `grant:${FUNDS}:purchased:cs_1`;
const CONNECTIONS = 4;
const SEED = Number(process.env.TURNPIKE_TEST_SEED ?? Date.now() % 1_000_000);

const folder = tempFolder();
afterAll(folder.remove);
let files = 0;

const ENGINES = [
  { name: "SQLite", histories: 60, place: async () => join(folder.path, `${++files}.sqlite`) },
  { name: "Postgres", histories: 15, place: async () => (await postgres()).freshDatabase() },
];

const bought = (id: string, sessionId = "cs_1") =>
  openPayment({ id, bucket: FUNDS, amount: nanoUsd(PRICE), sessionId, createdAt: AT });

const paid = (facts: Partial<CheckoutEvent> = {}): CheckoutEvent => ({
  kind: "checkout",
  sessionId: "cs_1",
  state: "paid",
  money: { currency: "usd", amount: nanoUsd(PRICE) },
  intentId: "pi_1",
  ...facts,
});

const refund = (id: string, amount: bigint, facts: Partial<ReversalEvent> = {}): ReversalEvent => ({
  kind: "reversal",
  id,
  because: "refund",
  intentId: "pi_1",
  money: { currency: "usd", amount: nanoUsd(amount) },
  isVoid: false,
  ...facts,
});

const ANY = { openMax: 1_000, since: 0 };

for (const engine of ENGINES) {
  describe(`payments in the ${engine.name} store`, () => {
    let place: string;
    let open: Database[];
    let database: Database;
    let payments: PaymentStore;
    let ledger: LedgerStore;

    const connect = async (): Promise<Database> => {
      const other = await openStore(place);
      open.push(other);
      return other;
    };

    const start = async (): Promise<void> => {
      place = await engine.place();
      open = [];
      database = await connect();
      payments = paymentStore(database);
      ledger = ledgerStore(database);
    };
    const stop = () => Promise.all(open.map((each) => each.close()));

    beforeEach(start);
    afterEach(stop);

    const faults = async () => (await ledger.audit()).faults;

    const balanceOf = async (account: string): Promise<bigint> => {
      const query = database.db.selectFrom("accounts").select("balance").where("id", "=", account);
      return (await query.executeTakeFirst())?.balance ?? 0n;
    };

    test("twenty deliveries over four connections at once are one grant", async () => {
      await payments.add(bought("p1"), ANY);
      const stores = [payments];
      for (let i = 1; i < CONNECTIONS; i++) stores.push(paymentStore(await connect()));
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, i) => stores[i % CONNECTIONS]?.applyCheckout(paid(), AT)),
      );
      expect(outcomes.filter((outcome) => outcome?.what === "changed")).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome?.what === "unchanged")).toHaveLength(19);
      expect(await standing(ledger, FUNDS)).toEqual({ left: PRICE, leased: 0n, spent: 0n });
      expect(await faults()).toEqual([]);
    });

    test("a refund and its payment that meet from two connections find each other", async () => {
      const other = paymentStore(await connect());
      for (let round = 0; round < 20; round++) {
        const ids = { sessionId: `cs_${round}`, intentId: `pi_${round}` };
        await payments.add(bought(`p${round}`, ids.sessionId), ANY);
        await Promise.all([
          payments.applyCheckout(paid(ids), AT),
          other.applyReversal(refund(`re_${round}`, PRICE, { intentId: ids.intentId }), AT),
        ]);
      }
      expect((await standing(ledger, FUNDS)).left).toBe(0n);
      expect(await faults()).toEqual([]);
    });

    test("no more checkouts are added than may be open, however many ask at once", async () => {
      const stores = [payments, paymentStore(await connect())];
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          stores[i % 2]?.add(bought(`p${i}`, `cs_${i}`), { openMax: 5, since: AT - 1 }),
        ),
      );
      expect(answers.filter((answer) => answer === "added")).toHaveLength(5);
      expect(await payments.countOpen(FUNDS, AT - 1)).toBe(5);
      expect(await payments.countOpen(FUNDS, AT)).toBe(0);
      expect(await payments.list(FUNDS, 100)).toHaveLength(5);
      expect(await payments.list("user:bob", 100)).toEqual([]);
      expect(await payments.list(undefined, 3)).toHaveLength(3);
    });

    test("2^53 + 1 nano-USD are bought, refunded and read to the last digit", async () => {
      const amount = nanoUsd(2n ** 53n + 1n);
      await payments.add({ ...bought("p1"), amount }, ANY);
      await payments.applyCheckout(paid({ money: { currency: "usd", amount } }), AT);
      await payments.applyReversal(refund("re_1", amount - 1n), AT);
      expect(await payments.list(FUNDS, 1)).toMatchObject([{ amount, takenBack: amount - 1n }]);
      expect((await standing(ledger, FUNDS)).left).toBe(1n);
      expect(await faults()).toEqual([]);
    });

    test("a refund that belongs to nothing is kept for thirty days, one that does for good", async () => {
      const kept = async () => {
        const query = database.db.selectFrom("payment_reversals").select("id").orderBy("id");
        return (await query.execute()).map(({ id }) => id);
      };
      await payments.add(bought("p1"), ANY);
      await payments.applyCheckout(paid(), AT);
      await payments.applyReversal(refund("re_mine", 100n), AT);
      await payments.applyReversal(refund("re_other", 100n, { intentId: "pi_book" }), AT);
      const month = 30 * 86_400_000;
      await payments.applyReversal(refund("re_third", 1n, { intentId: "pi_x" }), AT + month);
      expect(await kept()).toEqual(["re_mine", "re_other", "re_third"]);
      await payments.applyReversal(refund("re_third", 1n, { intentId: "pi_x" }), AT + month + 1);
      expect(await kept()).toEqual(["re_mine", "re_third"]);
    });

    test("what is outstanding is taken on by one process at a time, and again after a while", async () => {
      await payments.add(bought("p1"), ANY);
      await payments.applyCheckout(paid(), AT);
      await ledger.openNode("n", AT);
      await take(ledger, PRICE);
      await payments.applyReversal(refund("re_1", PRICE), AT);
      const others = [payments, paymentStore(await connect())];
      const claim = (at: number) =>
        Promise.all(others.map((each) => each.claimOutstanding(at, 2_000)));
      expect((await claim(AT)).flat()).toMatchObject([{ id: "p1", outstanding: PRICE }]);
      expect((await claim(AT + 1_999)).flat()).toEqual([]);
      expect((await claim(AT + 2_000)).flat()).toHaveLength(1);
      await ledger.closeNode("n", AT);
      expect(await payments.collect("p1", AT)).toMatchObject({ outstanding: 0n, takenBack: PRICE });
      expect((await claim(AT + 9_000)).flat()).toEqual([]);
      expect(await payments.collect("nothing", AT)).toBeUndefined();
    });

    test("the audit names a payment that is paid and was not granted, and one that was granted and is not paid", async () => {
      await payments.add(bought("p1"), ANY);
      await payments.applyCheckout(paid(), AT);
      const set = (values: {
        state?: string;
        amount?: bigint;
        taken_back?: bigint;
        lost?: bigint;
      }) => database.db.updateTable("payments").set(values).where("id", "=", "p1").execute();
      await set({ state: "expired" });
      expect(await faults()).toEqual(["payment p1: expired for 1000, 1000 was granted"]);
      await set({ state: "paid", amount: 2_000n });
      expect(await faults()).toEqual(["payment p1: paid for 2000, 1000 was granted"]);
      await set({ amount: PRICE, taken_back: 5n, lost: 7n });
      expect(await faults()).toEqual([
        "payment:p1: its taken back and lost differ from its transfers by 5 and 7",
      ]);
      await set({ taken_back: 0n, lost: 0n });
      await payments.applyReversal(refund("re_1", 300n), AT);
      expect(await faults()).toEqual([]);
      await database.db.deleteFrom("payments").execute();
      expect(await faults()).toEqual([
        "payment:p1: its taken back and lost differ from its transfers by -300 and 0",
      ]);
    });

    test(`whatever is spent, refunded and told again, the books say who has what: seed ${SEED}`, async () => {
      const random = randomFrom(SEED);
      for (let history = 0; history < engine.histories; history++) {
        const model = await playHistory(random);
        const due = model.due();
        const lost = due > PRICE - model.spent ? due - (PRICE - model.spent) : 0n;
        const [payment] = await payments.list(FUNDS, 1);
        const told = { history, due, spent: model.spent };
        expect({ ...told, ...payment }).toMatchObject({
          ...told,
          state: "paid",
          takenBack: due - lost,
          lost,
          outstanding: 0n,
        });
        expect(await balanceOf(GRANT)).toBe(PRICE - model.spent - due + lost);
        expect(await balanceOf(LOSS)).toBe(-lost);
        expect(await faults()).toEqual([]);
        await stop();
        await start();
      }
    }, 60_000);

    /** One payer's life with one payment, from its checkout to the end of everything under way. */
    async function playHistory(random: Random) {
      const refunds = new Map<string, { readonly amount: bigint; isVoid: boolean }>();
      let [spent, taken, returned, requests, isPaid] = [0n, 0n, 0n, 0, false];
      const told: (() => Promise<unknown>)[] = [];
      const tell = async (event: () => Promise<unknown>): Promise<void> => {
        told.push(event);
        await event();
      };
      await payments.add(bought("p1"), ANY);
      await ledger.openNode("n", AT);
      const steps: Readonly<Record<string, () => Promise<unknown>>> = {
        pay: () => tell(() => payments.applyCheckout(paid(), AT)),
        refund: async () => {
          const id = `re_${refunds.size}`;
          const amount = BigInt(random.below(600) + 1);
          refunds.set(id, { amount, isVoid: false });
          await tell(() => payments.applyReversal(refund(id, amount), AT));
        },
        fail: async () => {
          const [id, one] = [...refunds][random.below(refunds.size)] ?? [];
          if (!id || !one) return;
          one.isVoid = true;
          await tell(() => payments.applyReversal(refund(id, one.amount, { isVoid: true }), AT));
        },
        again: async () => told[random.below(told.length)]?.(),
        collect: () => payments.collect("p1", AT),
        lease: async () => {
          taken = await take(ledger, BigInt(random.below(400)));
        },
        spend: async () => {
          const amount = BigInt(random.below(Number(taken - returned - spent) + 1));
          if (amount === 0n) return;
          spent += amount;
          const one = settlementOf(`r${++requests}`, { [GRANT]: amount });
          await ledger.applySettlements(batchOf("n", [one], requests));
        },
        giveBack: async () => {
          returned = BigInt(random.below(Number(taken - spent - returned) + 1)) + returned;
          await ledger.returnLease("n", new Map([[GRANT, nanoUsd(returned)]]));
        },
      };
      const names = Object.keys(steps);
      for (let step = 0; step < 25; step++) {
        const name = random.pick(names);
        isPaid ||= name === "pay";
        await steps[name]?.();
      }
      if (!isPaid) await steps.pay?.();
      await ledger.closeNode("n", AT);
      await payments.collect("p1", AT);
      const due = (): bigint => {
        const live = [...refunds.values()].filter(({ isVoid }) => !isVoid);
        const sum = live.reduce((total, { amount }) => total + amount, 0n);
        return sum < PRICE ? sum : PRICE;
      };
      return { spent, due };
    }
  });
}

/** Leases more of the bucket for the node `n`; what it has leased all told. */
async function take(ledger: LedgerStore, need: bigint): Promise<bigint> {
  const { slices } = await ledger.takeLease({
    node: "n",
    bucketId: FUNDS,
    need: nanoUsd(need),
    isAll: false,
    isSparing: true,
    now: AT,
  });
  return slices.reduce((sum, slice) => sum + slice.taken, 0n);
}
