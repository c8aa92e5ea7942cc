/**
 * The lists of models that providers publish: OpenAI's form, with whatever each adds. Source: spec/providers.md 6.3 for
 * `pricing` and `context_length`; the providers' own API references, and the simulator, for the other names.
 */
import { ceilDecimal } from "../../kernel/decimal.js";
import { AMOUNT_MAX, type PricePerMillion } from "../../kernel/money.js";
import type { Task } from "../../tasks/index.js";
import type { ListedModel, Listing } from "../provider.js";
import { at, listAt, MalformedReply } from "../reply.js";

type PriceOf = (entry: unknown) => ListedModel["price"];

type Options = {
  readonly hasHubIds?: boolean;
  /** What every model of the list is for, where no entry says otherwise. */
  readonly task?: Task;
  /** Where its prices stand, if not in `pricing` in dollars per million tokens. */
  readonly priceOf?: PriceOf;
};

export const modelList = (path: string, options: Options = {}): Listing => ({
  path,
  hasHubIds: options.hasHubIds ?? false,
  read: (json) => entriesOf(json).flatMap((entry) => readEntry(entry, options) ?? []),
});

/** Bare as Together has it, below `models` as Cohere has it, below `data` as everybody else. */
function entriesOf(json: unknown): readonly unknown[] {
  if (Array.isArray(json)) return json;
  return Array.isArray(at(json, "models")) ? listAt(json, "models") : listAt(json, "data");
}

/** Undefined for what cannot be called any more. */
function readEntry(entry: unknown, options: Options): ListedModel | undefined {
  const id = at(entry, "id") ?? at(entry, "name");
  if (typeof id !== "string" || id === "") throw new MalformedReply("a model without an id");
  if (at(entry, "active") === false) return undefined;
  const task = taskOf(entry) ?? options.task;
  const contextLength = wholeIn(entry, CONTEXT);
  const maxOutputTokens = wholeIn(entry, OUTPUT);
  const supportsTools = at(entry, "supports_tools");
  const price = (options.priceOf ?? standardPrice)(entry);
  return {
    id,
    ...(task && { task }),
    ...(contextLength !== undefined && { contextLength }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(typeof supportsTools === "boolean" && { supportsTools }),
    ...(price && { price }),
  };
}

/** What providers call a model's kind. */
const TASKS: Readonly<Record<string, Task>> = {
  chat: "conversational",
  language: "text-generation",
  embedding: "feature-extraction",
  rerank: "text-ranking",
  image: "text-to-image",
};

function taskOf(entry: unknown): Task | undefined {
  if (at(entry, "supports_chat") === true) return "conversational";
  const [type, endpoints] = [at(entry, "type"), at(entry, "endpoints")];
  if (Array.isArray(endpoints) && endpoints.includes("chat")) return "conversational";
  return typeof type === "string" ? TASKS[type] : undefined;
}

type Paths = readonly (readonly string[])[];

const CONTEXT: Paths = [
  ...[["context_length"], ["context_window"], ["context_size"]],
  ...[["max_model_len"], ["max_context_length"], ["metadata", "context_length"]],
];
const OUTPUT: Paths = [["max_completion_tokens"], ["max_output_tokens"]];

function wholeIn(entry: unknown, paths: Paths): number | undefined {
  for (const path of paths) {
    const value = at(entry, ...path);
    if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  }
  return undefined;
}

/** A price of one half would be no price; one of nothing says that the list does not know. */
function tokenPrice(
  input: PricePerMillion | undefined,
  output: PricePerMillion | undefined,
  cached?: PricePerMillion,
): ListedModel["price"] {
  if (input === undefined || output === undefined || input + output === 0n) return undefined;
  return { input, output, ...(cached !== undefined && { cached_input: cached }) };
}

/** In dollars per million tokens, as Hugging Face asks of its providers. */
const standardPrice: PriceOf = (entry) =>
  tokenPrice(
    dollars(at(entry, "pricing", "input")),
    dollars(at(entry, "pricing", "output")),
    dollars(at(entry, "pricing", "cached_input")),
  );

/** The same, one level lower and by other names. */
export const metadataPrice: PriceOf = (entry) =>
  tokenPrice(
    dollars(at(entry, "metadata", "pricing", "input_tokens")),
    dollars(at(entry, "metadata", "pricing", "output_tokens")),
    dollars(at(entry, "metadata", "pricing", "cache_read_tokens")),
  );

/** In ten-thousandths of a dollar per million tokens. */
export const tenThousandths: PriceOf = (entry) =>
  tokenPrice(
    dollars(at(entry, "input_token_price_per_m"), 5),
    dollars(at(entry, "output_token_price_per_m"), 5),
  );

/** What lies below a nano-dollar is rounded up. */
function dollars(value: unknown, decimals = 9): PricePerMillion | undefined {
  if (typeof value !== "number" && typeof value !== "string") return undefined;
  const price = ceilDecimal(String(value), decimals);
  // What nobody can mean is as if it was not said.
  return price === undefined || price > AMOUNT_MAX ? undefined : (price as PricePerMillion);
}
