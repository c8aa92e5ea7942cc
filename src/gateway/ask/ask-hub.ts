/** Asks the Hub which of its models a provider serves, under which names, and what it says of those models. */
import { z } from "zod";
import { modelId, providerModel } from "../../catalog/entry.js";
import type { KnownModel } from "../../catalog/stored.js";
import type { HubMapping } from "../../catalog/sync.js";
import { HUB_PAGE_MODELS, HUB_PAGES_MAX, MODEL_TAG_CHARS_MAX } from "../../kernel/limits.js";
import { printDay } from "../../kernel/print-time.js";
import { TASKS } from "../../tasks/index.js";
import { type Asker, askJson } from "./ask-json.js";

export type HubAnswer = {
  readonly mappings: readonly HubMapping[];
  readonly models: readonly KnownModel[];
};

type Asked = {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly provider: string;
  readonly at: number;
  readonly signal: AbortSignal;
  /** Told after each page how many models there were so far. */
  readonly progress: (models: number) => void;
};

/** Throws an Error that says what is wrong. No token goes along: the list is public, and the address may be anybody's. */
export async function askHub(asker: Asker, asked: Asked): Promise<HubAnswer> {
  const { origin, provider, at, signal, progress } = asked;
  const pages: HubModel[] = [];
  let url: string | undefined = firstPage(origin, provider);
  for (let page = 0; url !== undefined; page++) {
    if (page === HUB_PAGES_MAX) throw new Error(`the Hub's list has more than ${page} pages`);
    const answer = await askJson(asker, { url, headers: HEADERS, signal });
    const read = listSchema.safeParse(answer.json);
    if (!read.success) throw new Error("the Hub's answer is no list of models");
    pages.push(...read.data.filter(({ id }) => modelId.safeParse(id).success));
    progress(pages.length);
    url = nextOf(answer.link, url);
  }
  const source = `${new URL(origin).host}, ${printDay(at)}`;
  return {
    mappings: pages.flatMap((model) => mappingsOf(model, provider)),
    models: pages.map((model) => toKnown(model, provider, { source, at })),
  };
}

export const HEADERS = { accept: "application/json", "user-agent": "turnpike" };

const EXPANDED = ["inferenceProviderMapping", "pipeline_tag", "tags"];

function firstPage(origin: string, provider: string): string {
  const url = new URL("/api/models", origin);
  url.searchParams.set("inference_provider", provider);
  url.searchParams.set("limit", String(HUB_PAGE_MODELS));
  for (const name of EXPANDED) url.searchParams.append("expand[]", name);
  return url.href;
}

/** A list that goes on somewhere else is not followed there. */
function nextOf(link: string | undefined, from: string): string | undefined {
  const next = /<([^>]+)>\s*;\s*rel="next"/.exec(link ?? "")?.[1];
  if (next === undefined) return undefined;
  const url = new URL(next, from);
  if (url.origin !== new URL(from).origin) throw new Error("the Hub's list goes on elsewhere");
  return url.href;
}

const entrySchema = z.object({
  provider: z.string().optional(),
  providerId: providerModel,
  status: z.string(),
  task: z.string(),
  type: z.string().optional(),
  adapterWeightsPath: z.string().optional(),
});

/** A list in a list, an object by provider elsewhere: either is understood. */
const mappingSchema = z
  .union([z.array(entrySchema), z.record(z.string(), entrySchema)])
  .transform((mapping) =>
    Array.isArray(mapping)
      ? mapping
      : Object.entries(mapping).map(([provider, entry]) => ({ ...entry, provider })),
  );

const listSchema = z.array(
  z.object({
    id: z.string(),
    pipeline_tag: z.string().optional(),
    tags: z.array(z.string()).default([]),
    inferenceProviderMapping: mappingSchema.optional(),
  }),
);

type HubModel = z.output<typeof listSchema>[number];

/** Adapters that a tag filter covers are not listed one by one: the filter is the mapping. */
function mappingsOf(model: HubModel, provider: string): HubMapping[] {
  return (model.inferenceProviderMapping ?? []).flatMap((entry) => {
    const task = TASKS.find((known) => known === entry.task);
    const isLive = entry.provider === provider && entry.status === "live";
    if (!task || !isLive || entry.type === "tag-filter") return [];
    return [{ modelId: model.id, task, providerModel: entry.providerId }];
  });
}

function toKnown(
  { id, pipeline_tag, tags, inferenceProviderMapping = [] }: HubModel,
  provider: string,
  { source, at }: { readonly source: string; readonly at: number },
): KnownModel {
  const entry = inferenceProviderMapping.find((one) => one.provider === provider);
  return {
    ...{ id, pipelineTag: pipeline_tag, source, readAt: at },
    tags: tags.filter((tag) => tag.length <= MODEL_TAG_CHARS_MAX),
    loraWeights: entry?.adapterWeightsPath,
  };
}
