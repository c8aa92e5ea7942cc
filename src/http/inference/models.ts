/** GET /v1/models and /v1/models/{id}: OpenAI's list, with who serves each model at what price. */
import type { Mapping, Model } from "../../catalog/model.js";
import { quoteOf } from "../../catalog/quote.js";
import type { NanoUsd } from "../../kernel/money.js";
import { modalitiesOf } from "../../tasks/modalities.js";
import { callerIfAny } from "../authenticate.js";
import { findVisible, isReachable, visibleMappings } from "../hub/visible.js";
import { type Handler, json, type Site } from "../parts.js";

export const listModels: Handler = async (site, visit) => {
  const caller = await callerIfAny(site, visit);
  const data: ReturnType<typeof printModel>[] = [];
  for (const model of site.gateway.catalog.all()) {
    // Adapters that are served by their tags may be without number; each is shown where it is asked for.
    if (model.mappings.every(({ tags }) => tags !== undefined)) continue;
    const printed = printModel(site, model, visibleMappings(site, caller, model) ?? []);
    if (printed.providers.length > 0) data.push(printed);
  }
  return json({ object: "list", data });
};

export const showModel: Handler = async (site, visit) => {
  const caller = await callerIfAny(site, visit);
  const model = findVisible(site, caller, visit.rest.join("/"));
  return json(printModel(site, model, model.mappings));
};

function printModel(site: Site, model: Model, visible: readonly Mapping[]) {
  const reachable = visible.filter((mapping) => isReachable(site, mapping));
  const { input, output } = modalitiesOf(model.task);
  return {
    id: model.id,
    object: "model",
    created: CREATED,
    owned_by: model.id.split("/", 1)[0] ?? model.id,
    task: model.task,
    architecture: { input_modalities: input, output_modalities: output },
    providers: reachable.map((mapping) => printMapping(site, mapping)),
  };
}

/** OpenAI's clients want a number here; when a model was made is not known. */
const CREATED = 0;

function printMapping({ gateway }: Site, mapping: Mapping) {
  const { throughput, firstByteMs } = speedOf(gateway, mapping);
  const { provider } = gateway.providers.get(mapping.provider) ?? {};
  const retainsPrompts = mapping.retainsPrompts ?? provider?.retainsPrompts;
  return {
    provider: mapping.provider,
    provider_model: mapping.providerModel,
    status: mapping.status,
    ...(mapping.contextLength !== undefined && { context_length: mapping.contextLength }),
    ...(mapping.price && { pricing: printPricing(mapping) }),
    ...(mapping.hardware !== undefined && { hardware: mapping.hardware }),
    is_free: mapping.isFree,
    ...(mapping.supportsTools !== undefined && { supports_tools: mapping.supportsTools }),
    ...(mapping.supportsStructuredOutput !== undefined && {
      supports_structured_output: mapping.supportsStructuredOutput,
    }),
    ...(firstByteMs !== undefined && { first_token_latency_ms: Math.round(firstByteMs) }),
    ...(throughput !== undefined && { throughput: Math.round(throughput * 10) / 10 }),
    ...(mapping.inputModalities && { input_modalities: mapping.inputModalities }),
    ...(retainsPrompts !== undefined && { retains_prompts: retainsPrompts }),
    is_model_author: mapping.isModelAuthor ?? false,
    price_source: mapping.source,
  };
}

/** As it was measured lately; where nobody has called it, as its last validation was. */
function speedOf({ statistics, catalog, clock }: Site["gateway"], mapping: Mapping) {
  const measured = statistics.evidenceOf(mapping, clock.now());
  const found = catalog.validationOf(mapping);
  return {
    throughput: measured.throughput ?? found?.throughput,
    firstByteMs: measured.firstByteMs ?? found?.firstTokenMs,
  };
}

/** Dollars as numbers, the way other routers list them; billing uses the exact figures. */
function printPricing({ price = {} }: Mapping): Record<string, number> {
  return Object.fromEntries(
    Object.entries(price).map(([unit, each]) => [unit, dollars(quoteOf(unit, each))]),
  );
}

const dollars = (amount: NanoUsd): number => Number(amount) / 1e9;
