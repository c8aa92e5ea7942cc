/** Who can serve a request, in the order in which to try them. */
import type { Mapping, Model } from "../catalog/model.js";
import { badRequest, RouterError } from "../kernel/errors.js";
import { TYPICAL_OUTPUT_TOKENS, TYPICAL_TOKENS_PER_SECOND } from "../kernel/limits.js";
import { costOf } from "../metering/cost.js";
import { priceFault } from "../metering/priceable.js";
import { chatAdapterOf, type Provider } from "../providers/provider.js";
import {
  type Candidate,
  isAllowed,
  type KeySource,
  order,
  type Policy,
  policyFor,
} from "../routing/policy.js";
import type { Task } from "../tasks/index.js";
import { computeTime, noUsage, type Usage } from "../tasks/usage.js";
import { seesStaging } from "../tenants/provider-rights.js";
import type { Call, ChatCall, ConfiguredProvider, Gateway } from "./parts.js";

/** English prose in UTF-8, per token of text: to compare prices only. */
const BYTES_PER_TOKEN = 4;

export type Route = { readonly policy: Policy; readonly candidates: readonly Candidate[] };

/** What the requests of one kind need of whoever serves them. */
export type Wish<C extends Call> = {
  /** Any of these will do. */
  readonly tasks: (call: C) => readonly Task[];
  /** Whether a provider has a route for a task, of the kind that is wanted. */
  readonly isServed: (provider: Provider, task: Task) => boolean;
  /** Why an offer cannot serve the request, in a few words. */
  readonly fault: (call: C, mapping: Mapping) => string | undefined;
  /** What the request would use there, as far as one can tell: to compare prices. */
  readonly expectedUsage: (gateway: Gateway, call: C, mapping: Mapping) => Usage;
};

const CHAT: readonly Task[] = ["conversational"];
const COMPLETION: readonly Task[] = ["text-generation"];

export const chatWish: Wish<ChatCall> = {
  tasks: ({ request }) => (request.task === "conversational" ? CHAT : COMPLETION),
  isServed: ({ tasks }, task) => chatAdapterOf(tasks, task) !== undefined,
  fault: ({ request }, { supportsTools }) =>
    request.usesTools && supportsTools === false ? "does not support tools" : undefined,
  expectedUsage: (gateway, { request }, mapping) => {
    const inputTokens = Math.ceil(request.inputTokensMost / BYTES_PER_TOKEN);
    const outputTokens = (request.maxTokens?.value ?? TYPICAL_OUTPUT_TOKENS) * request.choices;
    return expectedUsage(gateway, mapping, inputTokens, outputTokens);
  },
};

/** Throws a RouterError that says what could be done instead when nobody can serve the request. */
export function findRoute<C extends Call>(gateway: Gateway, call: C, wish: Wish<C>): Route {
  const { request } = call;
  const policy = policyFor(request);
  if (call.headerKey !== undefined && policy.kind !== "provider") {
    throw badRequest(
      `X-Turnpike-Provider-Key needs a provider: write the model as "${request.model}:<provider>".`,
      "model",
    );
  }
  const model = gateway.catalog.model(request.model);
  const tasks = wish.tasks(call);
  if (!model?.mappings.some(({ task }) => tasks.includes(task))) {
    throw modelNotFound(gateway, request.model, model, tasks);
  }
  const candidates = candidatesOf(gateway, call, wish, { model, tasks, policy });
  if (candidates.length === 0) throw nobodyServes(gateway, call, wish, { model, tasks, policy });
  const preferences = { order: request.controls.order ?? call.caller.user.providerOrder };
  const evidenceOf = (mapping: Mapping) => gateway.health.evidenceOf(mapping);
  const rests = (mapping: Mapping) => gateway.breakers.restsForMs(mapping, call.startedAt) > 0;
  const ordered = order(candidates, policy, preferences, evidenceOf, rests);
  return { policy, candidates: request.controls.allowFallbacks ? ordered : ordered.slice(0, 1) };
}

