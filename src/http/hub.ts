/**
 * What Hugging Face's clients ask of the Hub before they call a model: who serves it, for which task, and which models
 * a task has. Look-ups need no token, and one that is not ours does no harm: clients send what they have.
 * Source: huggingface.js 4.13.30 and huggingface_hub 1.29 and 2.4, as they ask and as they read.
 */
import { createHash } from "node:crypto";
import type { Mapping, MappingStatus, Model } from "../catalog/model.js";
import { badRequest, RouterError } from "../kernel/errors.js";
import { HUB_LIST_DEFAULT, HUB_LIST_MAX, HUB_TASK_MODELS_MAX } from "../kernel/limits.js";
import { EMBEDDINGS, type Task } from "../tasks/index.js";
import { isReachable } from "./models.js";
import { type Handler, json, type Site } from "./parts.js";

/** GET /api/models/{org}/{name}, with `expand[]=` or `expand=` for what is wanted of it. */
export const showHubModel: Handler = (site, visit) => {
  const id = visit.rest.join("/");
  const model = site.gateway.catalog.model(id);
  if (!model) {
    const similar = site.gateway.catalog.similar(id);
    const hint = similar.length > 0 ? ` Did you mean ${similar.join(" or ")}?` : "";
    throw new RouterError("model_not_found", `There is no model "${id}" here.${hint}`);
  }
  return json(printHubModel(site, model, expansionsIn(visit.url.searchParams)));
};

/** GET /api/models?inference_provider=…&pipeline_tag=…&search=…&author=…&limit=… */
export const listHubModels: Handler = (site, { url }) => {
  const query = url.searchParams;
  const wanted = expansionsIn(query) ?? ["pipeline_tag", "tags"];
  const found = [...site.gateway.catalog.all()].filter((model) => isWanted(site, model, query));
  const [limit, start] = [pageOf(query, "limit", HUB_LIST_DEFAULT), pageOf(query, "skip", 0)];
  const shown = found.slice(start, start + Math.min(limit, HUB_LIST_MAX));
  const answer = json(shown.map((model) => printHubModel(site, model, wanted)));
  const end = start + shown.length;
  if (shown.length > 0 && end < found.length) {
    url.searchParams.set("skip", String(end));
    answer.headers.set("link", `<${url.href}>; rel="next"`);
  }
  return answer;
};

/** GET /api/tasks: where clients look when they were told a task and no model. */
export const listHubTasks: Handler = (site) => {
  const tasks: Record<string, { id: string; models: { id: string }[]; widgetModels: string[] }> =
    {};
  for (const model of site.gateway.catalog.all()) {
    for (const [task, mappings] of Map.groupBy(liveOffers(site, model), (one) => one.task)) {
      tasks[task] ??= { id: task, models: [], widgetModels: [] };
      const { models, widgetModels } = tasks[task];
      if (models.length < HUB_TASK_MODELS_MAX) models.push({ id: model.id });
      // Python's client takes the first of these and asks hf-inference for it.
      const isForWidgets = mappings.some((one) => nameForClients(one) === HF_INFERENCE);
      if (isForWidgets && widgetModels.length < HUB_TASK_MODELS_MAX) widgetModels.push(model.id);
    }
  }
  return json(tasks);
};

const liveOffers = (site: Site, model: Model): readonly Mapping[] =>
  model.mappings.filter((mapping) => mapping.status === "live" && isReachable(site, mapping));

/** `expand[]=a`, `expand=a` and `expand=a,b` are all in use. Undefined: nothing was said. */
function expansionsIn(query: URLSearchParams): readonly string[] | undefined {
  const said = [...query.getAll("expand"), ...query.getAll("expand[]")];
  return said.length === 0 ? undefined : said.flatMap((names) => names.split(","));
}

function pageOf(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name);
  if (text === null) return otherwise;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw badRequest(`"${name}" must be a whole number.`, name);
}

