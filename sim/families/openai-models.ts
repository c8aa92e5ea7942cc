import type { Json, JsonObject } from "../json.js";
import type { ListedModel } from "../provider.js";

/** One entry of an OpenAI model list, with the price and context that routers read. */
export const listed = (model: ListedModel): JsonObject => ({
  id: model.id,
  object: "model",
  created: model.created,
  owned_by: model.hub.split("/")[0] ?? "system",
  context_length: model.context,
  pricing: model.pricing,
});

/** `{"object": "list", "data": [...]}`, each entry with what `more` adds. */
export const openAiModels =
  (more: (model: ListedModel) => JsonObject = () => ({})) =>
  (models: readonly ListedModel[]): Json => ({
    object: "list",
    data: models.map((model) => ({ ...listed(model), ...more(model) })),
  });
