import { type Call, jsonAnswer } from "./call.js";
import type { PriceText } from "./money.js";
import type { Endpoint, ListedModel } from "./provider.js";
import type { ProviderFacts } from "./provider-facts.js";
import type { State } from "./state.js";

const LISTED_SINCE = 1_735_689_600;

/** The provider's own model list, with the prices that this simulator charges. */
export const serveModels = (call: Call, endpoint: Endpoint & { kind: "models" }): Response =>
  jsonAnswer(call, endpoint.list(listedModels(call.state, call.provider), call.params));

export function listedModels(state: State, provider: ProviderFacts): ListedModel[] {
  const only = state.dialsFor(provider.id, null);
  const allowed = only.ok ? only.dials.models : undefined;
  return provider.models
    .filter((model) => !allowed || allowed.includes(model.id))
    .map((model) => {
      const price = state.priceTextOf(provider, model.id);
      return { ...model, price, created: LISTED_SINCE, pricing: asNumbers(price) };
    });
}

const asNumbers = (price: PriceText): ListedModel["pricing"] => ({
  input: Number(price.input),
  output: Number(price.output),
  ...(price.cached_input === undefined ? {} : { cached_input: Number(price.cached_input) }),
});