function isWanted(site: Site, model: Model, query: URLSearchParams): boolean {
  const offers = liveOffers(site, model);
  const providers = query.getAll("inference_provider").flatMap((ids) => ids.split(","));
  const isServed = (offer: Mapping) =>
    providers.length === 0 ||
    providers.includes("all") ||
    providers.includes(nameForClients(offer));
  const [pipelineTag, author] = [query.get("pipeline_tag"), query.get("author")];
  const search = query.get("search")?.toLowerCase() ?? "";
  const tags = query.getAll("filter").flatMap((names) => names.split(","));
  const own = tagsOf(model);
  return (
    offers.some(isServed) &&
    (pipelineTag === null || own.includes(pipelineTag)) &&
    (author === null || model.id.startsWith(`${author}/`)) &&
    model.id.toLowerCase().includes(search) &&
    tags.every((tag) => own.includes(tag))
  );
}

/** `wanted` undefined: all there is. What nobody here knows of a model is left out, as the Hub does it. */
function printHubModel(site: Site, model: Model, wanted: readonly string[] | undefined) {
  const offers = model.mappings.filter((mapping) => isReachable(site, mapping));
  const known: Readonly<Record<string, unknown>> = {
    pipeline_tag: pipelineTagOf(model.task),
    tags: tagsOf(model),
    author: model.id.includes("/") ? model.id.split("/", 1)[0] : undefined,
    inference: offers.some(({ status }) => status === "live") ? "warm" : undefined,
    inferenceProviderMapping: mappingOf(model, offers),
  };
  const shown = wanted?.map((name) => [name, known[name]] as const) ?? Object.entries(known);
  return { _id: hubId(model.id), id: model.id, modelId: model.id, ...Object.fromEntries(shown) };
}

/** 24 hex characters, as the Hub's own ids are, and the same every time. */
const hubId = (id: string): string => createHash("sha256").update(id).digest("hex").slice(0, 24);

/** Chat is what some models do whose kind is to generate text. */
const pipelineTagOf = (task: Task): string =>
  task === "conversational" ? "text-generation" : task;

/** Python's client reads here which tasks a model can do on hf-inference, where either embedding does for both. */
function tagsOf({ task, mappings }: Model): readonly string[] {
  const tasks = [task, ...mappings.map((mapping) => mapping.task)];
  const isEmbedding = tasks.some((one) => EMBEDDINGS.includes(one));
  return [
    ...new Set([
      ...tasks.flatMap((one) => [pipelineTagOf(one), one]),
      ...(isEmbedding ? EMBEDDINGS : []),
    ]),
  ];
}

/** The clients take the first entry when no provider is named, and fail at a name that is new to them. */
function mappingOf(model: Model, offers: readonly Mapping[]) {
  const rank = (offer: Mapping): number =>
    (offer.task === model.task ? 0 : 100) +
    (KNOWN_TO_CLIENTS.has(nameForClients(offer)) ? 0 : 10) +
    STATUS_RANK[offer.status];
  const byProvider: Record<string, ReturnType<typeof printMapping>> = {};
  // One entry for each provider is all the form has room for: that for the model's own task, where there is one.
  for (const offer of offers.toSorted((a, b) => rank(a) - rank(b))) {
    byProvider[nameForClients(offer)] ??= printMapping(offer);
  }
  return byProvider;
}

const STATUS_RANK: Readonly<Record<MappingStatus, number>> = { live: 0, staging: 1, error: 2 };

function printMapping(offer: Mapping) {
  const { status, modelId, providerModel, task, isModelAuthor, loraWeights } = offer;
  return {
    status,
    // Its routes name models by their Hub ids.
    providerId: nameForClients(offer) === HF_INFERENCE ? modelId : providerModel,
    task,
    isModelAuthor: isModelAuthor ?? false,
    ...(loraWeights !== undefined && { adapter: "lora", adapterWeightsPath: loraWeights }),
  };
}

const HF_INFERENCE = "hf-inference";

/** The embedded provider answers on the routes of hf-inference, for which the clients have a helper. */
const nameForClients = ({ provider }: Mapping): string =>
  provider === "embedded" ? HF_INFERENCE : provider;

/** The providers that both clients have a helper for and send routed requests to. */
const KNOWN_TO_CLIENTS: ReadonlySet<string> = new Set([
  ...(["baseten", "cerebras", "cohere", "deepinfra", "fal-ai", "featherless-ai"] as const),
  ...([
    "fireworks-ai",
    "groq",
    "hf-inference",
    "novita",
    "nscale",
    "ovhcloud",
    "publicai",
  ] as const),
  ...(["replicate", "scaleway", "together", "wavespeed", "zai-org"] as const),
]);
