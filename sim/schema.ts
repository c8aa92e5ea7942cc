import { isObject, isString, type Json, type JsonObject } from "./json.js";
import { SCHEMA_DEPTH_MAX } from "./limits.js";
import { below, pick, type Random } from "./random.js";
import { WORDS } from "./words.js";

type Spot = { readonly root: JsonObject; readonly random: Random; readonly depth: number };

/** A value that is valid for a JSON Schema: the common keywords, not the whole standard. */
export const valueFor = (schema: unknown, random: Random): Json =>
  isObject(schema) ? make(schema, { root: schema, random, depth: 0 }) : {};

function make(schema: JsonObject, spot: Spot): Json {
  const target = resolve(schema, spot.root);
  if (target.const !== undefined) return target.const;
  if (Array.isArray(target.enum) && target.enum.length > 0) return pick(spot.random, target.enum);
  const branch = firstBranch(target);
  if (branch) return make(branch, { ...spot, depth: spot.depth + 1 });
  return ofType(typeOf(target), target, spot);
}

function resolve(schema: JsonObject, root: JsonObject): JsonObject {
  if (Array.isArray(schema.allOf)) {
    const parts = schema.allOf.filter(isObject).map((part) => resolve(part, root));
    return parts.reduce(merge, { ...schema, allOf: undefined });
  }
  if (!isString(schema.$ref) || !schema.$ref.startsWith("#/")) return schema;
  let found: unknown = root;
  for (const step of schema.$ref.slice(2).split("/")) {
    found = isObject(found) ? found[step.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  }
  return isObject(found) ? found : {};
}

function merge(left: JsonObject, right: JsonObject): JsonObject {
  const properties = { ...objectAt(left, "properties"), ...objectAt(right, "properties") };
  const required = [...listAt(left, "required"), ...listAt(right, "required")];
  return { ...left, ...right, properties, required };
}

const objectAt = (schema: JsonObject, key: string): JsonObject => {
  const value = schema[key];
  return isObject(value) ? value : {};
};
const listAt = (schema: JsonObject, key: string): readonly Json[] => {
  const value = schema[key];
  return Array.isArray(value) ? value : [];
};
const numberAt = (schema: JsonObject, key: string): number | undefined => {
  const value = schema[key];
  return typeof value === "number" ? value : undefined;
};

function firstBranch(schema: JsonObject): JsonObject | undefined {
  const branches = [...listAt(schema, "anyOf"), ...listAt(schema, "oneOf")].filter(isObject);
  return branches.find((branch) => branch.type !== "null") ?? branches[0];
}

function typeOf(schema: JsonObject): string {
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== "null") : schema.type;
  if (isString(type)) return type;
  if (schema.properties !== undefined) return "object";
  return schema.items === undefined ? "string" : "array";
}

function ofType(type: string, schema: JsonObject, spot: Spot): Json {
  switch (type) {
    case "object":
      return objectFor(schema, spot);
    case "array":
      return arrayFor(schema, spot);
    case "integer":
    case "number":
      return numberFor(type, schema, spot.random);
    case "boolean":
      return spot.random() < 0.5;
    case "null":
      return null;
    default:
      return stringFor(schema, spot.random);
  }
}

/** All properties near the root; only the required ones deep down, so that recursion ends. */
function objectFor(schema: JsonObject, spot: Spot): Json {
  const properties = objectAt(schema, "properties");
  const required = new Set(listAt(schema, "required"));
  const made: Record<string, Json> = {};
  for (const [name, property] of Object.entries(properties)) {
    if (spot.depth >= SCHEMA_DEPTH_MAX && !required.has(name)) continue;
    made[name] = isObject(property) ? make(property, { ...spot, depth: spot.depth + 1 }) : "";
  }
  for (const name of required) if (isString(name) && !(name in made)) made[name] = "value";
  return made;
}

function arrayFor(schema: JsonObject, spot: Spot): Json {
  const least = numberAt(schema, "minItems") ?? (spot.depth >= SCHEMA_DEPTH_MAX ? 0 : 1);
  const most = Math.max(least, Math.min(numberAt(schema, "maxItems") ?? least + 1, least + 1));
  const length = least + below(spot.random, most - least + 1);
  const items = isObject(schema.items) ? schema.items : { type: "string" };
  return Array.from({ length }, () => make(items, { ...spot, depth: spot.depth + 1 }));
}

function numberFor(type: string, schema: JsonObject, random: Random): number {
  const step = numberAt(schema, "multipleOf") ?? (type === "integer" ? 1 : 0.5);
  const above = numberAt(schema, "exclusiveMinimum");
  const under = numberAt(schema, "exclusiveMaximum");
  const most = under === undefined ? numberAt(schema, "maximum") : under - step;
  const least =
    (above === undefined ? numberAt(schema, "minimum") : above + step) ??
    (most === undefined ? 0 : most - 10 * step);
  const first = Math.ceil(least / step);
  const last = Math.max(first, Math.floor((most ?? least + 100 * step) / step));
  return (first + below(random, Math.min(last - first, 100) + 1)) * step;
}

const FORMATS: { readonly [format: string]: string } = {
  "date-time": "2026-01-02T03:04:05Z",
  date: "2026-01-02",
  time: "03:04:05Z",
  email: "someone@example.com",
  uri: "https://example.com/page",
  uuid: "00000000-0000-4000-a000-000000000001",
  hostname: "example.com",
  ipv4: "192.0.2.1",
};

function stringFor(schema: JsonObject, random: Random): string {
  const format = isString(schema.format) ? FORMATS[schema.format] : undefined;
  if (format !== undefined) return format;
  let text = pick(random, WORDS);
  const least = numberAt(schema, "minLength") ?? 0;
  while (text.length < least) text += ` ${pick(random, WORDS)}`;
  return text.slice(0, numberAt(schema, "maxLength") ?? text.length);
}
