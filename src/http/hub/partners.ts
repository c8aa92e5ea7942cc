/** /api/partners/{provider}/models…: what a provider's own people, or the operator, say that it serves. */
import { factsOf, type MappingFields } from "../../catalog/entry.js";
import {
  type MappingChange,
  type NewMapping,
  nameOf,
  type StoredMapping,
} from "../../catalog/stored.js";
import type { ConfiguredProvider, Gateway } from "../../gateway/parts.js";
import { badRequest, RouterError } from "../../kernel/errors.js";
import { MAPPINGS_MAX } from "../../kernel/limits.js";
import { chatAdapterOf } from "../../providers/provider.js";
import { EMBEDDINGS, type Task } from "../../tasks/index.js";
import type { Caller } from "../../tenants/caller.js";
import { mayManageProvider, seesStaging } from "../../tenants/provider-rights.js";
import { authenticate, callerIfAny } from "../authenticate.js";
import { readJson } from "../body.js";
import { priceIn, requireNotInFile } from "../operator/mapping-fields.js";
import { type Handler, json, type Site, type Visit } from "../parts.js";
import { pipelineTagOf, tagsOf } from "./hub-print.js";
import { changeBody, type NewMappingBody, newMappingBody, statusBody } from "./partner-body.js";
import { idOf, itemsOf, printStored, unstored } from "./partner-items.js";

/** Everybody may look; what is in staging is shown to those who may call it. */
export const listPartnerModels: Handler = async (site, visit) => {
  const { provider } = providerAt(site, visit);
  const wanted = visit.url.searchParams.get("status");
  if (wanted !== null && !["live", "staging", "error"].includes(wanted)) {
    throw badRequest('"status" must be live, staging or error.', "status");
  }
  const caller = await callerIfAny(site, visit);
  const seesAll = caller !== undefined && seesStaging(site.gateway.directory, caller, provider.id);
  const byTask: Partial<Record<Task, Record<string, object>>> = {};
  for (const { task, name, status, item } of await itemsOf(site, provider.id)) {
    if (wanted !== null && status !== wanted) continue;
    if (status === "staging" && !seesAll) continue;
    byTask[task] ??= {};
    byTask[task][name] = item;
  }
  return json(byTask);
};

export const addPartnerModel: Handler = async (site, visit) => {
  const { caller, configured } = await enterProvider(site, visit);
  const wanted = await readJson(visit.request, newMappingBody);
  requireRoute(configured, wanted.task);
  requireKind(site, wanted);
  const mapping = { ...toMapping(site, caller, wanted), provider: configured.provider.id };
  const { provider, task, subject } = mapping;
  if (subject.kind === "model") {
    requireNotInFile(site.gateway.catalog, { modelId: subject.model, provider, task }, "hfModel");
  }
  if ((await site.mappings.ofProvider(provider)).length >= MAPPINGS_MAX) {
    throw new RouterError("conflict", `${provider} has ${MAPPINGS_MAX} mappings, the limit.`);
  }
  const added = await site.mappings.add(mapping);
  if (!added) {
    const message = `${provider} has a mapping of ${nameOf(subject)} for ${task} already.`;
    throw new RouterError("conflict", message, { param: "hfModel" });
  }
  await site.reloadMappings(provider);
  return json(printStored(added));
};

export const setPartnerStatus: Handler = async (site, visit) => {
  const place = await enterMapping(site, visit);
  const { status } = await readJson(visit.request, statusBody);
  return changed(site, place, { status });
};

/** Price and abilities: ours, since the Hub learns them from the provider's list. */
export const changePartnerModel: Handler = async (site, visit) => {
  const place = await enterMapping(site, visit);
  const written = await readJson(visit.request, changeBody);
  return changed(site, place, {
    providerModel: written.providerModel,
    facts: factsOf(written),
    price: newPrice(site, place.caller, written, place.mapping.task),
  });
};

export const removePartnerModel: Handler = async (site, visit) => {
  const { mapping } = await enterMapping(site, visit);
  await site.mappings.remove(mapping.id);
  await site.reloadMappings(mapping.provider);
  return json({ _id: mapping.id });
};

type AtMapping = { readonly caller: Caller; readonly mapping: StoredMapping };

