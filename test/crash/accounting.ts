/** What callers saw and what the provider delivered, held against the books: four figures that must be 0. */
import type { LogEntry } from "../../sim/log.js";
import { least, nanoUsd } from "../../src/kernel/money.js";
import type { Asked, Payer } from "./cluster.js";
import { type readBooks, TOKEN_COST } from "./support.js";

type Books = Awaited<ReturnType<typeof readBooks>>;

/** The least that is worth serving, in tokens. */
const SMALLEST_TOKENS = 16;

export type Figures = {
  /** Nano-USD delivered to callers, or charged, beyond what their payers were granted. */
  readonly overspend: bigint;
  /** Refusals, and answers cut short in advance, though funds less open holds sufficed all the while. */
  readonly phantomRefusals: number;
  /** Complete answers whose cost the books do not have as the provider has it. */
  readonly lost: number;
  /** Requests whose transfers are not exactly their cost. */
  readonly doubled: number;
};

/** What was asked, for whoever has to find out why a figure is not 0. */
function tell(kind: string, { payer, tokens, from, to, seen }: Asked): void {
  const { status, id, cost, isComplete } = seen;
  const at = `${Math.round(from)} to ${Math.round(to)} ms`;
  console.log(
    `${kind}: ${payer.name}, ${tokens} tokens, ${at}, status ${status}, ${isComplete ? "complete" : "cut off"}, ${id} cost ${cost}`,
  );
}

export function figuresOf(
  asked: readonly Asked[],
  payers: readonly Payer[],
  books: Books,
  delivered: ReadonlyMap<string, LogEntry>,
): Figures {
  const charged = new Map(books.requests.map((request) => [request.id, request]));
  const phantoms = payers.flatMap((payer) =>
    phantomsOf(
      payer,
      asked.filter((one) => one.payer === payer),
      books.requests.filter(({ user_id }) => user_id === payer.id),
    ),
  );
  const lost = asked.filter(({ seen }) => seen.isComplete && isLost(seen.id, seen.cost));
  for (const one of phantoms) tell("phantom refusal", one);
  for (const one of lost) tell("lost", one);
  return {
    overspend: overspendOf(asked, payers, books, delivered),
    phantomRefusals: phantoms.length,
    lost: lost.length,
    doubled: doubledIn(books),
  };

  function isLost(id = "", cost: bigint | undefined): boolean {
    const known = charged.get(id);
    return known?.cost !== cost || String(cost) !== delivered.get(id)?.costNanoUsd;
  }
}

function overspendOf(
  asked: readonly Asked[],
  payers: readonly Payer[],
  { requests }: Books,
  delivered: ReadonlyMap<string, LogEntry>,
): bigint {
  const beyond = (payer: Payer, spent: bigint): bigint => {
    const granted = payer.grants.reduce((sum, { amount }) => sum + amount, 0n);
    return spent > granted ? spent - granted : 0n;
  };
  return payers.reduce((total, payer) => {
    const seen = asked.filter((one) => one.payer === payer && one.seen.isComplete);
    const got = seen.reduce(
      (sum, one) => sum + BigInt(delivered.get(one.seen.id ?? "")?.costNanoUsd ?? 0),
      0n,
    );
    const mine = requests.filter(({ user_id }) => user_id === payer.id);
    const cost = mine.reduce((sum, request) => sum + request.cost, 0n);
    const overrun = mine.reduce((sum, request) => sum + request.overrun, 0n);
    return total + beyond(payer, got) + beyond(payer, cost) + overrun;
  }, 0n);
}

type Spending = { readonly from: number; readonly to: number; readonly amount: bigint };

/**
 * Refusals that nothing explains. A request counts against its payer's funds from the moment it was sent, for
 * what it held; that is what it cost, as these requests are priced. One whose node was killed holds until that node
 * is back.
 */
function phantomsOf(
  payer: Payer,
  asked: readonly Asked[],
  requests: readonly Books["requests"][number][],
): Asked[] {
  const costs = new Map(requests.map(({ id, cost }) => [id, cost]));
  const spendings = asked.map((one) => spendingOf(one, costs.get(one.seen.id ?? "") ?? 0n));
  const known = new Set(asked.map(({ seen }) => seen.id));
  // Charged, and the node died before its caller saw so much as an id.
  const unseen = requests.filter(({ id, cost }) => cost > 0n && !known.has(id)).map(toSpending);
  return asked.filter((one, i) => {
    const others = [...spendings.toSpliced(i, 1), ...unseen];
    return isShort(one) && leastAvailable(payer, others, one) >= neededBy(one);
  });
}

function spendingOf({ seen, place, tokens, from, to }: Asked, cost: bigint): Spending {
  if (cost > 0n) return { from, to: Number.POSITIVE_INFINITY, amount: cost };
  const wasAnswered = seen.status !== undefined && seen.status !== 200;
  if (wasAnswered) return { from, to, amount: 0n };
  const back = place.revivedAt.find((at) => at > from) ?? Number.POSITIVE_INFINITY;
  return { from, to: Math.max(to, back), amount: BigInt(tokens) * TOKEN_COST };
}

const toSpending = ({ at, cost }: Books["requests"][number]): Spending => ({
  from: Number(at) - performance.timeOrigin,
  to: Number.POSITIVE_INFINITY,
  amount: cost,
});

const isClamped = ({ seen, tokens }: Asked): boolean =>
  seen.isComplete && seen.cost !== undefined && seen.cost < BigInt(tokens) * TOKEN_COST;

const isShort = (one: Asked): boolean => one.seen.status === 402 || isClamped(one);

const neededBy = (one: Asked): bigint =>
  BigInt(isClamped(one) ? one.tokens : Math.min(one.tokens, SMALLEST_TOKENS)) * TOKEN_COST;

/** The lowest that funds less holds were while a request was being asked for. */
function leastAvailable(payer: Payer, spendings: readonly Spending[], { from, to }: Asked): bigint {
  const availableAt = (at: number): bigint => {
    const granted = payer.grants.filter((grant) => grant.at <= at);
    const spent = spendings.filter((one) => one.from <= at && at <= one.to);
    return sumOf(granted) - sumOf(spent);
  };
  const moments = [from, ...spendings.map((one) => one.from)].filter(
    (at) => from <= at && at <= to,
  );
  return moments.map(availableAt).map(nanoUsd).reduce(least);
}

const sumOf = (all: readonly { readonly amount: bigint }[]): bigint =>
  all.reduce((sum, { amount }) => sum + amount, 0n);

/** What was moved for each request, against what it cost. */
function doubledIn({ requests, transfers }: Books): number {
  const moved = new Map<string, bigint>();
  for (const { id, credit, amount } of transfers) {
    if (!credit.startsWith("provider:")) continue;
    const [request = ""] = id.split("/");
    moved.set(request, (moved.get(request) ?? 0n) + amount);
  }
  const wrong = requests.filter(({ id, cost }) => (moved.get(id) ?? 0n) !== cost);
  const known = new Set(requests.map(({ id }) => id));
  return wrong.length + [...moved.keys()].filter((id) => !known.has(id)).length;
}
