/** What to do instead, where nobody can serve a request. */
import { didYouMean } from "../../catalog/find.js";
import type { Mapping, Model } from "../../catalog/model.js";
import { RouterError } from "../../kernel/errors.js";
import { isAllowed } from "../../routing/policy.js";
import type { Task } from "../../tasks/index.js";
import {
  type Chooser,
  checkMapping,
  DISABLED,
  DISABLED_BY_CALLER,
  isSeenBy,
  type Routed,
  type Search,
  type Wish,
} from "./eligible.js";

/** Looks again at what was found wanting, which a request that is served never needs. */
export function nobodyServes<C extends Routed>(
  chooser: Chooser,
  call: C,
  wish: Wish<C>,
  search: Search,
): RouterError {
  const { policy, tasks } = search;
  const mappings = search.model.mappings.filter(
    (mapping) => tasks.includes(mapping.task) && isSeenBy(chooser, call, mapping),
  );
  const model = { ...search.model, mappings };
  if (mappings.length === 0) return modelNotFound(chooser, call.request.model, undefined, tasks);
  const excluded = exclusionsOf(chooser, call, wish, search);
  if (policy.kind === "provider" && excluded.every(({ why }) => why === NOT_ASKED_FOR)) {
    return notServedBy(chooser, model, policy.provider);
  }
  const told = excluded.filter(({ why }) => why !== NOT_ASKED_FOR);
  const disabled = told.filter(({ why }) => why === DISABLED || why === DISABLED_BY_CALLER);
  if (disabled.length > 0) return providerDisabled(call, model, disabled);
  return notServed(
    model,
    told.map(({ mapping, why }) => `${mapping.provider}: ${why}`),
  );
}

export type Exclusion = { readonly mapping: Mapping; readonly why: string };

/** Said of mappings of others than the one provider behind the model's colon. */
const NOT_ASKED_FOR = "not the provider that was asked for";

/** Every mapping that cannot serve a request, and in a few words why. */
export function exclusionsOf<C extends Routed>(
  chooser: Chooser,
  call: C,
  wish: Wish<C>,
  { model, tasks, policy }: Search,
): readonly Exclusion[] {
  return model.mappings.flatMap((mapping) => {
    if (!tasks.includes(mapping.task) || !isSeenBy(chooser, call, mapping)) return [];
    if (policy.kind === "provider" && policy.provider !== mapping.provider) {
      return { mapping, why: NOT_ASKED_FOR };
    }
    if (!isAllowed(call.request, policy, mapping.provider)) {
      return { mapping, why: 'left out by "provider" in the request' };
    }
    const checked = checkMapping(chooser, call, wish, mapping);
    return typeof checked === "string" ? { mapping, why: checked } : [];
  });
}

/** A model that is not there, or that is there for something else. */
export function modelNotFound(
  { catalog }: Chooser,
  id: string,
  model: Model | undefined,
  tasks: readonly Task[],
): RouterError {
  const what = tasks.includes("conversational") ? "chat model" : `model for ${tasks.join(" or ")}`;
  if (model) {
    const message = `${id} is no ${what}; it is for ${model.task}.`;
    return new RouterError("model_not_found", message, { param: "model" });
  }
  const similar = catalog.similar(id);
  return new RouterError(
    "model_not_found",
    `There is no ${what} "${id}".${didYouMean(similar)} GET /v1/models lists all.`,
    {
      param: "model",
      extra: { did_you_mean: similar },
    },
  );
}

function notServedBy({ providers }: Chooser, model: Model, provider: string): RouterError {
  const known = providers.has(provider) ? "does not serve" : "is no known provider or policy for";
  const servedBy = model.mappings.map((mapping) => mapping.provider);
  return new RouterError(
    "model_not_served",
    `"${provider}" ${known} ${model.id}. Served by ${servedBy.join(", ")}; policies are fastest, cheapest and preferred.`,
    { param: "model", extra: { did_you_mean: servedBy.map((id) => `${model.id}:${id}`) } },
  );
}

function providerDisabled(
  { caller }: Routed,
  model: Model,
  disabled: readonly Exclusion[],
): RouterError {
  const providers = disabled.map(({ mapping }) => mapping.provider);
  const isBy = (setting: string): boolean => disabled.some(({ why }) => why === setting);
  const who = [
    ...(isBy(DISABLED) ? [`the organization ${caller.payer.name}`] : []),
    ...(isBy(DISABLED_BY_CALLER) ? ["your own preferences"] : []),
  ];
  return new RouterError(
    "provider_disabled",
    `Disabled by ${who.join(" and ")}: ${providers.join(", ")}. Nobody else can serve ${model.id} at the moment.`,
    { param: "model", extra: { disabled_providers: providers } },
  );
}

function notServed(model: Model, reasons: readonly string[]): RouterError {
  return new RouterError(
    "model_not_served",
    `Nobody can serve ${model.id} here at the moment: ${reasons.join("; ")}.`,
    { param: "model", extra: { served_if: reasons } },
  );
}
