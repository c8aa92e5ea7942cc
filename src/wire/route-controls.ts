/** The `provider` object of a request: what its caller says of who may serve it, and in which order. */
import { badRequest, RouterError } from "../kernel/errors.js";
import { CONTROLLED_PROVIDERS_MAX } from "../kernel/limits.js";
import {
  type PricePerMillion,
  parsePricePerMillion,
  parsePricePerUnit,
  parseUsd,
} from "../kernel/money.js";
import type { MaxPrice, RouteControls } from "../tasks/chat-completion.js";
import { asObject } from "./as-object.js";

type Json = Readonly<Record<string, unknown>>;

/** Of a request that says nothing of providers. */
export const NO_CONTROLS: RouteControls = {
  order: undefined,
  only: undefined,
  ignore: [],
  sort: undefined,
  allowFallbacks: true,
  allowContinuation: undefined,
  requireParameters: false,
  maxPrice: undefined,
  deniesDataCollection: false,
};

const KNOWN = [
  ...["order", "only", "ignore", "sort", "allow_fallbacks"],
  ...["require_parameters", "max_price", "data_collection", "allow_continuation"],
];

/**
 * Reads the `provider` object of a request. What it asks for and cannot have is refused by name: a wish about
 * privacy or price that went unheard would be worse than none. Throws a RouterError that names the member.
 */
export function parseRouteControls(controls: Json | undefined): RouteControls {
  if (!controls) return NO_CONTROLS;
  for (const name of Object.keys(controls)) if (!KNOWN.includes(name)) throw unsupported(name);
  return {
    order: names(controls, "order"),
    only: names(controls, "only"),
    ignore: names(controls, "ignore") ?? [],
    sort: oneOf(controls, "sort", ["price", "throughput", "latency"]),
    allowFallbacks: flag(controls, "allow_fallbacks") ?? true,
    allowContinuation: flag(controls, "allow_continuation"),
    requireParameters: flag(controls, "require_parameters") ?? false,
    maxPrice: maxPriceOf(controls.max_price ?? undefined),
    deniesDataCollection: oneOf(controls, "data_collection", ["allow", "deny"]) === "deny",
  };
}

function names(controls: Json, name: "order" | "only" | "ignore"): readonly string[] | undefined {
  const value = controls[name] ?? undefined;
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every((id) => typeof id === "string")) {
    throw mustBe(name, "an array of provider ids");
  }
  if (value.length > CONTROLLED_PROVIDERS_MAX) {
    throw mustBe(name, `at most ${CONTROLLED_PROVIDERS_MAX} provider ids`);
  }
  return value;
}

function flag(controls: Json, name: string): boolean | undefined {
  const value = controls[name] ?? undefined;
  if (value === undefined || typeof value === "boolean") return value;
  throw mustBe(name, "true or false");
}

function oneOf<Word extends string>(
  controls: Json,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const value = controls[name] ?? undefined;
  if (value === undefined) return undefined;
  const word = words.find((known) => known === value);
  if (word !== undefined) return word;
  throw mustBe(name, words.map((known) => `"${known}"`).join(" or "));
}

/** How each bound is quoted. */
const BOUNDS: Readonly<Record<keyof MaxPrice, (text: string) => PricePerMillion | undefined>> = {
  prompt: parsePricePerMillion,
  completion: parsePricePerMillion,
  request: parsePricePerUnit,
  image: parsePricePerUnit,
};

function maxPriceOf(value: unknown): MaxPrice | undefined {
  if (value === undefined) return undefined;
  const written = asObject(value);
  if (!written) throw mustBe("max_price", `an object of ${Object.keys(BOUNDS).join(", ")}`);
  const bounds: { -readonly [Name in keyof MaxPrice]: PricePerMillion } = {};
  for (const [name, amount] of Object.entries(written)) {
    const parse = Object.hasOwn(BOUNDS, name) ? BOUNDS[name as keyof MaxPrice] : undefined;
    if (!parse) throw unsupported(`max_price.${name}`);
    if (amount === null) continue;
    const bound = parse(decimalOf(amount));
    if (bound === undefined) throw mustBe(`max_price.${name}`, DOLLARS);
    bounds[name as keyof MaxPrice] = bound;
  }
  return bounds;
}

const DOLLARS = 'dollars as a number or decimal text like "0.50", with at most 9 decimals';

/** A number as text without an exponent; empty for what is none, or has more decimals than prices have. */
function decimalOf(amount: unknown): string {
  if (typeof amount === "string") return amount;
  if (typeof amount !== "number") return "";
  const text = String(amount);
  if (parseUsd(text) !== undefined) return text;
  const fixed = amount.toFixed(9);
  return Number(fixed) === amount ? fixed : "";
}

const mustBe = (name: string, expected: string): RouterError =>
  badRequest(`"provider.${name}" must be ${expected}.`, `provider.${name}`);

const unsupported = (name: string): RouterError =>
  new RouterError(
    "unsupported_parameter",
    `"provider.${name.slice(0, 64)}" is not supported; ${[...KNOWN].join(", ")} are.`,
    { param: `provider.${name.slice(0, 64)}` },
  );
