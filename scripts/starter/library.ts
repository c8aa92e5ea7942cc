/** What genai-prices says: models, and what each costs. */
import { findProvider, type ModelInfo, type ModelPrice } from "@pydantic/genai-prices";
import { compare, type Offer } from "./shapes.js";

/** The library says nothing about when a price was read, so its release day stands for it. */
export const LIBRARY = { name: "genai-prices", version: "0.1.8", read: "2026-09-23" } as const;

/** Throws where the library has no such list any more. */
export function modelsOf(library: string): readonly ModelInfo[] {
  const found = findProvider({ providerId: library });
  if (found?.id !== library) throw new Error(`genai-prices has no provider ${library}`);
  return found.models;
}

/** The price in force on the library's day, or why there is none that a few numbers tell. */
function priceOf(model: ModelInfo): { price: Offer["price"]; wholeUpTo?: number } | string {
  const inForce = Array.isArray(model.prices) ? latest(model.prices) : model.prices;
  if (inForce === undefined) return "the price depends on the time of day";
  const { input_mtok, output_mtok, cache_read_mtok, cache_write_mtok } = inForce;
  if (input_mtok === undefined || output_mtok === undefined) return "no price per token of text";
  const tiers = [input_mtok, output_mtok, cache_read_mtok, cache_write_mtok].flatMap((part) =>
    typeof part === "object" ? part.tiers.map((tier) => tier.start) : [],
  );
  const price = {
    input: decimalText(base(input_mtok)),
    output: decimalText(base(output_mtok)),
    ...(cache_read_mtok === undefined ? {} : { cached_input: decimalText(base(cache_read_mtok)) }),
    ...(cache_write_mtok === undefined ? {} : { cache_write: decimalText(base(cache_write_mtok)) }),
  };
  return tiers.length === 0 ? { price } : { price, wholeUpTo: Math.min(...tiers) };
}

function latest(prices: Exclude<ModelInfo["prices"], ModelPrice>): ModelPrice | undefined {
  if (prices.some((entry) => entry.constraint?.type === "time_of_date")) return undefined;
  const startOf = (entry: (typeof prices)[number]) =>
    entry.constraint?.type === "start_date" ? entry.constraint.start_date : "";
  return prices
    .filter((entry) => startOf(entry) <= LIBRARY.read)
    .toSorted((a, b) => compare(startOf(a), startOf(b)))
    .at(-1)?.prices;
}

function base(part: NonNullable<ModelPrice[string]>): number {
  return typeof part === "number" ? part : part.base;
}

/** Nine decimals is a nano-dollar per million tokens; the library's floats carry noise beyond. */
function decimalText(dollars: number): string {
  const text = dollars.toFixed(9).replace(/\.?0+$/, "");
  if (Math.abs(Number(text) - dollars) > 1e-12) throw new Error(`${dollars} has more decimals`);
  return text;
}

/** One model as an offer, or why it cannot be one. */
export function offerOf(
  model: ModelInfo,
  as: { provider: string; ownId: string; library: string },
): Offer | string {
  const found = priceOf(model);
  if (typeof found === "string") return found;
  // Above a tier's start the base price is wrong, so the window ends there.
  const windows = [model.context_window, found.wholeUpTo].filter((size) => size !== undefined);
  return {
    provider: as.provider,
    provider_model: as.ownId,
    status: "live",
    ...(windows.length === 0 ? {} : { context_length: Math.min(...windows) }),
    price: found.price,
    source: `${LIBRARY.name} ${LIBRARY.version} ${as.library}`,
    read: LIBRARY.read,
  };
}
