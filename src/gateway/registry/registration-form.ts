/** What somebody writes to register a provider or to change one, read once and judged. */
import { z } from "zod";
import {
  BILLING_DELAY_SECONDS_MAX,
  NAME_CHARS_MAX,
  PROVIDER_KEY_CHARS_MAX,
  REGISTERED_URL_CHARS_MAX,
} from "../../kernel/limits.js";
import { printTime, printTimeOrNull } from "../../kernel/print-time.js";
import { DIALECTS } from "../../providers/registered.js";
import type { RegisteredPlace, Registration } from "../../tenants/registration.js";

const url = z
  .url({ protocol: /^https?$/, error: "must be an http or https URL" })
  .max(REGISTERED_URL_CHARS_MAX);

const headerName = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, "must be the name of a header")
  .transform((name) => name.toLowerCase());

/** What a request is made of, and what would speak for us: none of these can hold a key. */
const NOT_FOR_KEYS =
  /^(host|connection|content-.*|transfer-encoding|accept.*|user-agent|cookie|te|trailer|upgrade|x-turnpike-.*)$/;

const authSchema = z.strictObject({
  header: headerName
    .refine((name) => !NOT_FOR_KEYS.test(name), "cannot hold a key")
    .default("authorization"),
  scheme: z
    .string()
    .regex(/^[A-Za-z0-9-]{0,32}$/, "must be a word like Bearer, or empty")
    .optional(),
  query: z.never({ error: "is refused: a key in a URL ends up in logs. Name a header" }).optional(),
});

const fields = {
  name: z.string().trim().min(1).max(NAME_CHARS_MAX),
  base_url: url.transform((text) => text.replace(/\/+$/, "")),
  dialect: z.enum(DIALECTS),
  auth: authSchema,
  request_id_header: headerName,
  billing_url: url.nullable(),
  billing_delay_seconds: z.int().min(0).max(BILLING_DELAY_SECONDS_MAX),
  models_url: url,
  key: z
    .string()
    .max(PROVIDER_KEY_CHARS_MAX)
    .regex(/^[\x21-\x7e]{8,}$/, "must be at least 8 printable characters without spaces"),
};

export const changedRegistrationSchema = z
  .strictObject(fields)
  .partial()
  .refine((change) => Object.keys(change).length > 0, { message: "names nothing to change" });

export const newRegistrationSchema = z.strictObject({
  id: z.string(),
  ...fields,
  dialect: fields.dialect.default("openai-compatible"),
  auth: fields.auth.prefault({}),
  request_id_header: fields.request_id_header.default("inference-id"),
  billing_url: fields.billing_url.default(null),
  billing_delay_seconds: fields.billing_delay_seconds.default(0),
  models_url: fields.models_url.optional(),
});

export type NewRegistration = z.output<typeof newRegistrationSchema>;
export type ChangedRegistration = z.output<typeof changedRegistrationSchema>;

/** The place that a form describes, as far as it does. */
export function placeIn(form: ChangedRegistration): Partial<RegisteredPlace> {
  const { auth } = form;
  return {
    ...(form.base_url !== undefined && { baseUrl: form.base_url }),
    ...(form.dialect !== undefined && { dialect: form.dialect }),
    ...(auth && { authHeader: auth.header, authScheme: auth.scheme ?? schemeOf(auth.header) }),
    ...(form.request_id_header !== undefined && { requestIdHeader: form.request_id_header }),
    ...(form.billing_url !== undefined && { billingUrl: form.billing_url ?? undefined }),
    ...(form.billing_delay_seconds !== undefined && {
      billingDelayMs: form.billing_delay_seconds * 1_000,
    }),
    ...(form.models_url !== undefined && { modelsUrl: form.models_url }),
  };
}

const schemeOf = (header: string): string => (header === "authorization" ? "Bearer" : "");

/** As API and CLI show it, with no more of the key than its end. */
export const printRegistration = (one: Registration, org: string) => ({
  id: one.id,
  name: one.name,
  org,
  state: one.state,
  base_url: one.baseUrl,
  dialect: one.dialect,
  auth: { header: one.authHeader, scheme: one.authScheme },
  key: one.mask,
  request_id_header: one.requestIdHeader,
  billing_url: one.billingUrl ?? null,
  billing_delay_seconds: one.billingDelayMs / 1_000,
  models_url: one.modelsUrl,
  created_at: printTime(one.createdAt),
  changed_at: printTime(one.changedAt),
  tested_at: printTimeOrNull(one.testedAt),
  has_passed: one.hasPassed,
});
