/** Asks providers that say later what requests cost, and gives up on what they never say. */
import type { Clock } from "../kernel/clock.js";
import { BILLING_BATCH, GIVE_UP_ASKS, GIVE_UP_MS } from "../kernel/limits.js";
import { type Log, reasonOf } from "../kernel/log.js";
import { type NanoUsd, ZERO } from "../kernel/money.js";
import type { LateCostStore, WaitingCost } from "../ledger/late-cost.js";

const JOB = "late_costs";
/** A process that stopped in the middle of its turn loses it after this long. */
const TURN_MS = 150_000;
/** Settled in one transaction. */
const SETTLED_AT_ONCE = 200;

type Told = {
  readonly waiting: WaitingCost;
  readonly outcome: "billed" | "unbilled";
  readonly cost: NanoUsd;
};

type Parts = {
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly store: LateCostStore;
  /** Who tells costs, and how long after an answer at the soonest. */
  readonly providers: readonly { readonly id: string; readonly delayMs: number }[];
  /** The costs that a provider tells of some requests, by its own ids. Throws when it tells nothing. */
  readonly ask: (provider: string, ids: readonly string[]) => Promise<ReadonlyMap<string, NanoUsd>>;
  readonly settle: (told: readonly Told[]) => Promise<void>;
  /** Aborts when this process ends: what is under way is left to the next one. */
  readonly stopping: AbortSignal;
};

/** One round over all providers; nothing where another process has the turn. */
export async function askForCosts(parts: Parts): Promise<void> {
  const providers = [...parts.providers, ...(await silentOnes(parts))];
  if (providers.length === 0 || !(await takeTurn(parts))) return;
  await parts.store.dropVoid();
  // What the last round left open is made good even if there is nothing new.
  await parts.settle([]);
  for (const { id, delayMs } of providers) {
    const endedBy = parts.clock.now() - delayMs;
    for (let after = ""; ; ) {
      const page = { provider: id, endedBy, after, count: BILLING_BATCH };
      const waiting = await parts.store.waiting(page);
      const last = waiting.at(-1);
      if (!last) break;
      await askForPage(parts, id, waiting);
      after = last.requestId;
      if (parts.stopping.aborted || !(await takeTurn(parts))) return;
    }
  }
}

/** Who was to tell costs and cannot be asked any more: what nobody tells is given up all the same. */
async function silentOnes({ providers, store }: Parts): Promise<Parts["providers"]> {
  const tellers = new Set(providers.map(({ id }) => id));
  const awaited = await store.awaitedProviders();
  return awaited.filter((id) => !tellers.has(id)).map((id) => ({ id, delayMs: 0 }));
}

function takeTurn({ store, node, clock }: Parts): Promise<boolean> {
  const now = clock.now();
  return store.takeTurn({ job: JOB, node, now, until: now + TURN_MS });
}

async function askForPage(
  parts: Parts,
  provider: string,
  waiting: readonly WaitingCost[],
): Promise<void> {
  const ids = waiting.map(({ providerRequestId }) => providerRequestId);
  const costs = await parts.ask(provider, ids).catch((thrown) => {
    // A question that this process broke off is none.
    if (parts.stopping.aborted) return undefined;
    parts.log("warn", "costs_not_told", { provider, asked: ids.length, why: reasonOf(thrown) });
    return NOTHING;
  });
  if (!costs) return;
  await parts.store.noteAsked(waiting.map(({ requestId }) => requestId));
  const now = parts.clock.now();
  const told = waiting.flatMap((each) => verdict(each, costs.get(each.providerRequestId), now));
  for (let from = 0; from < told.length; from += SETTLED_AT_ONCE) {
    await parts.settle(told.slice(from, from + SETTLED_AT_ONCE));
  }
  const unbilled = told.filter(({ outcome }) => outcome === "unbilled").length;
  if (unbilled > 0) parts.log("error", "costs_given_up", { provider, requests: unbilled });
}

const NOTHING: ReadonlyMap<string, NanoUsd> = new Map();

/** Told, given up, or still waiting. What was never asked in time is asked some times before it is given up. */
function verdict(waiting: WaitingCost, cost: NanoUsd | undefined, now: number): Told[] {
  if (cost !== undefined) return [{ waiting, outcome: "billed", cost }];
  const isOver = waiting.endedAt + GIVE_UP_MS <= now && waiting.asks + 1 >= GIVE_UP_ASKS;
  return isOver ? [{ waiting, outcome: "unbilled", cost: ZERO }] : [];
}
