/** Who can serve a request, in the order in which to try them. */
import type { Model } from "../../catalog/model.js";
import { badRequest } from "../../kernel/errors.js";
import { type Choice, choose, type Weighing } from "../../routing/choose.js";
import { type Candidate, type Policy, policyFor } from "../../routing/policy.js";
import type { Task } from "../../tasks/index.js";
import type { Call, Gateway } from "../parts.js";
import { type Chooser, candidatesOf, type Routed, type Search, type Wish } from "./eligible.js";
import { modelNotFound, nobodyServes } from "./nobody-serves.js";

export type Route = Choice & { readonly policy: Policy };

/** Throws a RouterError that says what could be done instead when nobody can serve the request. */
export function findRoute<C extends Routed>(chooser: Chooser, call: C, wish: Wish<C>): Route {
  const search = searchFor(chooser, call, wish);
  const { policy } = search;
  const candidates = candidatesOf(chooser, call, wish, search);
  if (candidates.length === 0) throw nobodyServes(chooser, call, wish, search);
  const { allowFallbacks } = call.request.controls;
  if (candidates.length === 1) return { policy, candidates, explored: undefined };
  // Who has no second try gets the best that is known.
  const dice = allowFallbacks ? chooser.dice() : 1;
  const choice = choose(candidates, weighingOf(chooser, call, policy, dice));
  return {
    policy,
    ...choice,
    ...(!allowFallbacks && { candidates: choice.candidates.slice(0, 1) }),
  };
}

/** What a request asks for, and of whom. Throws a RouterError where there is no such thing. */
export function searchFor<C extends Routed>(chooser: Chooser, call: C, wish: Wish<C>): Search {
  const { request, headerKey } = call;
  const policy = policyFor(request, chooser.defaultPolicy);
  if (headerKey !== undefined && policy.kind !== "provider") {
    throw badRequest(
      `X-Turnpike-Provider-Key needs a provider: write the model as "${request.model}:<provider>".`,
      "model",
    );
  }
  const model = chooser.catalog.model(request.model);
  const tasks = wish.tasks(call);
  if (!isFor(model, tasks)) throw modelNotFound(chooser, request.model, model, tasks);
  return { model, tasks, policy };
}

function isFor(model: Model | undefined, tasks: readonly Task[]): model is Model {
  for (const { task } of model?.mappings ?? []) if (tasks.includes(task)) return true;
  return false;
}

/** What candidates are weighed by, as it is when the request comes in. `dice` from 0 to below 1; 1 explores nothing. */
export const weighingOf = (
  { statistics, breakers }: Chooser,
  { request, caller, at, startedAt }: Routed,
  policy: Policy,
  dice: number,
): Weighing => ({
  policy,
  order: request.controls.order ?? caller.user.providerOrder,
  evidenceOf: (mapping) => statistics.evidenceOf(mapping, at),
  rests: (mapping) => breakers.restsForMs(mapping, startedAt) > 0,
  now: at,
  dice,
});

/** The key to send for a candidate. */
export function keyFor(gateway: Gateway, call: Call, candidate: Candidate): string | undefined {
  const { provider } = candidate.mapping;
  if (candidate.keySource === "header") return call.headerKey;
  if (candidate.keySource === "stored")
    return gateway.directory.providerKey(call.caller.keyOwner, provider);
  return gateway.providers.get(provider)?.key;
}
