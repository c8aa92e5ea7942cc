/** Which candidate to try first, which next, and why. Pure: evidence, time and dice are handed in. */
import type { Mapping } from "../catalog/model.js";
import { EXPLORED_SHARE, FEW_ANSWERS, NEW_EXPLORED_SHARE, STALE_MS } from "../kernel/limits.js";
import type { Task } from "../tasks/index.js";
import type { Candidate, Policy } from "./policy.js";
import type { Evidence } from "./statistics.js";

/** What a choice is made by. */
export type Weighing = {
  readonly policy: Policy;
  /** Provider ids, best first: for `preferred`. */
  readonly order: readonly string[];
  readonly evidenceOf: (mapping: Mapping) => Evidence;
  /** Whether it should be left alone for now. */
  readonly rests: (mapping: Mapping) => boolean;
  /** In ms UTC. */
  readonly now: number;
  /** From 0 to below 1, thrown once for each request; 1 for a choice that is not to explore. */
  readonly dice: number;
};

export type Choice = {
  /** In the order in which to try them. */
  readonly candidates: readonly Candidate[];
  /** The first one, where it stands there to be measured. */
  readonly explored: Candidate | undefined;
};

/**
 * Orders candidates: who can serve the request for sure, then who may not, then who rests; among equals by score,
 * then as the catalog has them. Those that rest are tried all the same when nothing better is left, since a wrong
 * guess about a provider's health must not refuse a request.
 */
export function choose(candidates: readonly Candidate[], weighing: Weighing): Choice {
  if (candidates.length < 2) return { candidates, explored: undefined };
  const sorted = inOrder(candidates, scoresOf(candidates, weighing), weighing);
  const explored = whomToExplore(sorted, weighing);
  if (!explored) return { candidates: sorted, explored };
  return { candidates: [explored, ...sorted.filter((each) => each !== explored)], explored };
}

/**
 * A number for each candidate, the least being the best: nano-USD for `cheapest`, the place in the caller's order for
 * `preferred`, minus the expected speed for the others.
 */
export function scoresOf(candidates: readonly Candidate[], weighing: Weighing): number[] {
  const { policy, order } = weighing;
  if (policy.kind === "cheapest") return candidates.map(({ expectedCost }) => expectedCost);
  if (policy.kind === "preferred") return candidates.map(({ mapping }) => placeIn(order, mapping));
  if (policy.kind === "provider") return candidates.map(() => 0);
  return speedScores(candidates, weighing);
}

const placeIn = (order: readonly string[], { provider }: Mapping): number => {
  const place = order.indexOf(provider);
  return place < 0 ? order.length : place;
};

/**
 * Expected speed is what was measured times the share of attempts that succeed. Of whom nothing was measured it is
 * assumed to be half that of the slowest, so that nobody is put before those who are known to be good, but whoever
 * fails most of the time is put last.
 */
function speedScores(candidates: readonly Candidate[], { policy, evidenceOf }: Weighing): number[] {
  const scores: number[] = [];
  let slowest = Number.POSITIVE_INFINITY;
  for (const { mapping } of candidates) {
    const speed = speedOf(policy, mapping.task, evidenceOf(mapping));
    if (speed !== undefined && speed < slowest) slowest = speed;
    scores.push(speed ?? UNKNOWN);
  }
  const assumed = slowest === Number.POSITIVE_INFINITY ? 1 : slowest / 2;
  for (let i = 0; i < scores.length; i++) {
    const mapping = candidates[i]?.mapping;
    const speed = scores[i] === UNKNOWN ? assumed : (scores[i] ?? 0);
    scores[i] = -speed * (1 - (mapping ? evidenceOf(mapping).errorRate : 0));
  }
  return scores;
}

const UNKNOWN = -1;

/** Tokens per second, or answers per second where it is not tokens that come. Undefined where it was not measured. */
export function speedOf(policy: Policy, task: Task, evidence: Evidence): number | undefined {
  const { throughput, firstByteMs, totalMs } = evidence;
  if (policy.kind === "soonest") return perSecond(firstByteMs ?? totalMs);
  return isText(task) ? throughput : perSecond(totalMs);
}

/** Tasks whose answers are as long as they have tokens. */
export const isText = (task: Task): boolean =>
  task === "conversational" || task === "text-generation";

const perSecond = (ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : 1_000 / Math.max(ms, 1);

/** By insertion: there are few, and most often they stand in their order already. */
function inOrder(
  candidates: readonly Candidate[],
  scores: readonly number[],
  { rests }: Weighing,
): Candidate[] {
  const sorted: Candidate[] = [];
  const tiers: number[] = [];
  const sortedScores: number[] = [];
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i] as Candidate;
    const tier = tierOf(candidate, rests);
    const score = scores[i] ?? 0;
    let place = sorted.length;
    while (place > 0) {
      const before = tiers[place - 1] ?? 0;
      if (before < tier || (before === tier && (sortedScores[place - 1] ?? 0) <= score)) break;
      sorted[place] = sorted[place - 1] as Candidate;
      tiers[place] = before;
      sortedScores[place] = sortedScores[place - 1] ?? 0;
      place--;
    }
    sorted[place] = candidate;
    tiers[place] = tier;
    sortedScores[place] = score;
  }
  return sorted;
}

const tierOf = ({ mapping, doubt }: Candidate, rests: Weighing["rests"]): number =>
  rests(mapping) ? 2 : doubt === undefined ? 0 : 1;

/**
 * Of those that too little is known of, one, for a small share of all requests: a provider that is new, or well
 * again, is found by it. Whom nobody ever asked is asked soon, and from then on it is one of these.
 */
function whomToExplore(sorted: readonly Candidate[], weighing: Weighing): Candidate | undefined {
  const { policy, dice } = weighing;
  if (policy.kind !== "fastest" && policy.kind !== "soonest") return undefined;
  if (dice >= NEW_EXPLORED_SHARE) return undefined;
  const stranger = pick(sorted, weighing, dice / NEW_EXPLORED_SHARE, isNew);
  if (stranger || dice >= EXPLORED_SHARE) return stranger;
  return pick(sorted, weighing, dice / EXPLORED_SHARE, isLittleKnown);
}

type IsWanted = (evidence: Evidence, now: number) => boolean;

/** One of those behind the first, by where the dice fell. */
function pick(
  sorted: readonly Candidate[],
  weighing: Weighing,
  dice: number,
  isWanted: IsWanted,
): Candidate | undefined {
  let wanted = 0;
  for (let i = 1; i < sorted.length; i++) if (isAt(sorted, i, weighing, isWanted)) wanted++;
  let left = Math.floor(dice * wanted);
  for (let i = 1; i < sorted.length && wanted > 0; i++) {
    if (isAt(sorted, i, weighing, isWanted) && left-- === 0) return sorted[i];
  }
  return undefined;
}

function isAt(
  sorted: readonly Candidate[],
  place: number,
  { evidenceOf, rests, now }: Weighing,
  isWanted: IsWanted,
): boolean {
  const candidate = sorted[place];
  if (!candidate || !isWanted(evidenceOf(candidate.mapping), now)) return false;
  return tierOf(candidate, rests) === 0;
}

/** Asked by nobody so far. */
export const isNew = ({ seenAt }: Evidence): boolean => seenAt === 0;

/** Whether too little was measured, or too long ago, to compare by. `now` in milliseconds UTC. */
export const isLittleKnown = ({ answers, seenAt }: Evidence, now: number): boolean =>
  answers < FEW_ANSWERS || now - seenAt > STALE_MS;
