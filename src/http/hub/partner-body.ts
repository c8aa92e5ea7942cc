/** What the partner API is sent. Source: spec/providers.md 6.1; the fields of prices and abilities are our own. */
import { z } from "zod";
import { mappingFields, modelId, providerModel } from "../../catalog/entry.js";
import { type Subject, tagsSubject } from "../../catalog/stored.js";
import { FILTER_TAGS_MAX, MODEL_TAG_CHARS_MAX } from "../../kernel/limits.js";
import { TASKS } from "../../tasks/index.js";
import { fieldOf, mistake } from "../../wire/checked.js";

/** Whether prompts are kept is for the operator to find out: a provider's own promise is not enough. */
const { retains_prompts: _, ...fields } = mappingFields;

const common = {
  ...fields,
  task: z.enum(TASKS),
  providerModel,
  status: z.enum(["live", "staging"]).default("staging"),
};

/** Tags are listed with commas between them. */
const tag = z
  .string()
  .max(MODEL_TAG_CHARS_MAX)
  .regex(/^[^\s,]+$/, "a tag has no blanks and no commas");

const single = z
  .strictObject({ ...common, type: z.literal("single-model").optional(), hfModel: modelId })
  .transform(({ hfModel, ...written }) => ({
    ...written,
    subject: { kind: "model", model: hfModel } as Subject,
  }));

const filter = z
  .strictObject({
    ...common,
    type: z.literal("tag-filter"),
    tags: z.array(tag).min(1).max(FILTER_TAGS_MAX),
    adapterType: z.literal("lora"),
  })
  .transform(({ tags, ...written }) => ({ ...written, subject: tagsSubject(tags) }));

/** Told apart by `type`, so that a mistake in one form is not told as one of the other. */
export const newMappingBody = z.unknown().transform((body, context) => {
  const isFilter = (body as { type?: unknown } | null)?.type === "tag-filter";
  const read = (isFilter ? filter : single).safeParse(body, { error: mistake });
  if (read.success) return read.data;
  for (const issue of read.error.issues) {
    context.addIssue({ code: "custom", path: [...fieldOf(issue)], message: issue.message });
  }
  return z.NEVER;
});

export type NewMappingBody = z.output<typeof newMappingBody>;

export const statusBody = z.strictObject({ status: z.enum(["live", "staging"]) });

export const changeBody = z
  .strictObject({ ...fields, providerModel: providerModel.optional() })
  .refine((change) => Object.keys(change).length > 0, {
    message: "name what is to change, like price or context_length",
  });
