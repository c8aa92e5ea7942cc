/** Several nodes on one Postgres, payers with little money on them, and all that their callers saw. */
import { nanoUsd } from "../../src/kernel/money.js";
import { extraGrant } from "../../src/ledger/account.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { openStore } from "../../src/store/open.js";
import type { Random } from "../support/random.js";
import { addPenniless, ask, type Node, type Seen, type Site, TOKEN_COST } from "./support.js";

export type Payer = {
  readonly name: string;
  readonly id: string;
  readonly token: string;
  /** What was granted, from when on it was there for sure (by `performance.now()`). */
  readonly grants: { readonly at: number; readonly amount: bigint }[];
};

export type Asked = {
  readonly payer: Payer;
  readonly place: Place;
  readonly tokens: number;
  readonly from: number;
  readonly to: number;
  readonly seen: Seen;
};

/** One machine: a data folder, and whichever node runs on it at the moment. */
export type Place = {
  node: Node;
  /** Out of the balancer. */
  isOut: boolean;
  underWay: number;
  /** When it was there again after each time it was killed. */
  readonly revivedAt: number[];
};

export async function openPlaces(site: Site, count: number, url: string): Promise<Place[]> {
  const env = { DATABASE_URL: url };
  const nodes = await Promise.all(Array.from({ length: count }, () => site.node({ env })));
  return nodes.map((node) => ({ node, isOut: false, underWay: 0, revivedAt: [] }));
}

/** `kill -9`, and at once a new process on the same folder. */
export async function replace(site: Site, place: Place): Promise<void> {
  const { data, env } = place.node;
  place.isOut = true;
  await place.node.kill();
  place.node = await site.node({ data, env: { DATABASE_URL: env.DATABASE_URL ?? "" } });
  place.revivedAt.push(performance.now());
  place.isOut = false;
}

export async function addPayers(place: Place, count: number): Promise<Payer[]> {
  const payers: Payer[] = [];
  for (let i = 0; i < count; i++) {
    const name = `payer-${i}`;
    payers.push({ name, grants: [], ...(await addPenniless(place.node, name)) });
  }
  return payers;
}

/** Gives payers credit in small pieces, straight into the store, so that each piece is given once for sure. */
export async function granter(url: string) {
  const database = await openStore(url);
  const ledger = ledgerStore(database);
  let pieces = 0;
  return {
    grant: async (payer: Payer, tokens: number): Promise<void> => {
      const amount = BigInt(tokens) * TOKEN_COST;
      const grant = extraGrant(`user:${payer.id}`, {
        id: `piece-${++pieces}`,
        kind: "purchased",
        amount: nanoUsd(amount),
        at: Date.now(),
        expiresAt: undefined,
      });
      const isGiven = (): Promise<boolean> =>
        ledger.grant(grant).then(
          () => true,
          () => false,
        );
      while (!(await isGiven())) await Bun.sleep(100);
      payer.grants.push({ at: performance.now(), amount });
    },
    end: () => database.close(),
  };
}

const AFTER_REFUSAL_MS = 200;

/** Callers who ask one thing after the other, each for one payer, wherever the balancer sends them. */
export function startCallers(
  places: readonly Place[],
  payers: readonly Payer[],
  options: { readonly perPayer: number; readonly tokensMost: number; readonly random: Random },
) {
  const { perPayer, tokensMost, random } = options;
  const asked: Asked[] = [];
  let isOver = false;
  const caller = async (payer: Payer): Promise<void> => {
    while (!isOver) {
      const place = random.pick(places.filter(({ isOut }) => !isOut));
      const one = await askAt(place, payer, 1 + random.below(tokensMost), random.chance(0.5));
      asked.push(one);
      if (!one.seen.isComplete) await Bun.sleep(AFTER_REFUSAL_MS * (0.5 + random.below(100) / 100));
    }
  };
  const running = Promise.all(
    payers.flatMap((payer) => Array.from({ length: perPayer }, () => caller(payer))),
  );
  return {
    asked,
    end: async (): Promise<void> => {
      isOver = true;
      await running;
    },
  };
}

export async function askAt(
  place: Place,
  payer: Payer,
  tokens: number,
  isStream = false,
): Promise<Asked> {
  const from = performance.now();
  place.underWay++;
  const seen = await ask(place.node, payer.token, { tokens, isStream });
  place.underWay--;
  return { payer, place, tokens, from, to: performance.now(), seen };
}
