/** The written form of a model, the same in the starter catalog and in `turnpike.yaml`. */
import { z } from "zod";
import { PROVIDER_MODEL_CHARS_MAX } from "../kernel/limits.js";
import { type PricePerMillion, parsePricePerMillion, parsePricePerUnit } from "../kernel/money.js";
import { TASKS } from "../tasks/index.js";
import { MODALITIES } from "../tasks/modalities.js";
import { OTHER_UNITS, TOKEN_UNITS } from "../tasks/usage.js";
import type { Mapping, Model, Price } from "./model.js";
import type { MappingFacts } from "./stored.js";

const PRICE_RULE = 'dollars as decimal text with at most 9 decimals, like "0.18"';

const priceText = (parse: (text: string) => PricePerMillion | undefined) =>
  z.string(`expected ${PRICE_RULE}, in quotes`).transform((text, context) => {
    const price = parse(text);
    if (price !== undefined) return price;
    context.addIssue({
      code: "custom",
      message: `expected ${PRICE_RULE}, not "${text}"`,
    });
    return z.NEVER;
  });

const perMillion = priceText(parsePricePerMillion).optional();
/** Dollars per single unit. */
export const pricePerUnit = priceText(parsePricePerUnit);
const perUnit = pricePerUnit.optional();

export const priceSchema = z.strictObject({
  ...entriesOf(TOKEN_UNITS, perMillion),
  ...entriesOf(OTHER_UNITS, perUnit),
  hardware: z.string().min(1).optional(),
});

const positive = z.int().positive();

/** What is said of a mapping besides whose it is of what, wherever it is written. */
export const mappingFields = {
  price: priceSchema.optional(),
  is_free: z.boolean().optional(),
  context_length: positive.optional(),
  max_output_tokens: positive.optional(),
  supports_tools: z.boolean().optional(),
  supports_structured_output: z.boolean().optional(),
  input_modalities: z.array(z.enum(MODALITIES)).min(1).optional(),
  retains_prompts: z.boolean().optional(),
  is_model_author: z.boolean().optional(),
  adapter: z.literal("lora").optional(),
  adapter_weights_path: z.string().min(1).max(PROVIDER_MODEL_CHARS_MAX).optional(),
};

export type MappingFields = z.output<z.ZodObject<typeof mappingFields>>;

export const providerModel = z
  .string()
  .min(1)
  .max(PROVIDER_MODEL_CHARS_MAX)
  .regex(/^[^\p{Cc}]*$/u, "has control characters");

const mappingSchema = z.strictObject({
  ...mappingFields,
  provider: z.string().min(1),
  provider_model: providerModel,
  status: z.enum(["live", "staging", "error"]).default("live"),
  // Whoever says it pays for it: it is for the operator's file alone.
  hedge_after_ms: z.int().min(0).optional(),
  source: z.string().optional(),
  read: z.iso.date().optional(),
});

/** A model id is at most an owner and a name; it must survive in a path and beside a `:suffix`. */
const MODEL_ID = /^[\w.-]+(\/[\w.-]+)?$/;

export const modelId = z
  .string()
  .regex(MODEL_ID, 'expected a model id like "meta-llama/Llama-3.1-8B-Instruct"');

export const modelSchema = z.strictObject({
  id: modelId,
  task: z.enum(TASKS),
  tags: z.array(z.string().min(1)).optional(),
  providers: z.array(mappingSchema).min(1),
});

export type ModelEntry = z.output<typeof modelSchema>;

/** Nano-USD per million seconds of each kind of hardware. */
export type HardwarePrices = Readonly<Record<string, PricePerMillion>>;

/**
 * `where` names the file, for whoever asks where a price comes from; `hardware` has what a price may refer to instead
 * of naming its own `compute_second`.
 */
export const toModel = (
  entry: ModelEntry,
  where: string,
  hardware: HardwarePrices = {},
): Model => ({
  id: entry.id,
  task: entry.task,
  ...(entry.tags && { tags: entry.tags }),
  mappings: entry.providers.map((written) => toMapping(entry, written, where, hardware)),
});

function toMapping(
  model: ModelEntry,
  written: ModelEntry["providers"][number],
  where: string,
  hardware: HardwarePrices,
): Mapping {
  return {
    modelId: model.id,
    task: model.task,
    provider: written.provider,
    providerModel: written.provider_model,
    status: written.status,
    price: written.price && toPrice(written.price, hardware),
    isFree: written.is_free ?? false,
    source: [written.source ?? where, written.read && `read ${written.read}`]
      .filter(Boolean)
      .join(", "),
    ...(written.read !== undefined && { pricedAt: Date.parse(written.read) }),
    ...(written.hedge_after_ms !== undefined && { hedgeAfterMs: written.hedge_after_ms }),
    ...factsOf(written),
  };
}

/** What `written` says of a mapping that is no price; what it does not say is not there. */
export function factsOf(written: MappingFields): MappingFacts {
  return {
    ...(written.price?.hardware !== undefined && { hardware: written.price.hardware }),
    ...(written.context_length !== undefined && { contextLength: written.context_length }),
    ...(written.max_output_tokens !== undefined && { maxOutputTokens: written.max_output_tokens }),
    ...(written.supports_tools !== undefined && { supportsTools: written.supports_tools }),
    ...(written.supports_structured_output !== undefined && {
      supportsStructuredOutput: written.supports_structured_output,
    }),
    ...(written.input_modalities && { inputModalities: written.input_modalities }),
    ...(written.retains_prompts !== undefined && { retainsPrompts: written.retains_prompts }),
    ...(written.is_model_author !== undefined && { isModelAuthor: written.is_model_author }),
    ...(written.adapter === "lora" &&
      written.adapter_weights_path !== undefined && { loraWeights: written.adapter_weights_path }),
  };
}

/** In nano-USD per million units; what names its hardware alone costs what the table says of that. */
export function toPrice(written: z.output<typeof priceSchema>, prices: HardwarePrices): Price {
  const { hardware, ...own } = written;
  const compute_second = own.compute_second ?? prices[hardware ?? ""];
  const units = { ...own, compute_second };
  return Object.fromEntries(Object.entries(units).filter(([, price]) => price !== undefined));
}

function entriesOf<Name extends string, Schema>(names: readonly Name[], schema: Schema) {
  return Object.fromEntries(names.map((name) => [name, schema])) as Record<Name, Schema>;
}
