import { price } from "../model-entry.js";
import type { TaskModel } from "../provider-facts.js";

/** A listed model that continues text: the Hub's id, the provider's id, USD per million tokens. */
export const generator = (hub: string, id: string, input: string, output: string): TaskModel => ({
  id,
  hub,
  task: "text-generation",
  price: price(input, output),
});

/** A listed model of embeddings, priced by what it reads. */
export const embedder = (hub: string, id: string, input: string): TaskModel => ({
  id,
  hub,
  task: "feature-extraction",
  price: { input },
});

export const reranker = (hub: string, id: string, cost: TaskModel["price"]): TaskModel => ({
  id,
  hub,
  task: "text-ranking",
  price: cost,
});
