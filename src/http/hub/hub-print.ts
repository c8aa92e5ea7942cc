/**
 * Models and who serves them as the Hub's clients read them. Source: huggingface.js 4.13.30 and huggingface_hub 1.29
 * and 2.4, as they read.
 */
import type { Mapping, MappingStatus, Model } from "../../catalog/model.js";
import { printTime } from "../../kernel/print-time.js";
import { EMBEDDINGS, type Task } from "../../tasks/index.js";
import { hubId } from "./hub-id.js";

/** Of one model the Hub tells its mapping as an object by provider, of models in a list as a list. */
export type MappingForm = "object" | "list";

/** `mappings`: those in reach. `wanted` undefined: all there is. What nobody here knows of a model is left out, as the Hub does it. */
export function printHubModel(
  model: Model,
  mappings: readonly Mapping[],
  { wanted, form }: { wanted: readonly string[] | undefined; form: MappingForm },
) {
  const known: Readonly<Record<string, unknown>> = {
    pipeline_tag: pipelineTagOf(model.task),
    tags: tagsOf(model),
    author: authorOf(model),
    lastModified: lastModified(model),
    inference: mappings.some(({ status }) => status === "live") ? "warm" : undefined,
    inferenceProviderMapping: printMappings(model, mappings, form),
  };
  const shown = wanted?.map((name) => [name, known[name]] as const) ?? Object.entries(known);
  return { _id: hubId(model.id), id: model.id, modelId: model.id, ...Object.fromEntries(shown) };
}

export const authorOf = ({ id }: Model): string | undefined =>
  id.includes("/") ? id.split("/", 1)[0] : undefined;

/** When anything was last said of its mappings. */
function lastModified({ mappings }: Model): string | undefined {
  const newest = Math.max(0, ...mappings.map(({ pricedAt = 0 }) => pricedAt));
  return newest === 0 ? undefined : printTime(newest);
}

/** Chat is what some models do whose kind is to generate text. */
export const pipelineTagOf = (task: Task): string =>
  task === "conversational" ? "text-generation" : task;

/** Python's client reads here which tasks a model can do on hf-inference, where either embedding does for both. */
export function tagsOf({ task, mappings, tags = [] }: Model): readonly string[] {
  const tasks = [task, ...mappings.map((mapping) => mapping.task)];
  const isEmbedding = tasks.some((one) => EMBEDDINGS.includes(one));
  return [
    ...new Set([
      ...tasks.flatMap((one) => [pipelineTagOf(one), one]),
      ...(isEmbedding ? EMBEDDINGS : []),
      ...tags,
    ]),
  ];
}

/** The clients take the first entry when no provider is named, and fail at a name that is new to them. */
function printMappings(model: Model, mappings: readonly Mapping[], form: MappingForm) {
  const rank = (mapping: Mapping): number =>
    (mapping.task === model.task ? 0 : 100) +
    (KNOWN_TO_CLIENTS.has(nameForClients(mapping)) ? 0 : 10) +
    STATUS_RANK[mapping.status];
  const byProvider: Record<string, ReturnType<typeof printMapping>> = {};
  // One entry for each provider is all the form has room for: that for the model's own task, where there is one.
  for (const mapping of mappings.toSorted((a, b) => rank(a) - rank(b))) {
    byProvider[nameForClients(mapping)] ??= printMapping(mapping);
  }
  if (form === "object") return byProvider;
  return Object.entries(byProvider).map(([provider, entry]) => ({ provider, ...entry }));
}

const STATUS_RANK: Readonly<Record<MappingStatus, number>> = { live: 0, staging: 1, error: 2 };

function printMapping(mapping: Mapping) {
  const { status, modelId, providerModel, task, isModelAuthor, loraWeights, tags } = mapping;
  return {
    status,
    // Its routes name models by their Hub ids.
    providerId: nameForClients(mapping) === HF_INFERENCE ? modelId : providerModel,
    task,
    isModelAuthor: isModelAuthor ?? false,
    ...(tags && { type: "tag-filter" }),
    ...(loraWeights !== undefined && { adapter: "lora", adapterWeightsPath: loraWeights }),
  };
}

export const HF_INFERENCE = "hf-inference";

/** The embedded provider answers on the routes of hf-inference, for which the clients have a helper. */
export const nameForClients = ({ provider }: Mapping): string =>
  provider === "embedded" ? HF_INFERENCE : provider;

/** The providers that both clients have a helper for and send routed requests to. */
const KNOWN_TO_CLIENTS: ReadonlySet<string> = new Set([
  ...(["baseten", "cerebras", "cohere", "deepinfra", "fal-ai", "featherless-ai"] as const),
  ...(["fireworks-ai", "groq", "hf-inference", "novita", "nscale", "ovhcloud"] as const),
  ...(["publicai", "replicate", "scaleway", "together", "wavespeed", "zai-org"] as const),
]);
