import { PARSED_DIALS_MAX } from "./limits.js";
import { type Price, type PriceText, readPrice } from "./money.js";
import type { ProviderFacts } from "./provider-facts.js";
import type { UnitPriceText } from "./units.js";

/** Prices by provider id and model id; model `*` holds for the provider's other models. */
export type PriceTable = {
  readonly [provider: string]: { readonly [model: string]: UnitPriceText };
};

/** What a model costs here: what the configuration says, else what the provider's entry says, else nothing. */
export type Pricing = {
  /** By tokens, as chat is charged. */
  readonly priceOf: (provider: ProviderFacts, model: string) => Price;
  readonly priceTextOf: (provider: ProviderFacts, model: string) => PriceText;
  /** By whatever the model's price for a task is in. */
  readonly unitPriceOf: (provider: ProviderFacts, model: string, task: string) => UnitPriceText;
};

export function makePricing(table: PriceTable): Pricing {
  const prices = new Map<string, Price>();
  const priceTextOf = (provider: ProviderFacts, model: string): PriceText => {
    const own = table[provider.id];
    const listed = provider.models.find((one) => one.id === model)?.price;
    return tokenPrice(own?.[model]) ?? listed ?? tokenPrice(own?.["*"]) ?? provider.price ?? FREE;
  };
  return {
    priceTextOf,
    priceOf(provider, model) {
      const key = `${provider.id} ${model}`;
      let price = prices.get(key);
      if (!price) {
        // Any model id is accepted, so ids from outside must not grow this without end.
        if (prices.size >= PARSED_DIALS_MAX) prices.clear();
        price = readPrice(priceTextOf(provider, model));
        prices.set(key, price);
      }
      return price;
    },
    unitPriceOf(provider, model, task) {
      const own = table[provider.id]?.[model];
      if (own) return own;
      const ofTask = (provider.tasks ?? []).filter((one) => one.task === task);
      const listed = [...ofTask, ...provider.models].find((one) => one.id === model);
      return (listed ?? ofTask[0])?.price ?? provider.price ?? {};
    },
  };
}

const FREE: PriceText = { input: "0", output: "0" };

/** A price that chat can be charged by. */
const tokenPrice = (price: UnitPriceText | undefined): PriceText | undefined =>
  price?.input !== undefined && price.output !== undefined
    ? { ...price, input: price.input, output: price.output }
    : undefined;
