/** What the audit must find, on every engine. */
import { beforeEach, describe, expect, test } from "bun:test";
import { nanoUsd } from "../../src/kernel/money.js";
import { AT, batchOf, grantOf, limitOf, settlementOf } from "../support/ledger.js";
import { type Engine, FUNDS, freshStore, GRANT } from "./fresh-store.js";

export function auditContract(engine: Engine): void {
  describe(`the audit, on ${engine.name}`, () => {
    const here = freshStore(engine);
    const { take, expectBalanced } = here;

    beforeEach(async () => {
      await here.store.openNode("a", AT);
      await here.store.grant(grantOf(FUNDS, 1_000n));
      await here.store.grant(limitOf("token:t", 500n));
      await take("a", 600n);
      await take("a", 500n, "token:t");
      const debits = { [GRANT]: 100n, "limit:token:t:total": 100n };
      await here.store.applySettlements(batchOf("a", [settlementOf("r1", debits)]));
      await expectBalanced();
    });

    const faults = async (): Promise<string> => {
      const report = await here.store.audit();
      expect(report.balanced).toBe(false);
      return report.faults.join("\n");
    };
    const db = () => here.database.db;

    const changeRow = (facts: Record<string, bigint>, id = "r1") =>
      db().updateTable("settlements").set(facts).where("id", "=", id).execute();

    test("names the accounts and the request of a settlement that was changed", async () => {
      await changeRow({ charged: 101n });
      const named = await faults();
      expect(named).toContain(`account ${GRANT}: says 900, its transfers say 899`);
      expect(named).toContain("account limit:token:t:total: says 400, its transfers say 399");
      expect(named).toContain("account provider:acme: says 100, its transfers say 101");
      expect(named).toContain("request r1: cost 100, its provider was credited 101");
      await changeRow({ charged: 100n, unpaid: 3n });
      expect(await faults()).toContain("account overrun is missing");
    });

    test("names the accounts of a settlement whose profile or purse was changed", async () => {
      await db().updateTable("profiles").set({ provider: "else" }).execute();
      const named = await faults();
      expect(named).toContain("account provider:acme: says 100, its transfers say 0");
      expect(named).toContain("account provider:else is missing");
      await db().updateTable("profiles").set({ provider: "acme" }).execute();
      await db().deleteFrom("purse_accounts").where("account", "=", GRANT).execute();
      expect(await faults()).toContain(`account ${GRANT}: says 900, its transfers say 1000`);
    });

    test("names the accounts of a posted transfer that was changed, sent elsewhere or removed", async () => {
      const open = `open:${GRANT}`;
      const change = (facts: { amount?: bigint; credit?: string }) =>
        db().updateTable("posted_transfers").set(facts).where("id", "=", open).execute();
      await change({ amount: 1_001n });
      expect(await faults()).toContain(`account ${GRANT}: says 900, its transfers say 901`);
      await change({ amount: 1_000n, credit: "provider:else" });
      expect(await faults()).toContain("account provider:else is missing");
      await db().deleteFrom("posted_transfers").where("id", "=", open).execute();
      expect(await faults()).toContain(`account ${GRANT}: says 900, its transfers say -100`);
    });

    test("names a transfer of nothing, of less than nothing, and one to itself", async () => {
      const add = (id: string, amount: bigint, credit: string) =>
        db()
          .insertInto("posted_transfers")
          .values({ id, debit: "outside", credit, amount, code: "grant", at: AT })
          .execute();
      await add("t0", 0n, GRANT);
      await add("t1", -5n, GRANT);
      await add("t2", 5n, "outside");
      const named = await faults();
      expect(named).toContain("transfer t0: the amount is 0");
      expect(named).toContain("transfer t1: the amount is -5");
      expect(named).toContain("transfer t2: outside pays itself");
    });

    test("names an account whose balance was changed", async () => {
      await db().updateTable("accounts").set({ balance: 901n }).where("id", "=", GRANT).execute();
      const named = await faults();
      expect(named).toContain(`account ${GRANT}: says 901, its transfers say 900`);
      expect(named).toContain("all balances sum to 1, not 0");
    });

    test("names an account that was removed", async () => {
      await db().deleteFrom("accounts").where("id", "=", "provider:acme").execute();
      expect(await faults()).toContain("account provider:acme is missing");
    });

    test("names an account of which more or less is leased than its leases say", async () => {
      const lease = () => db().updateTable("leases").where("account", "=", GRANT);
      await lease().set({ taken: 799n }).execute();
      expect(await faults()).toContain(`account ${GRANT}: 700 leased, its leases say 699`);
      await lease().set({ taken: 800n }).execute();
      await expectBalanced();
      await db().updateTable("accounts").set({ leased: 0n }).where("id", "=", GRANT).execute();
      expect(await faults()).toContain(`account ${GRANT}: 0 leased, its leases say 700`);
      await db().deleteFrom("leases").where("account", "=", GRANT).execute();
      await expectBalanced();
    });

    test("names an account of which more is leased than it has", async () => {
      await db().updateTable("accounts").set({ leased: 950n }).where("id", "=", GRANT).execute();
      await db()
        .updateTable("leases")
        .set({ taken: 1_050n })
        .where("account", "=", GRANT)
        .execute();
      expect(await faults()).toContain(`account ${GRANT}: 950 leased of 900`);
    });

    test("names a request whose cost was changed, also where the sum stays the same", async () => {
      await here.store.applySettlements(
        batchOf("a", [settlementOf("r2", { [GRANT]: 50n, "limit:token:t:total": 50n })]),
      );
      await changeRow({ cost: 90n });
      expect(await faults()).toContain("request r1: cost 90, its provider was credited 100");
      await changeRow({ cost: 60n }, "r2");
      expect(await faults()).toContain("request r2: cost 60, its provider was credited 50");
    });

    test("names the accounts of a request that was removed, and one that was made up", async () => {
      await db().deleteFrom("settlements").where("id", "=", "r1").execute();
      expect(await faults()).toContain(`account ${GRANT}: says 900, its transfers say 1000`);
      const split = { [GRANT]: 40n, "limit:token:t:total": 40n, [`${GRANT}0`]: 10n };
      await here.store.grant(grantOf(FUNDS, 10n, { id: `${GRANT}0` }));
      await take("a", 10n);
      await here.store.applySettlements(batchOf("a", [settlementOf("r2", split)]));
      await db().updateTable("settlements").set({ id: "r9" }).where("id", "=", "r2").execute();
      const named = await faults();
      expect(named).toContain("request r9: cost 50, its provider was credited 0");
      expect(named).toContain("request r2: is missing, its provider was credited 50");
    });

    test("names a grant whose granted amount is not what was transferred", async () => {
      await db().updateTable("accounts").set({ granted: 9n }).where("id", "=", GRANT).execute();
      expect(await faults()).toContain(`account ${GRANT}: granted 9, its transfers say 1000`);
    });

    test("reads a ledger of more than one page", async () => {
      const requests = Array.from({ length: 21_000 }, (_, n) =>
        settlementOf(`q${n}`, { [GRANT]: 0n }, { overrun: nanoUsd(1n), debits: [] }),
      );
      for (let from = 0; from < requests.length; from += 3_000) {
        await here.store.applySettlements(batchOf("a", requests.slice(from, from + 3_000)));
      }
      expect(await here.store.audit()).toMatchObject({ balanced: true, transfers: 21_004 });
      await changeRow({ unpaid: 2n }, "q9");
      expect(await faults()).toContain("account overrun: says -21000, its transfers say -21001");
    });
  });
}
