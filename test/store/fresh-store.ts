/** A store of its own for each test of a `describe`, with nothing in it. */
import { afterEach, beforeAll, beforeEach, expect } from "bun:test";
import { nanoUsd } from "../../src/kernel/money.js";
import type { LeaseAnswer, LedgerStore } from "../../src/ledger/store.js";
import type { Database } from "../../src/store/database.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { openStore } from "../../src/store/open.js";
import { AT } from "../support/ledger.js";

export type Engine = {
  readonly name: string;
  readonly start?: () => Promise<unknown>;
  /** Where a new, empty store may be made. */
  readonly freshPlace: () => Promise<string>;
  readonly clean: () => void;
};

export const FUNDS = "user:ada";
/** The account that `grantOf(FUNDS, …)` opens. */
export const GRANT = `grant:${FUNDS}:promotional:1`;
/** The first whole number that a double cannot hold. */
export const BEYOND_DOUBLE = 2n ** 53n + 1n;
export const CONNECTIONS = 4;

/** To be called within a `describe`: `place`, `database` and `store` are those of the test that runs. */
export function freshStore(engine: Engine) {
  let open: Database[] = [];
  let place = "";
  let store: LedgerStore;

  /** A further connection to the same store, as another process would have it, or one to a store elsewhere. */
  const another = async (at = place): Promise<Database> => {
    const other = await openStore(at);
    open.push(other);
    return other;
  };

  beforeAll(async () => {
    await engine.start?.();
  });
  beforeEach(async () => {
    place = await engine.freshPlace();
    open = [];
    store = ledgerStore(await another());
  });
  afterEach(async () => {
    await Promise.all(open.map((each) => each.close()));
  });

  return {
    another,
    get place() {
      return place;
    },
    get database() {
      return open[0] as Database;
    },
    get store() {
      return store;
    },

    /** By account, all that `node` has taken after asking for `need` more. */
    take: async (node: string, need: bigint, bucketId = FUNDS, now = AT) => {
      const ask = { node, bucketId, need: nanoUsd(need), isAll: false, isSparing: false, now };
      return takenOf(await store.takeLease(ask));
    },
    takenOf,
    expectBalanced: async (): Promise<void> => {
      expect(await store.audit()).toMatchObject({ balanced: true, faults: [] });
    },
  };
}

const takenOf = (answer: LeaseAnswer): Record<string, bigint> =>
  Object.fromEntries(answer.slices.map(({ account, taken }) => [account, BigInt(taken)]));
