/** What the Hub's list is asked for: which models, in which order, from where on. */
import type { Mapping, Model } from "../../catalog/model.js";
import { badRequest } from "../../kernel/errors.js";
import { HUB_LIST_DEFAULT, HUB_LIST_MAX } from "../../kernel/limits.js";
import { authorOf, nameForClients, tagsOf } from "./hub-print.js";

/** `expand[]=a`, `expand=a` and `expand=a,b` are all in use. Undefined: nothing was said. */
export function expansionsIn(query: URLSearchParams): readonly string[] | undefined {
  const said = listIn(query, "expand").concat(listIn(query, "expand[]"));
  return said.length === 0 ? undefined : said;
}

const listIn = (query: URLSearchParams, name: string): readonly string[] =>
  query
    .getAll(name)
    .flatMap((names) => names.split(","))
    .filter((one) => one !== "");

export type HubQuery = {
  readonly isWanted: (model: Model, mappings: readonly Mapping[]) => boolean;
  readonly order: Order;
  readonly limit: number;
  /** The last of the page before; undefined for the first page. */
  readonly after: Place | undefined;
};

type Order = { readonly key: (model: Model) => number; readonly isRising: boolean };
/** Where a model stands in an order: by its key there, then by its id. */
export type Place = { readonly key: number; readonly id: string };

/** Throws `bad_request` with the parameter's name. */
export function readHubQuery(query: URLSearchParams): HubQuery {
  for (const name of UNKNOWABLE) {
    if (query.has(name)) throw badRequest(`"${name}": nobody knows that of the models here.`, name);
  }
  return {
    isWanted: wantedBy(query),
    order: orderIn(query),
    limit: Math.min(limitIn(query), HUB_LIST_MAX),
    after: cursorIn(query),
  };
}

/** Of the Hub's own filters, those by facts that it alone has. */
const UNKNOWABLE = ["apps", "gated", "num_parameters"];

function wantedBy(query: URLSearchParams): HubQuery["isWanted"] {
  const providers = listIn(query, "inference_provider");
  const isServed = (mapping: Mapping) =>
    providers.length === 0 ||
    providers.includes("all") ||
    providers.includes(nameForClients(mapping));
  const [pipelineTag, author] = [query.get("pipeline_tag"), query.get("author")];
  const search = query.get("search")?.toLowerCase() ?? "";
  const tags = listIn(query, "filter");
  return (model, mappings) => {
    const own = tagsOf(model);
    return (
      mappings.some(isServed) &&
      (pipelineTag === null || own.includes(pipelineTag)) &&
      (author === null || authorOf(model) === author) &&
      model.id.toLowerCase().includes(search) &&
      tags.every((tag) => own.includes(tag))
    );
  };
}

/** What nobody here knows of a model puts none before another: such lists are in the order of their ids. */
const BY_ID = () => 0;
const SORTS: Readonly<Record<string, (model: Model) => number>> = {
  ...{ id: BY_ID, downloads: BY_ID, likes: BY_ID, trendingScore: BY_ID, createdAt: BY_ID },
  lastModified: (model) => Math.max(0, ...model.mappings.map(({ pricedAt = 0 }) => pricedAt)),
};

function orderIn(query: URLSearchParams): Order {
  const sort = query.get("sort") ?? "id";
  const key = Object.hasOwn(SORTS, sort) ? SORTS[sort] : undefined;
  if (!key) throw badRequest(`"sort" must be one of ${Object.keys(SORTS).join(", ")}.`, "sort");
  const direction = query.get("direction") ?? "-1";
  if (direction === "1" || direction === "-1") return { key, isRising: direction === "1" };
  throw badRequest('"direction" must be -1, what is newest first, or 1.', "direction");
}

function limitIn(query: URLSearchParams): number {
  const text = query.get("limit");
  if (text === null) return HUB_LIST_DEFAULT;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw badRequest('"limit" must be a whole number.', "limit");
}

function cursorIn(query: URLSearchParams): Place | undefined {
  const text = query.get("cursor");
  if (text === null) return undefined;
  const [, key = "", id = ""] =
    /^(\d{1,15}) (.+)$/s.exec(Buffer.from(text, "base64url").toString()) ?? [];
  if (id !== "") return { key: Number(key), id };
  throw badRequest('"cursor" is not one of ours: take it from the Link header.', "cursor");
}

export const printCursor = ({ key, id }: Place): string =>
  Buffer.from(`${key} ${id}`).toString("base64url");

export const placeOf = ({ key }: Order, model: Model): Place => ({
  key: key(model),
  id: model.id,
});

/** `sorted` is by id, which is what most orders come to. */
export const inOrder = (sorted: readonly Model[], order: Order): readonly Model[] =>
  order.key === BY_ID
    ? sorted
    : sorted.toSorted((a, b) => comparePlaces(order, placeOf(order, a), placeOf(order, b)));

/** By key, and by id where the keys are the same. */
export function comparePlaces({ isRising }: Order, a: Place, b: Place): number {
  if (a.key !== b.key) return isRising === a.key < b.key ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
