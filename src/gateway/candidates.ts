/** Who can serve a request, in the order in which to try them. */
import type { Mapping, Model } from "../catalog/model.js";
import { badRequest, RouterError } from "../kernel/errors.js";
import { TYPICAL_OUTPUT_TOKENS, TYPICAL_TOKENS_PER_SECOND } from "../kernel/limits.js";
import { costOf } from "../metering/cost.js";
import { priceFault } from "../metering/priceable.js";
import {
  type Candidate,
  isAllowed,
  type KeySource,
  order,
  type Policy,
  policyFor,
} from "../routing/policy.js";
import { computeTime, noUsage, type Usage } from "../tasks/usage.js";
import type { ChatCall, ConfiguredProvider, Gateway } from "./parts.js";

/** English prose in UTF-8, per token of text: to compare prices only. */
const BYTES_PER_TOKEN = 4;

export type Route = { readonly policy: Policy; readonly candidates: readonly Candidate[] };

/** Throws a RouterError that says what could be done instead when nobody can serve the request. */
export function findRoute(gateway: Gateway, call: ChatCall): Route {
  const { request } = call;
  const policy = policyFor(request);
  if (call.headerKey !== undefined && policy.kind !== "provider") {
    throw badRequest(
      `X-Turnpike-Provider-Key needs a provider: write the model as "${request.model}:<provider>".`,
      "model",
    );
  }
  const model = gateway.catalog.model(request.model);
  if (model?.task !== "conversational") throw modelNotFound(gateway, request.model);
  const offers = model.mappings.filter(({ provider }) => isAllowed(request, provider));
  if (offers.length === 0) throw noOffer(gateway, model, policy);
  const checked = offers.map((mapping) => checkOffer(gateway, call, mapping));
  const candidates = checked.filter((result): result is Candidate => typeof result !== "string");
  if (candidates.length === 0) {
    throw notServed(
      model,
      checked.map((why, i) => `${offers[i]?.provider}: ${why}`),
    );
  }
  const preferences = { order: request.controls.order ?? call.caller.user.providerOrder };
  const evidenceOf = (mapping: Mapping) => gateway.health.evidenceOf(mapping);
  const ordered = order(candidates, policy, preferences, evidenceOf, call.at);
  return { policy, candidates: request.controls.allowFallbacks ? ordered : ordered.slice(0, 1) };
}

/** A candidate, or in a few words why this offer cannot serve the request. */
function checkOffer(gateway: Gateway, call: ChatCall, mapping: Mapping): Candidate | string {
  const configured = gateway.providers.get(mapping.provider);
  if (!configured?.provider.tasks.conversational) return "unknown provider";
  if (mapping.status !== "live") return `status ${mapping.status}`;
  if (call.request.usesTools && mapping.supportsTools === false) return "does not support tools";
  const keySource = findKey(gateway, call, configured);
  if (keySource === undefined) {
    return `needs a key (${configured.provider.keyVariable ?? "providers: api_key"})`;
  }
  if (keySource !== "operator") return { mapping, keySource, expectedCost: 0n };
  if (mapping.isFree) return { mapping, keySource, expectedCost: 0n };
  const fault = priceFault(mapping.task, mapping.price);
  if (fault !== undefined) return fault;
  return { mapping, keySource, expectedCost: expectedCost(gateway, call, mapping) };
}

function findKey(
  gateway: Gateway,
  call: ChatCall,
  { provider, key }: ConfiguredProvider,
): KeySource | undefined {
  if (call.headerKey !== undefined) return "header";
  if (gateway.directory.providerKey(call.caller.user.id, provider.id) !== undefined)
    return "stored";
  return key !== undefined || !provider.needsKey ? "operator" : undefined;
}

function expectedCost(gateway: Gateway, { request }: ChatCall, mapping: Mapping): bigint {
  const inputTokens = Math.ceil(request.inputTokensMost / BYTES_PER_TOKEN);
  const outputTokens = (request.maxTokens?.value ?? TYPICAL_OUTPUT_TOKENS) * request.choices;
  const usage = expectedUsage(gateway, mapping, inputTokens, outputTokens);
  return mapping.price ? costOf(usage, mapping.price) : 0n;
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
export function keyFor(gateway: Gateway, call: ChatCall, candidate: Candidate): string | undefined {
  const { provider } = candidate.mapping;
  if (candidate.keySource === "header") return call.headerKey;
  if (candidate.keySource === "stored")
    return gateway.directory.providerKey(call.caller.user.id, provider);
  return gateway.providers.get(provider)?.key;
}

function modelNotFound(gateway: Gateway, id: string): RouterError {
  const similar = gateway.catalog.similar(id);
  const hint = similar.length > 0 ? ` Did you mean ${similar.join(" or ")}?` : "";
  return new RouterError(
    "model_not_found",
    `There is no chat model "${id}".${hint} GET /v1/models lists all.`,
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

function notServed(model: Model, reasons: readonly string[]): RouterError {
  return new RouterError(
    "model_not_served",
    `Nobody can serve ${model.id} here at the moment: ${reasons.join("; ")}.`,
    { param: "model", extra: { served_if: reasons } },
  );
}