/** Among what a request looks for somebody to serve it. */
type Search = {
  readonly model: Model;
  readonly tasks: readonly Task[];
  readonly policy: Policy;
};

function candidatesOf<C extends Call>(
  gateway: Gateway,
  call: C,
  wish: Wish<C>,
  { model, tasks, policy }: Search,
): readonly Candidate[] {
  const candidates: Candidate[] = [];
  for (const mapping of model.mappings) {
    if (!tasks.includes(mapping.task)) continue;
    if (!isAllowed(call.request, policy, mapping.provider)) continue;
    const checked = checkOffer(gateway, call, wish, mapping);
    if (typeof checked !== "string") candidates.push(checked);
  }
  if (policy.kind !== "cheapest" || candidates.length < 2) return candidates;
  return candidates.map((candidate) => ({
    ...candidate,
    expectedCost: expectedCost(gateway, call, wish, candidate),
  }));
}

/** What could be done instead. Looks again at what was found wanting, which a request that is served never needs. */
function nobodyServes<C extends Call>(
  gateway: Gateway,
  call: C,
  wish: Wish<C>,
  { model, tasks, policy }: Search,
): RouterError {
  const fitting = model.mappings.filter(
    (mapping) =>
      tasks.includes(mapping.task) &&
      (mapping.status !== "staging" || isStagedFor(gateway, call, mapping)),
  );
  if (fitting.length === 0) return modelNotFound(gateway, call.request.model, undefined, tasks);
  const offers = fitting.filter(({ provider }) => isAllowed(call.request, policy, provider));
  if (offers.length === 0) return noOffer(gateway, { ...model, mappings: fitting }, policy);
  const checked = offers.map((mapping) => checkOffer(gateway, call, wish, mapping));
  const disabled = offers.filter((_, i) => checked[i] === DISABLED);
  if (disabled.length > 0) return providerDisabled(call, model, disabled);
  return notServed(
    model,
    checked.map((why, i) => `${offers[i]?.provider}: ${why}`),
  );
}

/** A candidate, or in a few words why this offer cannot serve the request. */
function checkOffer<C extends Call>(
  gateway: Gateway,
  call: C,
  wish: Wish<C>,
  mapping: Mapping,
): Candidate | string {
  const configured = gateway.providers.get(mapping.provider);
  if (!configured) return "unknown provider";
  if (!wish.isServed(configured.provider, mapping.task)) return `has no route for ${mapping.task}`;
  if (call.caller.disabledProviders.includes(mapping.provider)) return DISABLED;
  if (configured.isForItsOrg && !seesStaging(gateway.directory, call.caller, mapping.provider)) {
    return "is not live yet";
  }
  if (mapping.status !== "live" && !isStagedFor(gateway, call, mapping)) {
    return `status ${mapping.status}`;
  }
  const obstacle = wish.fault(call, mapping);
  if (obstacle !== undefined) return obstacle;
  const keySource = findKey(gateway, call, configured);
  if (keySource === undefined) {
    return `needs a key (${configured.provider.keyVariable ?? "providers: api_key"})`;
  }
  const fault = keySource === "operator" && !mapping.isFree ? faultOf(mapping) : undefined;
  return fault ?? { mapping, keySource, expectedCost: 0n };
}

/** Before it is live, an offer can be called by the people of its provider. */
const isStagedFor = ({ directory }: Gateway, { caller }: Call, mapping: Mapping): boolean =>
  mapping.status === "staging" && seesStaging(directory, caller, mapping.provider);

/** Looked for once: another price is another mapping. */
const faults = new WeakMap<Mapping, { readonly fault: string | undefined }>();

function faultOf(mapping: Mapping): string | undefined {
  let known = faults.get(mapping);
  if (!known) {
    known = { fault: priceFault(mapping.task, mapping.price) };
    faults.set(mapping, known);
  }
  return known.fault;
}

