/** /api/turnpike/admin/models…: the catalog as the operator sees and changes it. */
import { z } from "zod";
import type { Catalog } from "../../catalog/catalog.js";
import { factsOf, mappingFields, modelId, providerModel } from "../../catalog/entry.js";
import { findModel } from "../../catalog/find.js";
import type { Model } from "../../catalog/model.js";
import { printMapping, printPriceEntry } from "../../catalog/print.js";
import { factsIn, keyOf, type NewMapping } from "../../catalog/stored.js";
import { badRequest, RouterError } from "../../kernel/errors.js";
import { KNOWN_MODELS_MAX, MODEL_TAG_CHARS_MAX, MODEL_TAGS_MAX } from "../../kernel/limits.js";
import { TASKS } from "../../tasks/index.js";
import { authenticate } from "../authenticate.js";
import { readJson } from "../body.js";
import { type Handler, json, type Site } from "../parts.js";
import { queryOf } from "../query.js";
import { priceIn, requireNotInFile } from "./mapping-fields.js";

/** All of it: what is in staging, and whose provider has no key, too. */
export const listAdminModels: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  const { catalog } = site.gateway;
  const query = queryOf(visit, ["provider", "search"]);
  const [provider, search] = [query.get("provider"), query.get("search")];
  const models = [...catalog.all()].filter(
    ({ id, mappings }) =>
      id.toLowerCase().includes(search?.toLowerCase() ?? "") &&
      (provider === null || mappings.some((mapping) => mapping.provider === provider)),
  );
  return json({ models: models.map((model) => printModel(catalog, model)) });
};

export const showAdminModel: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  return json({ model: await withHistory(site, visit.rest.join("/")) });
};

const mappingBody = z.strictObject({
  ...mappingFields,
  provider: z.string().min(1),
  task: z.enum(TASKS).optional(),
  provider_model: providerModel.optional(),
  status: z.enum(["live", "staging", "error"]).optional(),
  source: z.string().min(1).max(MODEL_TAG_CHARS_MAX).optional(),
});

type MappingBody = z.output<typeof mappingBody>;

/** Writes one provider's mapping into the store: what is not said stays what it is now. */
export const putAdminModel: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "admin");
  const id = readModelId(visit.rest);
  const wanted = await readJson(visit.request, mappingBody);
  const mapping = toMapping(site, id, wanted, user.name);
  await site.mappings.put([mapping]);
  await site.reloadMappings(mapping.provider);
  return json({ model: await withHistory(site, id) });
};

function toMapping(site: Site, id: string, wanted: MappingBody, setBy: string): NewMapping {
  const { catalog, providers } = site.gateway;
  const { provider } = wanted;
  if (!providers.has(provider)) {
    throw badRequest(`"provider": there is no provider "${provider}" here.`, "provider");
  }
  const model = catalog.model(id);
  const task = wanted.task ?? model?.task;
  if (!task) throw badRequest('"task": say what the model is for.', "task");
  const shown = model?.mappings.find((each) => each.provider === provider && each.task === task);
  const now = shown && catalog.stated(shown);
  requireNotInFile(catalog, { modelId: id, provider, task }, "provider");
  const source = wanted.source ?? `set by ${setBy}`;
  const named = wanted.provider_model ?? now?.providerModel;
  if (named === undefined) {
    throw badRequest(`"provider_model": say what ${provider} calls the model.`, "provider_model");
  }
  return {
    ...{ provider, task, subject: { kind: "model", model: id }, providerModel: named },
    status: wanted.status ?? now?.status ?? "live",
    facts: { ...(now && factsIn(now)), ...factsOf(wanted) },
    price: priceIn(site, wanted, { task, source, setBy }) ?? {
      ...{ price: now?.price, isFree: now?.isFree ?? false },
      ...{ source: now?.source ?? source, setBy },
    },
  };
}

const knownBody = z.strictObject({
  pipeline_tag: z.string().min(1).max(MODEL_TAG_CHARS_MAX).optional(),
  tags: z.array(z.string().min(1).max(MODEL_TAG_CHARS_MAX)).max(MODEL_TAGS_MAX),
  adapter_weights_path: providerModel.optional(),
});

/** What tag filters go by: the tags of a model, as the Hub has them. */
export const putKnownModel: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "admin");
  const id = readModelId(visit.rest);
  const said = await readJson(visit.request, knownBody);
  const { catalog } = site.gateway;
  if (!catalog.known(id) && catalog.knownCount >= KNOWN_MODELS_MAX) {
    throw new RouterError("conflict", `${KNOWN_MODELS_MAX} models are known, the limit.`);
  }
  await site.mappings.putModels([
    {
      ...{ id, pipelineTag: said.pipeline_tag, tags: said.tags },
      loraWeights: said.adapter_weights_path,
      ...{ source: `set by ${user.name}`, readAt: visit.at },
    },
  ]);
  await site.reloadModels();
  return json({ id, ...said });
};

export const listRenames: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  return json({ renames: (await site.mappings.loadKnown()).renames });
};

/** Has a model's former id go on working. */
export const putRename: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "admin");
  const from = readModelId(visit.rest);
  const { to } = await readJson(visit.request, z.strictObject({ to: modelId }));
  if (site.gateway.catalog.currentId(to) === from || to === from) {
    throw badRequest(`"to": ${to} is ${from} already.`, "to");
  }
  await site.mappings.putRenames([{ from, to }], user.name);
  await site.reloadModels();
  return json({ rename: { from, to } });
};

export const removeRename: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  const from = visit.rest.join("/");
  const isGone = await site.mappings.removeRename(from);
  if (!isGone) throw new RouterError("not_found", `Nothing was renamed from "${from}".`);
  await site.reloadModels();
  return json({ removed: from });
};

function readModelId(rest: readonly string[]): string {
  const id = modelId.safeParse(rest.join("/"));
  if (id.success) return id.data;
  throw badRequest(`"${rest.join("/")}": ${id.error.issues[0]?.message}.`);
}

async function withHistory({ gateway, mappings }: Site, id: string) {
  const model = findModel(gateway.catalog, id);
  const printed = printModel(gateway.catalog, model);
  const histories = await Promise.all(model.mappings.map((each) => mappings.prices(keyOf(each))));
  const withPast = printed.mappings.map((mapping, i) => ({
    ...mapping,
    history: (histories[i] ?? []).map(printPriceEntry),
  }));
  return { ...printed, mappings: withPast };
}

const printModel = (catalog: Catalog, model: Model) => ({
  id: model.id,
  task: model.task,
  tags: model.tags ?? [],
  mappings: model.mappings.map((mapping) => ({
    ...printMapping(mapping),
    written_in: catalog.sourceOf(mapping) ?? null,
  })),
});
