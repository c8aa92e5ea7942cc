/** Mappings and prices as our own API and the command line tell them. */
import { printDay, printTime } from "../kernel/print-time.js";
import type { Mapping } from "./model.js";
import { printPrice } from "./quote.js";
import type { PriceEntry } from "./stored.js";

/** A mapping as people and programs see it; prices in dollars per unit, as text. */
export const printMapping = (mapping: Mapping) => ({
  mapping_id: mapping.id ?? null,
  provider: mapping.provider,
  provider_model: mapping.providerModel,
  task: mapping.task,
  status: mapping.status,
  tags: mapping.tags ?? null,
  context_length: mapping.contextLength ?? null,
  max_output_tokens: mapping.maxOutputTokens ?? null,
  supports_tools: mapping.supportsTools ?? null,
  supports_structured_output: mapping.supportsStructuredOutput ?? null,
  input_modalities: mapping.inputModalities ?? null,
  retains_prompts: mapping.retainsPrompts ?? null,
  is_free: mapping.isFree,
  /** Dollars per million tokens, or per single unit of what is no token. */
  price: printPrice(mapping.price ?? {}),
  hardware: mapping.hardware ?? null,
  source: mapping.source,
  priced_at: mapping.pricedAt === undefined ? null : printDay(mapping.pricedAt),
});

/** One price of a mapping's past, or the one that holds. */
export const printPriceEntry = ({ price, isFree, source, setBy, validFrom }: PriceEntry) => ({
  valid_from: printTime(validFrom),
  price: printPrice(price ?? {}),
  is_free: isFree,
  source,
  set_by: setBy,
});
