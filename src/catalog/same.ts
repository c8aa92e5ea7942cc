/** Whether something that was read anew says what it said before. Fields are few and flat, which comparing makes use of. */
import type { Mapping, Model, Price } from "./model.js";
import type { KnownModel } from "./stored.js";

type Values = Readonly<Record<string, unknown>>;

/** Whether two mappings say the same, wherever each was read. */
export function isSameMapping(a: Mapping, b: Mapping): boolean {
  return isSamePrice(a.price, b.price) && isSameList(a.tags, b.tags) && hasSame(a, b, NESTED);
}

const NESTED: ReadonlySet<string> = new Set(["price", "tags"]);
const NONE: ReadonlySet<string> = new Set();

const isSamePrice = (a: Price | undefined, b: Price | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && hasSame(a, b, NONE));

function hasSame(a: Values, b: Values, but: ReadonlySet<string>): boolean {
  let members = 0;
  for (const name in a) {
    members++;
    if (!but.has(name) && a[name] !== b[name]) return false;
  }
  for (const _ in b) members--;
  return members === 0;
}

/** Of two with the same id: whether the same is known of them. */
export const isSameKnown = (a: KnownModel, b: KnownModel): boolean =>
  a.loraWeights === b.loraWeights && a.pipelineTag === b.pipelineTag && isSameList(a.tags, b.tags);

/** Of two with the same id. Their mappings must be the same objects: those are kept where nothing changed. */
export const isSameModel = (a: Model, b: Model): boolean =>
  a.task === b.task && a.tags === b.tags && isSameList(a.mappings, b.mappings);

/** Element by element, each the same. */
export function isSameList(
  a: readonly unknown[] | undefined,
  b: readonly unknown[] | undefined,
): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  return a.every((each, i) => each === b[i]);
}
