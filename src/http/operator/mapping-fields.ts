/** What is written of a mapping, and what stands in the way of writing it. */
import type { Catalog } from "../../catalog/catalog.js";
import { type MappingFields, toPrice } from "../../catalog/entry.js";
import type { MappingId } from "../../catalog/mapping-key.js";
import type { NewPrice } from "../../catalog/stored.js";
import { badRequest, RouterError } from "../../kernel/errors.js";
import { priceFault } from "../../metering/priceable.js";
import type { Task } from "../../tasks/index.js";
import type { Site } from "../parts.js";

type Written = Pick<NewPrice, "source" | "setBy"> & { readonly task: Task };

/** Undefined where nothing is said of a price. Throws where requests of this task could not be charged at it. */
export function priceIn(
  { config }: Site,
  said: MappingFields,
  { task, source, setBy }: Written,
): NewPrice | undefined {
  if (said.price === undefined && said.is_free === undefined) return undefined;
  const price = said.price && toPrice(said.price, config.hardware);
  const isFree = said.is_free ?? false;
  const fault = isFree ? undefined : priceFault(task, price);
  if (fault !== undefined) throw badRequest(`"price": the offer ${fault}.`, "price");
  return { price, isFree, source, setBy };
}

/** Throws `conflict` where the operator's file speaks of a mapping: it goes before whatever else is written. */
export function requireNotInFile(catalog: Catalog, mapping: MappingId, param: string): void {
  const written = catalog.inFile(mapping);
  if (!written) return;
  const message = `${written.source} says what ${mapping.provider} offers of ${mapping.modelId}, and goes before what is written here. Change it there.`;
  throw new RouterError("conflict", message, { param });
}
