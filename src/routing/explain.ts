/** A choice in words: who comes when, by which score, and why. Pure, and made by what the choice itself is made by. */
import { EXPLORED_SHARE } from "../kernel/limits.js";
import {
  choose,
  isLittleKnown,
  isNew,
  isText,
  scoresOf,
  speedOf,
  type Weighing,
} from "./choose.js";
import type { Candidate, Policy } from "./policy.js";
import type { Evidence } from "./statistics.js";

export type ScoreUnit = "tokens/s" | "answers/s" | "ms" | "nano-USD" | "place";

export type Explained = {
  readonly candidate: Candidate;
  /** What the policy goes by, in `unit`; undefined where there is nothing to compare. */
  readonly score: number | undefined;
  readonly unit: ScoreUnit | undefined;
  readonly rests: boolean;
  /** Whether it is one of those that a share of requests explores. */
  readonly isExplored: boolean;
  readonly reasons: readonly string[];
};

/** All candidates in the order in which they would be tried, were none of them explored. */
export function explain(
  candidates: readonly Candidate[],
  weighing: Weighing,
): readonly Explained[] {
  const scores = scoresOf(candidates, weighing);
  const ordered = choose(candidates, { ...weighing, dice: 1 }).candidates;
  return ordered.map((candidate, place) => {
    const score = scores[candidates.indexOf(candidate)] ?? 0;
    const rests = weighing.rests(candidate.mapping);
    const isExplored = place > 0 && !rests && mayBeExplored(candidate, weighing);
    return {
      candidate,
      ...scoreOf(weighing.policy, candidate, score),
      rests,
      isExplored,
      reasons: [
        ...standing(candidate, weighing, score),
        ...(rests ? ["rests after failures, or because it asked for a pause: comes last"] : []),
        ...(candidate.doubt === undefined ? [] : [`${candidate.doubt}: comes behind the others`]),
        ...(isExplored ? [exploredFor(weighing.evidenceOf(candidate.mapping))] : []),
      ],
    };
  });
}

const exploredFor = (evidence: Evidence): string =>
  isNew(evidence)
    ? "nobody asked it yet: one of the next few requests goes to it first"
    : `too little is known of it: it shares ${EXPLORED_SHARE * 100} % of requests with others like it`;

function mayBeExplored({ mapping, doubt }: Candidate, weighing: Weighing): boolean {
  const { policy, evidenceOf, now } = weighing;
  if (policy.kind !== "fastest" && policy.kind !== "soonest") return false;
  return doubt === undefined && isLittleKnown(evidenceOf(mapping), now);
}

function scoreOf(
  { kind }: Policy,
  { mapping }: Candidate,
  score: number,
): Pick<Explained, "score" | "unit"> {
  if (kind === "provider") return { score: undefined, unit: undefined };
  if (kind === "cheapest") return { score, unit: "nano-USD" };
  if (kind === "preferred") return { score: score + 1, unit: "place" };
  if (kind === "soonest") return { score: score === 0 ? undefined : -1_000 / score, unit: "ms" };
  return { score: -score, unit: isText(mapping.task) ? "tokens/s" : "answers/s" };
}

/** What its score is made of. */
function standing(
  { mapping, keySource }: Candidate,
  { policy, evidenceOf, order }: Weighing,
  score: number,
): readonly string[] {
  if (policy.kind === "provider") return ["the provider that was asked for"];
  if (policy.kind === "preferred") {
    const isListed = score < order.length;
    return [isListed ? `number ${score + 1} of the preferred` : "not among the preferred"];
  }
  if (policy.kind === "cheapest") {
    if (keySource !== "operator") return ["free of charge with your own key"];
    return [mapping.isFree ? "free of charge" : "by the expected cost of this request"];
  }
  const evidence = evidenceOf(mapping);
  return [
    measuredAs(policy, mapping.task, evidence),
    ...(evidence.errorRate > 0 ? [`${percent(evidence.errorRate)} of its attempts failed`] : []),
  ];
}

function measuredAs(policy: Policy, task: Candidate["mapping"]["task"], evidence: Evidence) {
  if (speedOf(policy, task, evidence) === undefined) {
    return "never measured: taken to be half as fast as the slowest that was";
  }
  const { throughput = 0, firstByteMs, totalMs = 0 } = evidence;
  if (policy.kind === "soonest") {
    return firstByteMs === undefined
      ? `answers came after ${Math.round(totalMs)} ms, none of them streamed`
      : `first bytes came after ${Math.round(firstByteMs)} ms`;
  }
  if (isText(task)) return `${throughput.toFixed(1)} tokens a second were measured`;
  return `answers came after ${Math.round(totalMs)} ms`;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
