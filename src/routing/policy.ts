import type { Mapping } from "../catalog/model.js";
import type { ChatRequest } from "../tasks/chat-completion.js";

/** Policies that a configuration can make the default. The first three can stand behind a model's colon too. */
export const POLICIES = ["fastest", "cheapest", "preferred", "soonest"] as const;

export type PolicyName = (typeof POLICIES)[number];

/** How to order the providers of a model. */
export type Policy =
  /** `soonest` is by the time to the first byte. */
  { readonly kind: PolicyName } | { readonly kind: "provider"; readonly provider: string };

/** Whose key a candidate would be called with. Calls with the caller's own are forwarded free of charge. */
export type KeySource = "operator" | "stored" | "header";

export type Candidate = {
  readonly mapping: Mapping;
  readonly keySource: KeySource;
  /** What this request should cost there in nano-USD, about, where that decides; 0 with the caller's own key. */
  readonly expectedCost: number;
  /** Why it may be unable to serve the request, in a few words, where nobody can tell for sure. */
  readonly doubt: string | undefined;
};

const SUFFIX_POLICIES = ["fastest", "cheapest", "preferred"] as const;

/** Reads what follows the colon of a model id: one of the policies, else a provider's id. */
function parsePolicy(suffix: string): Policy {
  const kind = SUFFIX_POLICIES.find((name) => name === suffix);
  return kind ? { kind } : { kind: "provider", provider: suffix };
}

/** The policy of a request: what its body says of providers goes before the suffix, but for a pinned provider. */
export function policyFor({ suffix, controls }: Asked, preset: Policy): Policy {
  const policy = suffix === undefined ? preset : parsePolicy(suffix);
  if (policy.kind === "provider") return policy;
  if (controls.order) return { kind: "preferred" };
  return controls.sort === undefined ? policy : { kind: SORTED_BY[controls.sort] };
}

const SORTED_BY = { price: "cheapest", throughput: "fastest", latency: "soonest" } as const;

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
