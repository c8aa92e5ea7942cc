import { stringify } from "yaml";
import type { Provider } from "./provider.js";
import type { SimModel } from "./provider-facts.js";
import type { State } from "./state.js";

type Prices = Pick<State, "priceTextOf" | "unitPriceOf">;

/** A `turnpike.yaml` that points the gateway at this simulator and knows its models and prices. */
export function readyConfig(
  providers: readonly Provider[],
  origin: string,
  prices: Prices,
): string {
  const config = {
    allow_literal_keys: true,
    providers: Object.fromEntries(
      providers.map(({ id }) => [id, { base_url: `${origin}/${id}`, api_key: "sim-key" }]),
    ),
    models: [...modelsOf(providers, prices), ...taskModelsOf(providers, prices)],
  };
  return `# Every provider is simulated at ${origin}.\n${stringify(config, { lineWidth: 0 })}`;
}

/** Models by Hub id, each with everyone who serves it. */
function modelsOf(providers: readonly Provider[], prices: Prices) {
  const served = new Map<string, object[]>();
  for (const provider of providers) {
    for (const model of provider.models) {
      const mappings = served.get(model.hub) ?? [];
      mappings.push(mappingOf(provider, model, prices));
      served.set(model.hub, mappings);
    }
  }
  return [...served].map(([id, mappings]) => ({ id, task: "conversational", providers: mappings }));
}

/** A Hub id can stand for one task only, so models are told apart by id and task. */
function taskModelsOf(providers: readonly Provider[], prices: Prices) {
  const served = new Map<string, { id: string; task: string; providers: object[] }>();
  for (const provider of providers) {
    for (const { id, hub, task } of provider.tasks ?? []) {
      const model = served.get(`${hub} ${task}`) ?? { id: hub, task, providers: [] };
      model.providers.push({
        provider: provider.id,
        provider_model: id,
        status: "live",
        price: prices.unitPriceOf(provider, id, task),
      });
      served.set(`${hub} ${task}`, model);
    }
  }
  return [...served.values()];
}

const mappingOf = (provider: Provider, model: SimModel, prices: Prices) => ({
  provider: provider.id,
  provider_model: model.id,
  status: "live",
  context_length: model.context,
  supports_tools: model.tools,
  supports_structured_output: model.structured,
  price: prices.priceTextOf(provider, model.id),
});
