import type { Mapping } from "../catalog/model.js";
import type { ChatRequest } from "../tasks/chat-completion.js";

/** How to order the providers of a model. */
export type Policy =
  | { readonly kind: "fastest" | "cheapest" | "preferred" }
  | { readonly kind: "provider"; readonly provider: string };

/** Whose key a candidate would be called with. Calls with the caller's own are forwarded free of charge. */
export type KeySource = "operator" | "stored" | "header";

export type Candidate = {
  readonly mapping: Mapping;
  readonly keySource: KeySource;
  /** What this request is expected to cost there, in nano-USD, where that decides; 0 with the caller's own key. */
  readonly expectedCost: bigint;
};

/** What live traffic says of a mapping. Undefined where nothing was measured yet. */
export type Evidence = {
  /** Output tokens per second. */
  readonly throughput: number | undefined;
};

export type Preferences = {
  /** Provider ids, best first. */
  readonly order: readonly string[];
};

const SUFFIX_POLICIES = ["fastest", "cheapest", "preferred"] as const;

const FASTEST: Policy = { kind: "fastest" };

/** Reads what follows the colon of a model id: one of the policies, else a provider's id. */
function parsePolicy(suffix: string | undefined): Policy {
  if (suffix === undefined) return FASTEST;
  const kind = SUFFIX_POLICIES.find((name) => name === suffix);
  return kind ? { kind } : { kind: "provider", provider: suffix };
}

/** The policy of a request: what its body says of providers goes before the suffix, but for a pinned provider. */
export function policyFor({ suffix, controls }: Asked): Policy {
  const policy = parsePolicy(suffix);
  if (policy.kind === "provider") return policy;
  if (controls.order) return { kind: "preferred" };
  if (controls.sort) return { kind: controls.sort === "price" ? "cheapest" : "fastest" };
  return policy;
}

type Asked = Pick<ChatRequest, "suffix" | "controls">;

/** Whether a request may go to a provider at all, by its controls and the policy that came of them. */
export function isAllowed(
  { controls }: Pick<Asked, "controls">,
  policy: Policy,
  provider: string,
): boolean {
  if (policy.kind === "provider" && policy.provider !== provider) return false;
  if (controls.ignore.includes(provider)) return false;
  return controls.only === undefined || controls.only.includes(provider);
}

/** The policy as `X-Turnpike-Route` names it. */
export const policyName = (policy: Policy): string =>
  policy.kind === "provider" ? policy.provider : policy.kind;

/**
 * The order in which to try candidates: by the policy, those that rest last. They are tried all the same when
 * nothing better is left, since a wrong guess about a provider's health must not refuse a request.
 */
export function order(
  candidates: readonly Candidate[],
  policy: Policy,
  preferences: Preferences,
  evidenceOf: (mapping: Mapping) => Evidence,
  rests: (mapping: Mapping) => boolean,
): readonly Candidate[] {
  if (candidates.length < 2) return candidates;
  const compare = COMPARE[policy.kind](preferences, evidenceOf);
  return candidates
    .map((candidate, place) => ({
      candidate,
      place,
      rests: rests(candidate.mapping),
    }))
    .sort(
      (a, b) =>
        Number(a.rests) - Number(b.rests) || compare(a.candidate, b.candidate) || a.place - b.place,
    )
    .map(({ candidate }) => candidate);
}

type Comparison = (a: Candidate, b: Candidate) => number;
type Comparator = (
  preferences: Preferences,
  evidenceOf: (mapping: Mapping) => Evidence,
) => Comparison;

const COMPARE: Readonly<Record<Policy["kind"], Comparator>> = {
  // What was never measured goes first: one request later it has been.
  fastest: (_, evidenceOf) => (a, b) => {
    const [fast, faster] = [a, b].map((c) => evidenceOf(c.mapping).throughput ?? Infinity);
    return fast === faster ? 0 : (faster ?? 0) - (fast ?? 0);
  },
  cheapest: () => (a, b) =>
    a.expectedCost === b.expectedCost ? 0 : a.expectedCost < b.expectedCost ? -1 : 1,
  preferred: (preferences) => (a, b) => rank(preferences, a) - rank(preferences, b),
  provider: () => () => 0,
};

function rank(preferences: Preferences, candidate: Candidate): number {
  const place = preferences.order.indexOf(candidate.mapping.provider);
  return place < 0 ? preferences.order.length : place;
}
