/** Mappings, prices and models between their rows and what the catalog knows. */
import type { Selectable } from "kysely";
import { parseExactPrice, printExactPrice } from "../../catalog/exact-price.js";
import type { MappingStatus, Price } from "../../catalog/model.js";
import {
  type KnownModel,
  type MappingFacts,
  type MappingKey,
  nameOf,
  type PriceEntry,
  type StoredMapping,
  subjectNamed,
} from "../../catalog/stored.js";
import type { Task } from "../../tasks/index.js";
import type { Schema } from "../schema.js";

export type MappingRow = Selectable<Schema["mappings"]>;
export type PriceRow = Selectable<Schema["mapping_prices"]>;

export const keyRow = ({ provider, task, subject }: MappingKey) => ({
  provider,
  task: task as string,
  subject: nameOf(subject),
});

export const keyOf = (row: Pick<MappingRow, "provider" | "task" | "subject">): MappingKey => ({
  provider: row.provider,
  task: row.task as Task,
  subject: subjectNamed(row.subject),
});

export const toMapping = (row: MappingRow, price: PriceRow): StoredMapping => ({
  id: row.id,
  ...keyOf(row),
  providerModel: row.provider_model,
  status: row.status as MappingStatus,
  facts: JSON.parse(row.facts) as MappingFacts,
  price: toPrice(price),
  createdAt: Number(row.created_at),
  changedAt: Number(row.changed_at),
});

export const toPrice = (row: PriceRow): PriceEntry => ({
  price: row.price === null ? undefined : parseExactPrice(row.price),
  isFree: row.is_free === 1n,
  source: row.source,
  setBy: row.set_by,
  validFrom: Number(row.valid_from),
});

export const printPrice = (price: Price | undefined): string | null =>
  price === undefined ? null : printExactPrice(price);

export const toKnownModel = (row: Selectable<Schema["known_models"]>): KnownModel => ({
  id: row.id,
  pipelineTag: row.pipeline_tag ?? undefined,
  tags: JSON.parse(row.tags) as readonly string[],
  loraWeights: row.lora_weights ?? undefined,
  source: row.source,
  readAt: Number(row.read_at),
});

export const fromKnownModel = (model: KnownModel) => ({
  id: model.id,
  pipeline_tag: model.pipelineTag ?? null,
  tags: JSON.stringify(model.tags),
  lora_weights: model.loraWeights ?? null,
  source: model.source,
  read_at: model.readAt,
});
