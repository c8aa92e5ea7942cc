/** Reads `turnpike.yaml`, and says of every mistake on which line it is and what was expected. */
import { type Document, isMap, isPair, isScalar, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { priceSchema } from "../catalog/entry.js";
import { nearest } from "../catalog/nearest.js";
import { defaultLimits } from "../kernel/limits.js";
import { reasonOf } from "../kernel/log.js";
import { RATE_FIELDS } from "../tenants/rates.js";
import { mistake } from "../wire/checked.js";
import { registrationSchema } from "./hub.js";
import { paymentsSchema } from "./payments.js";
import { configSchema, snakeCase, type WrittenConfig } from "./schema.js";

/** Something in the configuration that stops the start; the message is for the operator. */
export class ConfigError extends Error {}

/** `file` names the text in messages. */
export function readConfigText(text: string, file: string): WrittenConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const [syntax] = document.errors;
  if (syntax) {
    const { line } = lines.linePos(syntax.pos[0]);
    throw new ConfigError(`${file}:${line}: ${syntax.message.split("\n")[0]}`);
  }
  const result = configSchema.safeParse(unfold(document, file) ?? {}, { error: mistake });
  if (result.success) return result.data;
  const messages = result.error.issues.flatMap((issue) =>
    mistakesOf(issue).map(({ path, message }) => {
      const { line } = lines.linePos(offsetOf(document, path));
      return `${file}:${line}: ${path.join(".") || "the file"}: ${message}`;
    }),
  );
  throw new ConfigError(messages.join("\n"));
}

/** Throws for aliases that would unfold into a flood. */
function unfold(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw new ConfigError(`${file}: ${reasonOf(cause)}`, { cause });
  }
}

type Mistake = { readonly path: readonly PropertyKey[]; readonly message: string };

function mistakesOf(issue: z.core.$ZodIssue): Mistake[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: unknownKey(key) }));
  }
  if (issue.code === "invalid_key") {
    return [{ path: issue.path, message: issue.issues[0]?.message ?? issue.message }];
  }
  return [{ path: issue.path, message: issue.message }];
}

const KNOWN_KEYS = [
  ...Object.keys(configSchema.shape),
  ...Object.keys(defaultLimits).map(snakeCase),
  ...Object.keys(priceSchema.shape),
  ..."reported_cost billing url request_id_header delay_seconds".split(" "),
  ..."type api_key base_url enabled provider provider_model status price context_length".split(" "),
  ...Object.keys(paymentsSchema.shape),
  ...Object.keys(registrationSchema.shape),
  ..."mappings every_minutes failing_every_minutes monthly_limit".split(" "),
  ..."stripe secret_key webhook_secret success_url cancel_url".split(" "),
  ..."monthly_credit monthly_credit_per_seat extra_usage price_per_seat id task".split(" "),
  ...Object.values(RATE_FIELDS),
  ..."max_output_tokens supports_tools supports_structured_output is_free".split(" "),
];

function unknownKey(key: string): string {
  const [meant] = nearest(key, KNOWN_KEYS);
  return meant === undefined ? "unknown key" : `unknown key; did you mean "${meant}"?`;
}

/** Where the key of a path stands; the nearest existing part of it where the rest is missing. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent =
      length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(
        (item) => isPair(item) && isScalar(item.key) && item.key.value === key,
      );
      if (pair && isScalar(pair.key) && pair.key.range) return pair.key.range[0];
    }
    const node = document.getIn(path.slice(0, length), true);
    if (node && typeof node === "object" && "range" in node && Array.isArray(node.range)) {
      return Number(node.range[0]);
    }
  }
  return 0;
}
