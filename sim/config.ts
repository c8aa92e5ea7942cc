import { parse } from "yaml";
import type { DialTable } from "./dialing.js";
import { type Dials, readDials } from "./dials.js";
import { isObject, isString } from "./json.js";
import { nanoUsdOf } from "./money.js";
import type { PriceTable } from "./pricing.js";
import { PRICE_UNITS, type UnitPriceText } from "./units.js";

/**
 * The config file, YAML or JSON:
 *
 *     seed: 7
 *     dials:
 *       "*": { tokens_per_second: 80 }
 *       groq: { rate_limit: { after: 30, retry_after: 2 } }
 *     prices:
 *       together: { "*": { input: "0.20", output: "0.60" }, some/model: { input: "1", output: "2" } }
 *       fal-ai: { fal-ai/flux/dev: { image: "0.025" } }
 */
export type SimConfig = {
  readonly seed?: number;
  readonly dials: DialTable;
  readonly prices: PriceTable;
};

const KEYS = ["seed", "dials", "prices"];

/** Throws Error, saying which key is wrong and what was expected. */
export function readConfig(text: string, isProvider: (id: string) => boolean): SimConfig {
  const file: unknown = parse(text) ?? {};
  if (!isObject(file)) throw new Error("the config file must hold a map");
  const unknown = Object.keys(file).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw new Error(`unknown key ${unknown}; expected ${KEYS.join(", ")}`);
  const { seed } = file;
  if (seed !== undefined && !Number.isInteger(seed)) throw new Error("seed must be a whole number");
  return {
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    dials: readTable(file.dials, "dials", isProvider, asDials),
    prices: readTable(file.prices, "prices", (id) => id !== "*" && isProvider(id), asPrices),
  };
}

function readTable<T>(
  value: unknown,
  name: string,
  isKey: (id: string) => boolean,
  read: (value: unknown, where: string) => T,
): { [provider: string]: T } {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new Error(`${name} must be a map by provider`);
  const table: { [provider: string]: T } = {};
  for (const [id, entry] of Object.entries(value)) {
    if (!isKey(id)) throw new Error(`${name}: there is no provider ${id}`);
    table[id] = read(entry, `${name}.${id}`);
  }
  return table;
}

function asDials(value: unknown, where: string): Dials {
  const read = readDials(value);
  if (!read.ok) throw new Error(`${where}: ${read.why}`);
  return read.dials;
}

function asPrices(value: unknown, where: string): { [model: string]: UnitPriceText } {
  if (!isObject(value)) throw new Error(`${where} must be a map by model`);
  const prices: { [model: string]: UnitPriceText } = {};
  for (const [model, entry] of Object.entries(value)) {
    prices[model] = asPrice(entry, `${where}.${model}`);
  }
  return prices;
}

function asPrice(value: unknown, where: string): UnitPriceText {
  const lines = isObject(value) ? Object.entries(value) : [];
  if (lines.length === 0) throw new Error(`${where} needs a price by unit: ${UNITS}`);
  const price: Record<string, string> = {};
  for (const [unit, text] of lines) {
    if (!UNIT_NAMES.includes(unit))
      throw new Error(`${where}: there is no unit ${unit}; there are ${UNITS}`);
    if (!isString(text)) throw new Error(`${where}.${unit} must be USD as quoted decimal text`);
    if (unit !== "hardware") nanoUsdOf(text);
    price[unit] = text;
  }
  return price;
}

const UNIT_NAMES: readonly string[] = [...PRICE_UNITS, "hardware"];
const UNITS = UNIT_NAMES.join(", ");
