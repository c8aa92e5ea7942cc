import { stringify } from "yaml";
import type { PriceText } from "./money.js";
import type { Provider, SimModel } from "./provider.js";

type PriceOf = (provider: Provider, model: string) => PriceText;

/** A `turnpike.yaml` that points the gateway at this simulator and knows its models and prices. */
export function readyConfig(
  providers: readonly Provider[],
  origin: string,
  priceOf: PriceOf,
): string {
  const config = {
    allow_literal_keys: true,
    providers: Object.fromEntries(
      providers.map(({ id }) => [id, { base_url: `${origin}/${id}`, api_key: "sim-key" }]),
    ),
    models: modelsOf(providers, priceOf),
  };
  return `# Every provider is simulated at ${origin}.\n${stringify(config, { lineWidth: 0 })}`;
}

/** Models by Hub id, each with everyone who serves it. */
function modelsOf(providers: readonly Provider[], priceOf: PriceOf) {
  const served = new Map<string, object[]>();
  for (const provider of providers) {
    for (const model of provider.models) {
      const mappings = served.get(model.hub) ?? [];
      mappings.push(mappingOf(provider, model, priceOf));
      served.set(model.hub, mappings);
    }
  }
  return [...served].map(([id, mappings]) => ({ id, task: "conversational", providers: mappings }));
}

const mappingOf = (provider: Provider, model: SimModel, priceOf: PriceOf) => ({
  provider: provider.id,
  provider_model: model.id,
  status: "live",
  context_length: model.context,
  supports_tools: model.tools,
  supports_structured_output: model.structured,
  price: priceOf(provider, model.id),
});
