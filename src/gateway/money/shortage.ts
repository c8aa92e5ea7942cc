/** What is said to somebody whose credit does not do. */
import { printPrice } from "../../catalog/quote.js";
import { assert, RouterError } from "../../kernel/errors.js";
import { SMALLEST_ANSWER_TOKENS, SMALLEST_COMPUTE_MS } from "../../kernel/limits.js";
import { formatUsd, type NanoUsd } from "../../kernel/money.js";
import { printTimeOrNull } from "../../kernel/print-time.js";
import { addedCost, mostCost } from "../../metering/cost.js";
import { isPriceFor } from "../../metering/priceable.js";
import type { Candidate } from "../../routing/policy.js";
import type { UsageBound } from "../../tasks/usage.js";
import { type Caller, resetsAt } from "../../tenants/caller.js";
import type { Call, Gateway } from "../parts.js";
import { boundOf } from "./bound.js";
import { chargedPrice, spendableFor, spendableIn } from "./funds.js";
import { remedyFor } from "./remedy.js";

const UNSURE_RETRY_SECONDS = 5;

/** What somebody needs at the least, and what would fit instead. */
export type Need = {
  readonly least: UsageBound;
  /** Members of the error: `max_tokens_that_fit` and the like. */
  readonly fits: Readonly<Record<string, number>>;
};

/** Not even the smallest useful answer fits. */
export function refusal(
  gateway: Gateway,
  call: Call,
  candidate: Candidate,
  { least, fits }: Need,
): RouterError {
  const { mapping } = candidate;
  const needed = mostCost(least, mapping.price ?? {});
  const available = spendableFor(gateway, call.caller);
  const alternative =
    mapping.task === "conversational"
      ? cheapestAlternative(gateway, call.caller, least.inputTokens, available)
      : null;
  return insufficient(gateway, call, candidate, {
    needed,
    says: (what) =>
      `${what} does not cover this request: the smallest useful answer of ${mapping.modelId} by ${mapping.provider} needs $${formatUsd(needed)}`,
    extra: { ...fits, cheapest_alternative: alternative },
  });
}

/** Credit may be there, with a node that fell silent: nobody is told that it ended before that is known. */
export const unsure = (): RouterError =>
  new RouterError(
    "store_unavailable",
    "What is left of your credit is set aside for a server that does not answer. It will be free again soon. Try again shortly.",
    { retryAfterSeconds: UNSURE_RETRY_SECONDS },
  );

/** A request that is charged by the second, and whose answer was not there when the credit ended. */
export function timeEnded(
  gateway: Gateway,
  call: Call,
  candidate: Candidate,
  charged: NanoUsd,
): RouterError {
  const { modelId, provider } = candidate.mapping;
  return insufficient(gateway, call, candidate, {
    needed: addedCost(boundOf(0, 0, SMALLEST_COMPUTE_MS), chargedPrice(candidate)),
    says: (what) =>
      `${what} ended before ${modelId} by ${provider} had answered; its compute time until then is charged, $${formatUsd(charged)}`,
    extra: { charged_nano_usd: String(charged), cheapest_alternative: null },
  });
}

type Shortage = {
  readonly needed: NanoUsd;
  /** The first sentence, about the bucket that is short. */
  readonly says: (what: string) => string;
  readonly extra: Readonly<Record<string, unknown>>;
};

/** Names the bucket that is short, when it resets, and what can be done until then. */
function insufficient(
  gateway: Gateway,
  { caller }: Call,
  { mapping }: Candidate,
  { needed, says, extra }: Shortage,
): RouterError {
  // What is too little for anything here was left in the store.
  const available = spendableFor(gateway, caller);
  const tightest = caller.buckets.find(({ id }) => spendableIn(gateway, id) === available);
  assert(tightest, "some bucket has what all of them have");
  const at = resetsAt(caller, tightest, gateway.clock.now());
  const resets = printTimeOrNull(at);
  const reset = resets === null ? "It does not reset." : `It resets at ${resets}.`;
  const remedy = remedyFor(gateway.plans, caller, tightest);
  return new RouterError(
    "insufficient_credit",
    `${says(tightest.title)}, $${formatUsd(available)} is left. ${reset} ${remedy}`,
    {
      extra: {
        bucket: tightest.kind,
        bucket_name: tightest.name,
        needed_nano_usd: String(needed),
        available_nano_usd: String(available),
        resets_at: resets,
        price: { provider: mapping.provider, ...printPrice(mapping.price ?? {}) },
        ...extra,
      },
    },
  );
}

/** The cheapest chat model that the rest of the balance still pays for; null when there is none. */
function cheapestAlternative(
  gateway: Gateway,
  { disabledProviders }: Caller,
  inputTokens: number,
  available: NanoUsd,
): unknown {
  let best: { model: string; cost: NanoUsd } | undefined;
  for (const model of gateway.catalog.all()) {
    if (model.task !== "conversational") continue;
    for (const mapping of model.mappings) {
      const configured = gateway.providers.get(mapping.provider);
      const isReady = configured?.key !== undefined || configured?.provider.needsKey === false;
      if (!isReady || mapping.status !== "live") continue;
      if (disabledProviders.includes(mapping.provider)) continue;
      if (!isPriceFor(mapping.task, mapping.price)) continue;
      const bound = boundOf(inputTokens, SMALLEST_ANSWER_TOKENS, SMALLEST_COMPUTE_MS);
      const cost = mostCost(bound, mapping.price);
      if (!best || cost < best.cost) best = { model: `${model.id}:${mapping.provider}`, cost };
    }
  }
  if (!best || best.cost > available) return null;
  return { model: best.model, needed_nano_usd: String(best.cost) };
}
