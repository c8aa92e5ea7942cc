/**
 * What Hugging Face's clients ask of the Hub before they call a model: who serves it, for which task, and which models
 * a task has. Look-ups need no token, and one that is not ours does no harm: clients send what they have.
 * Source: huggingface.js 4.13.30 and huggingface_hub 1.29 and 2.4, as they ask and as they read.
 */
import { didYouMean } from "../../catalog/find.js";
import type { Mapping, Model } from "../../catalog/model.js";
import { RouterError } from "../../kernel/errors.js";
import { HUB_TASK_MODELS_MAX } from "../../kernel/limits.js";
import { callerIfAny } from "../authenticate.js";
import { type Handler, json, type Site } from "../parts.js";
import { HF_INFERENCE, nameForClients, printHubModel } from "./hub-print.js";
import {
  comparePlaces,
  expansionsIn,
  type HubQuery,
  inOrder,
  placeOf,
  printCursor,
  readHubQuery,
} from "./hub-query.js";
import { isReachable, visibleMappings } from "./visible.js";

/** GET /api/models/{org}/{name}, with `expand[]=` or `expand=` for what is wanted of it. */
export const showHubModel: Handler = async (site, visit) => {
  const id = withoutRevision(visit.rest).join("/");
  const model = site.gateway.catalog.model(id);
  const caller = await callerIfAny(site, visit);
  const visible = model && visibleMappings(site, caller, model);
  if (!model || !visible) throw noModel(site, id);
  if (model.id !== id) return moved(`/api/models/${model.id}${visit.url.search}`);
  const wanted = expansionsIn(visit.url.searchParams);
  return json(printHubModel(model, reachable(site, visible), { wanted, form: "object" }));
};

/** Clients that want a revision name it; what is told here is the same of all. */
const withoutRevision = (path: readonly string[]): readonly string[] => {
  const revision = path.indexOf("revision", 1);
  return revision > 0 && revision === path.length - 2 ? path.slice(0, revision) : path;
};

/** As the Hub answers for a model that was renamed. The query goes along, since clients follow the address as it is. */
const moved = (location: string): Response =>
  new Response(`Temporary Redirect. Redirecting to ${location}`, {
    status: 307,
    headers: { location, "content-type": "text/plain; charset=utf-8" },
  });

function noModel({ gateway }: Site, id: string): RouterError {
  const similar = gateway.catalog.similar(id);
  return new RouterError(
    "model_not_found",
    `There is no model "${id}" here.${didYouMean(similar)}`,
  );
}

/** GET /api/models?inference_provider=…&pipeline_tag=…&search=…&author=…&filter=…&sort=…&limit=…&cursor=… */
export const listHubModels: Handler = async (site, visit) => {
  const { url } = visit;
  const query = readHubQuery(url.searchParams);
  const isFull = url.searchParams.get("full") === "true";
  const wanted = expansionsIn(url.searchParams) ?? (isFull ? undefined : LISTED);
  const caller = await callerIfAny(site, visit);
  const mappingsOf = (model: Model) => reachable(site, visibleMappings(site, caller, model) ?? []);
  const { shown, next } = pageOf(site.gateway.catalog.sorted(), query, (model) =>
    query.isWanted(model, live(mappingsOf(model))),
  );
  const printed = shown.map((model) =>
    printHubModel(model, mappingsOf(model), { wanted, form: "list" }),
  );
  const answer = json(printed);
  if (next !== undefined) {
    url.searchParams.set("cursor", next);
    answer.headers.set("link", `<${url.href}>; rel="next"`);
  }
  return answer;
};

/** What the list tells of each model where nothing is asked for. */
const LISTED = ["pipeline_tag", "tags", "lastModified"];

type Page = { readonly shown: readonly Model[]; readonly next: string | undefined };

/**
 * A cursor says where the page before ended, so that a model which comes or goes meanwhile shifts no other. Nothing is
 * looked at beyond the page: a catalog may have very many models.
 */
function pageOf(
  sorted: readonly Model[],
  { order, limit, after }: HubQuery,
  isWanted: (model: Model) => boolean,
): Page {
  const shown: Model[] = [];
  for (const model of inOrder(sorted, order)) {
    if (after && comparePlaces(order, placeOf(order, model), after) <= 0) continue;
    if (!isWanted(model)) continue;
    const last = shown.at(-1);
    if (shown.length >= limit) {
      return { shown, next: last && printCursor(placeOf(order, last)) };
    }
    shown.push(model);
  }
  return { shown, next: undefined };
}

/** GET /api/tasks: where clients look when they were told a task and no model. */
export const listHubTasks: Handler = (site) => {
  const tasks: Record<string, { id: string; models: { id: string }[]; widgetModels: string[] }> =
    {};
  for (const model of site.gateway.catalog.all()) {
    const served = live(reachable(site, visibleMappings(site, undefined, model) ?? []));
    for (const [task, mappings] of Map.groupBy(served, (one) => one.task)) {
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

const live = (mappings: readonly Mapping[]): readonly Mapping[] =>
  mappings.filter(({ status }) => status === "live");

const reachable = (site: Site, mappings: readonly Mapping[]): readonly Mapping[] =>
  mappings.filter((mapping) => isReachable(site, mapping));