async function changed(
  site: Site,
  { mapping }: AtMapping,
  change: MappingChange,
): Promise<Response> {
  const after = await site.mappings.change(mapping.id, change);
  if (!after) throw noMapping(mapping.provider, mapping.id);
  await site.reloadMappings(mapping.provider);
  return json(printStored(after));
}

function providerAt({ gateway }: Site, { rest: [id = ""] }: Visit): ConfiguredProvider {
  const configured = gateway.providers.get(id);
  if (configured) return configured;
  throw new RouterError("not_found", `There is no provider "${id}" here.`);
}

async function enterProvider(site: Site, visit: Visit) {
  const caller = await authenticate(site, visit, "write");
  const configured = providerAt(site, visit);
  const { id } = configured.provider;
  if (mayManageProvider(site.gateway.directory, caller, id)) return { caller, configured };
  throw new RouterError(
    "forbidden",
    `Only admins of the organization that registered ${id}, and the operator, may change what it offers.`,
  );
}

async function enterMapping(site: Site, visit: Visit): Promise<AtMapping> {
  const { caller, configured } = await enterProvider(site, visit);
  const { id: provider } = configured.provider;
  const [, id = ""] = visit.rest;
  const mapping = await site.mappings.find(id);
  if (mapping?.provider === provider) return { caller, mapping };
  const written = unstored(site, provider).find((each) => idOf(each) === id);
  if (!written) throw noMapping(provider, id);
  throw new RouterError(
    "conflict",
    `This mapping is not in the store: its source is ${written.source}. Change it there, or add one that overrides the starter catalog.`,
  );
}

const noMapping = (provider: string, id: string): RouterError =>
  new RouterError("not_found", `${provider} has no mapping "${id}".`);

function requireRoute({ provider }: ConfiguredProvider, task: Task): void {
  if (provider.tasks[task] || chatAdapterOf(provider.tasks, task)) return;
  throw badRequest(`"task": ${provider.id} has no route for ${task} here.`, "task");
}

/**
 * The Hub's rule: a model is offered for what it is for, or for chat where it writes and is tagged so. What it is for was
 * told to us, or is what the file and the starter catalog offer it for; what neither speaks of may be for anything.
 */
function requireKind({ gateway }: Site, { subject, task }: NewMappingBody): void {
  if (subject.kind !== "model") return;
  const { kinds, tags } = kindsOf(gateway, subject.model);
  if (kinds.length === 0 || kinds.includes(task)) return;
  const writes = kinds.some((kind) => ["text-generation", "image-text-to-text"].includes(kind));
  if (task === "conversational" && writes && tags.includes("conversational")) return;
  throw badRequest(`"task": ${subject.model} is for ${kinds.join(", ")}, not ${task}.`, "task");
}

/** By the Hub's names. */
type Kinds = { readonly kinds: readonly string[]; readonly tags: readonly string[] };

function kindsOf({ catalog }: Gateway, id: string): Kinds {
  const known = catalog.known(id);
  if (known?.pipelineTag !== undefined) return { kinds: [known.pipelineTag], tags: known.tags };
  const model = catalog.model(id);
  const tasks = (model?.mappings ?? []).flatMap((each) => (each.id === undefined ? each.task : []));
  if (!model || tasks.length === 0) return { kinds: [], tags: [] };
  const either = tasks.some((task) => EMBEDDINGS.includes(task)) ? EMBEDDINGS : [];
  return { kinds: [...new Set([...tasks.map(pipelineTagOf), ...either])], tags: tagsOf(model) };
}

const toMapping = (
  site: Site,
  caller: Caller,
  wanted: NewMappingBody,
): Omit<NewMapping, "provider"> => ({
  task: wanted.task,
  subject: wanted.subject,
  providerModel: wanted.providerModel,
  status: wanted.status,
  facts: factsOf(wanted),
  price: newPrice(site, caller, wanted, wanted.task) ?? {
    ...{ price: undefined, isFree: false },
    ...{ source: `partner API, by ${caller.user.name}`, setBy: caller.user.name },
  },
});

/** Undefined where nothing is said of it. */
const newPrice = (site: Site, { user }: Caller, said: MappingFields, task: Task) =>
  priceIn(site, said, { task, source: `partner API, by ${user.name}`, setBy: user.name });