function findKey(
  gateway: Gateway,
  call: Call,
  { provider, key }: ConfiguredProvider,
): KeySource | undefined {
  if (call.headerKey !== undefined) return "header";
  if (gateway.directory.providerKey(call.caller.keyOwner, provider.id) !== undefined)
    return "stored";
  return key !== undefined || !provider.needsKey ? "operator" : undefined;
}

function expectedCost<C extends Call>(
  gateway: Gateway,
  call: C,
  wish: Wish<C>,
  { mapping, keySource }: Candidate,
): bigint {
  if (keySource !== "operator" || mapping.isFree || !mapping.price) return 0n;
  return costOf(wish.expectedUsage(gateway, call, mapping), mapping.price);
}

/** A usage of so many tokens, with the time they should take as far as speed was measured here. */
export function expectedUsage(
  { health }: Gateway,
  mapping: Mapping,
  inputTokens: number,
  outputTokens: number,
): Usage {
  const throughput = health.evidenceOf(mapping).throughput ?? TYPICAL_TOKENS_PER_SECOND;
  const ms = (health.firstByteMs(mapping) ?? 0) + (outputTokens * 1_000) / throughput;
  return { ...noUsage, inputTokens, outputTokens, measured: computeTime(ms) };
}

/** The key to send for a candidate. */
export function keyFor(gateway: Gateway, call: Call, candidate: Candidate): string | undefined {
  const { provider } = candidate.mapping;
  if (candidate.keySource === "header") return call.headerKey;
  if (candidate.keySource === "stored")
    return gateway.directory.providerKey(call.caller.keyOwner, provider);
  return gateway.providers.get(provider)?.key;
}

/** A model that is not there, or that is there for something else. */
function modelNotFound(
  gateway: Gateway,
  id: string,
  model: Model | undefined,
  tasks: readonly Task[],
): RouterError {
  const what = tasks.includes("conversational") ? "chat model" : `model for ${tasks.join(" or ")}`;
  if (model) {
    const message = `${id} is no ${what}; it is for ${model.task}.`;
    return new RouterError("model_not_found", message, { param: "model" });
  }
  const similar = gateway.catalog.similar(id);
  const hint = similar.length > 0 ? ` Did you mean ${similar.join(" or ")}?` : "";
  return new RouterError(
    "model_not_found",
    `There is no ${what} "${id}".${hint} GET /v1/models lists all.`,
    {
      param: "model",
      extra: { did_you_mean: similar },
    },
  );
}

function noOffer(gateway: Gateway, model: Model, policy: Policy): RouterError {
  if (policy.kind === "provider") return notServedBy(gateway, model, policy.provider);
  const offered = model.mappings.map(
    ({ provider }) => `${provider}: left out by "provider" in the request`,
  );
  return notServed(model, offered);
}

function notServedBy(gateway: Gateway, model: Model, provider: string): RouterError {
  const known = gateway.providers.has(provider)
    ? "does not serve"
    : "is no known provider or policy for";
  const servedBy = model.mappings.map((mapping) => mapping.provider);
  return new RouterError(
    "model_not_served",
    `"${provider}" ${known} ${model.id}. Served by ${servedBy.join(", ")}; policies are fastest, cheapest and preferred.`,
    { param: "model", extra: { did_you_mean: servedBy.map((id) => `${model.id}:${id}`) } },
  );
}

/** Said of an offer that only the organization's settings stand in the way of. */
const DISABLED = "disabled by the organization that pays";

function providerDisabled(
  { caller }: Call,
  model: Model,
  disabled: readonly Mapping[],
): RouterError {
  const providers = disabled.map(({ provider }) => provider);
  return new RouterError(
    "provider_disabled",
    `${caller.payer.name} has disabled ${providers.join(", ")}, and nobody else can serve ${model.id} for it at the moment.`,
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
