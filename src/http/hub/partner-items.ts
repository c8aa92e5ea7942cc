/** A provider's mappings as its own people see them, those of the store and all others. */
import type { Mapping } from "../../catalog/model.js";
import { nameOf, type StoredMapping } from "../../catalog/stored.js";
import type { Task } from "../../tasks/index.js";
import type { Site } from "../parts.js";
import { hubId } from "./hub-id.js";

type Item = {
  readonly task: Task;
  readonly name: string;
  readonly status: Mapping["status"];
  readonly item: object;
};

/** All that a provider offers, wherever it is written; what is overridden is not among it. */
export async function itemsOf(site: Site, provider: string): Promise<readonly Item[]> {
  const stored = await site.mappings.ofProvider(provider);
  const failing = failingIn(site);
  const items = new Map<string, Item>();
  const put = (item: Item) => items.set(`${item.task} ${item.name}`, item);
  for (const row of stored) {
    const { task, subject, id } = row;
    // One model that fails says nothing of the others that a filter is for.
    const isFailing = subject.kind === "model" && failing.has(id);
    const status = isFailing ? "error" : row.status;
    put({ task, name: nameOf(subject), status, item: printItem(id, { ...row, status }) });
  }
  for (const mapping of unstored(site, provider)) {
    const { task, modelId, status } = mapping;
    put({ task, name: modelId, status, item: printItem(idOf(mapping), mapping) });
  }
  return [...items.values()];
}

/** Ids of stored mappings that did not stand up to validation. */
const failingIn = ({ gateway }: Site): ReadonlySet<string> =>
  new Set(
    [...gateway.catalog.all()].flatMap(({ mappings }) =>
      mappings.flatMap(({ id, status }) => (id !== undefined && status === "error" ? [id] : [])),
    ),
  );

/** What is offered by the word of the file, of the starter catalog or of the provider itself. */
export const unstored = ({ gateway }: Site, provider: string): readonly Mapping[] =>
  [...gateway.catalog.all()].flatMap(({ mappings }) =>
    mappings.filter((mapping) => mapping.provider === provider && mapping.id === undefined),
  );

/** 24 hex characters, made up of what tells it from all others. */
export const idOf = ({ provider, task, modelId }: Mapping): string =>
  hubId(`${provider} ${task} ${modelId}`);

const printItem = (
  id: string,
  {
    status,
    providerModel,
    ...rest
  }: Pick<StoredMapping, "status" | "providerModel"> & {
    readonly subject?: StoredMapping["subject"];
  },
) => ({
  _id: id,
  providerId: providerModel,
  status,
  ...(rest.subject?.kind === "tags" && { adapterType: "lora", tags: rest.subject.tags }),
});

export const printStored = (row: StoredMapping) => ({
  ...printItem(row.id, row),
  type: row.subject.kind === "tags" ? "tag-filter" : "single-model",
  task: row.task,
  ...(row.subject.kind === "model" && { hfModel: row.subject.model }),
  providerModel: row.providerModel,
});
