/** Checks what somebody sent against a shape, and says what is wrong in words: which field, and what it may be. */
import type { z } from "zod";
import { badRequest } from "../kernel/errors.js";

/** Throws a RouterError that names the first field that is wrong. */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const result = schema.safeParse(value, { error: mistake });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue === undefined ? "" : fieldOf(issue).join(".");
  if (field !== "") throw badRequest(`"${field}": ${issue?.message}`, field);
  const whole = issue?.code === "invalid_type" ? "The body " : "";
  throw badRequest(`${whole}${issue?.message}`);
}

/** Where the mistake is: a field that is too much stands within the object that has it. */
export const fieldOf = (issue: z.core.$ZodIssue): readonly PropertyKey[] =>
  issue.code === "unrecognized_keys" ? [...issue.path, ...issue.keys.slice(0, 1)] : issue.path;

/** What is wrong, where the shape itself has no words for it; undefined: zod's own will do. */
export function mistake(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return `${issue.input === undefined ? "is missing; it " : ""}must be ${kindOf(issue.expected)}`;
    case "invalid_value":
      return `must be ${issue.values.length > 1 ? "one of " : ""}${issue.values.map(String).join(", ")}`;
    case "too_small":
      return issue.inclusive ? `must ${amountOf(issue, issue.minimum)} or more` : undefined;
    case "too_big":
      return issue.inclusive ? `must ${amountOf(issue, issue.maximum)} at most` : undefined;
    case "unrecognized_keys":
      return `is no field here${fieldsOf(issue.inst)}`;
    default:
      return undefined;
  }
}

const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

const kindOf = (expected: string): string => KINDS[expected] ?? expected;

/** What texts and lists have some of: of one, and of more. */
const PARTS: Readonly<Record<string, readonly [string, string]>> = {
  string: ["character", "characters"],
  array: ["entry", "entries"],
};

function amountOf({ origin }: { readonly origin: string }, amount: number | bigint): string {
  const [one, more] = PARTS[origin] ?? [];
  if (one === undefined) return `be ${amount}`;
  return `have ${amount} ${amount === 1 ? one : more}`;
}

function fieldsOf(shape: unknown): string {
  const fields = typeof shape === "object" && shape !== null && "shape" in shape ? shape.shape : {};
  const names = Object.keys(fields ?? {});
  return names.length === 0 ? "" : `; there are ${names.join(", ")}`;
}
