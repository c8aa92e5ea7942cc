import type { PriceText } from "./money.js";
import type { SimModel, TaskModel } from "./provider-facts.js";
import type { UnitPriceText } from "./units.js";

/** USD per million tokens: input, output, cached input. */
export const price = (input: string, output: string, cached?: string): PriceText =>
  cached === undefined ? { input, output } : { input, output, cached_input: cached };

type Rest = Partial<Pick<SimModel, "context" | "tools" | "structured">>;

/** A listed chat model: the Hub's id, the provider's id, the price. */
export const model = (hub: string, id: string, cost: PriceText, rest: Rest = {}): SimModel => ({
  id,
  hub,
  price: cost,
  context: 131_072,
  tools: true,
  structured: true,
  ...rest,
});

/** A listed model of another task. */
export const taskModel = (
  task: string,
  hub: string,
  id: string,
  cost: UnitPriceText,
): TaskModel => ({ id, hub, task, price: cost });
