/** The billing endpoint that a provider offers: which requests are asked for, and what is believed of its answer. */
import { ceilNumber } from "../kernel/decimal.js";
import { COST_NANO_USD_MAX } from "../kernel/limits.js";
import { type NanoUsd, nanoUsd } from "../kernel/money.js";

export const printBillingRequest = (requestIds: readonly string[]): string =>
  JSON.stringify({ requestIds });

/**
 * The costs in `{"requests": [{"requestId", "costNanoUsd"}]}`, of those asked for alone; fractions are rounded up.
 * What is missing, negative, beyond reason or no number is as if it was not said, to be asked for again; so is a
 * request that is said to have cost this and that. Undefined for an answer of another shape.
 */
export function parseBillingAnswer(
  text: string,
  asked: ReadonlySet<string>,
): ReadonlyMap<string, NanoUsd> | undefined {
  const requests = requestsIn(text);
  if (requests === undefined) return undefined;
  const costs = new Map<string, NanoUsd>();
  const contradicted = new Set<string>();
  for (const entry of requests) {
    const told = readEntry(entry);
    if (!told || !asked.has(told.id)) continue;
    const known = costs.get(told.id);
    if (known !== undefined && known !== told.cost) contradicted.add(told.id);
    costs.set(told.id, told.cost);
  }
  for (const id of contradicted) costs.delete(id);
  return costs;
}

/** `null` stands for none yet. */
function requestsIn(text: string): readonly unknown[] | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    // The caller of this function says that it was no answer; its text is not for any log.
    return undefined;
  }
  if (typeof answer !== "object" || answer === null) return undefined;
  const requests: unknown = Reflect.get(answer, "requests");
  if (requests === null) return [];
  return Array.isArray(requests) ? requests : undefined;
}

function readEntry(entry: unknown): { readonly id: string; readonly cost: NanoUsd } | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const id: unknown = Reflect.get(entry, "requestId");
  const cost = ceilNumber(Reflect.get(entry, "costNanoUsd"), 0);
  if (typeof id !== "string" || cost === undefined || cost > COST_NANO_USD_MAX) return undefined;
  return { id, cost: nanoUsd(cost) };
}
