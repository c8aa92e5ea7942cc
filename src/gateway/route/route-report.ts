/** What would become of a request: who is tried in which order, by which evidence, and who is not. Nobody is called. */
import type { RouterError } from "../../kernel/errors.js";
import { printTime } from "../../kernel/print-time.js";
import { costOf } from "../../metering/cost.js";
import type { Breakers } from "../../routing/breakers.js";
import { type Explained, explain } from "../../routing/explain.js";
import { type Candidate, policyName } from "../../routing/policy.js";
import type { Details } from "../../routing/statistics.js";
import type { Task } from "../../tasks/index.js";
import { searchFor, weighingOf } from "./candidates.js";
import { type Chooser, candidatesOf, type Routed, type Wish } from "./eligible.js";
import { type Exclusion, exclusionsOf, nobodyServes } from "./nobody-serves.js";

export type RouteReport = {
  readonly model: string;
  readonly tasks: readonly Task[];
  readonly policy: string;
  readonly candidates: readonly (Explained & {
    readonly evidence: Details;
    readonly restsForMs: number;
    /** The breakers' states, of the mapping and of its provider. */
    readonly breaker: ReturnType<Breakers["stateOf"]>;
    /** In nano-USD. */
    readonly expectedCost: bigint;
    /** Undefined where nobody has said, and then it counts as if it did. */
    readonly retainsPrompts: boolean | undefined;
  })[];
  readonly excluded: readonly Exclusion[];
  /** What a request would end with, where nobody is left. */
  readonly error: RouterError | undefined;
};

/** Throws a RouterError for what is no request: a model that is not there, say. */
export function reportRoute<C extends Routed>(
  chooser: Chooser,
  call: C,
  wish: Wish<C>,
): RouteReport {
  const search = searchFor(chooser, call, wish);
  const candidates = candidatesOf(chooser, call, wish, search);
  const weighing = weighingOf(chooser, call, search.policy, 1);
  const { statistics, breakers } = chooser;
  return {
    model: search.model.id,
    tasks: search.tasks,
    policy: policyName(search.policy),
    candidates: explain(candidates, weighing).map((explained) => ({
      ...explained,
      evidence: statistics.detailsOf(explained.candidate.mapping, call.at),
      restsForMs: breakers.restsForMs(explained.candidate.mapping, call.startedAt),
      breaker: breakers.stateOf(explained.candidate.mapping, call.startedAt),
      expectedCost: exactCost(chooser, call, wish, explained.candidate),
      retainsPrompts: retainsPrompts(chooser, explained.candidate),
    })),
    excluded: exclusionsOf(chooser, call, wish, search),
    error: candidates.length > 0 ? undefined : nobodyServes(chooser, call, wish, search),
  };
}

const retainsPrompts = ({ providers }: Chooser, { mapping }: Candidate): boolean | undefined =>
  mapping.retainsPrompts ?? providers.get(mapping.provider)?.provider.retainsPrompts;

function exactCost<C extends Routed>(
  chooser: Chooser,
  call: C,
  wish: Wish<C>,
  { mapping, keySource }: Candidate,
): bigint {
  if (keySource !== "operator" || mapping.isFree || !mapping.price) return 0n;
  return costOf(wish.expectedUsage(chooser, call, mapping), mapping.price);
}

/** As programs read it. */
export const printRoute = ({ model, tasks, policy, candidates, excluded, error }: RouteReport) => ({
  ...{ model, task: tasks[0], policy },
  candidates: candidates.map((each) => ({
    provider: each.candidate.mapping.provider,
    provider_model: each.candidate.mapping.providerModel,
    own_key: each.candidate.keySource !== "operator",
    score: each.score === undefined ? null : rounded(each.score),
    score_unit: each.unit ?? null,
    expected_cost_nano_usd: String(each.expectedCost),
    rests_for_ms: Math.ceil(each.restsForMs),
    breaker: each.breaker,
    is_explored: each.isExplored,
    retains_prompts: each.retainsPrompts ?? null,
    reasons: each.reasons,
    evidence: printEvidence(each.evidence),
  })),
  excluded: excluded.map(({ mapping, why }) => ({ provider: mapping.provider, why })),
  ...(error && { error: { code: error.code, message: error.message } }),
});

const printEvidence = (evidence: Details) => ({
  throughput: maybe(evidence.throughput),
  first_byte_ms: maybe(evidence.firstByteMs),
  first_byte_p50_ms: maybe(evidence.firstByteP50Ms),
  first_byte_p95_ms: maybe(evidence.firstByteP95Ms),
  total_ms: maybe(evidence.totalMs),
  error_rate: rounded(evidence.errorRate),
  rate_limited_rate: rounded(evidence.rateLimitedRate),
  answers: rounded(evidence.answers),
  last_seen_at: evidence.seenAt === 0 ? null : printTime(evidence.seenAt),
});

const maybe = (value: number | undefined): number | null =>
  value === undefined ? null : rounded(value);

/** To four digits that matter. */
const rounded = (value: number): number => Number(value.toPrecision(4));
