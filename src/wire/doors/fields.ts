/** Reads the members of a door's body. Null counts as absent; every refusal names the member and what it may be. */
import { badRequest, RouterError } from "../../kernel/errors.js";
import { FIELD_CHARS_MAX } from "../../kernel/limits.js";
import type { Json } from "../../tasks/task-call.js";
import { asObject } from "../as-object.js";
import { splitModel } from "../chat-request.js";
import { parseRouteControls } from "../route-controls.js";
import type { Asked } from "./door.js";

export const mustBe = (name: string, expected: string): RouterError =>
  badRequest(`"${name}" must be ${expected}.`, name);

export const unsupported = (name: string, why: string): RouterError =>
  new RouterError("unsupported_parameter", `"${name}" is not supported here: ${why}.`, {
    param: name,
  });

/** Undefined where nothing is said, as with the others. */
export function text(
  body: Json,
  name: string,
  charsMax: number = FIELD_CHARS_MAX,
): string | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== "string") throw mustBe(name, "a string");
  if (value.length > charsMax) {
    throw badRequest(`"${name}" has ${value.length} characters; the limit is ${charsMax}.`, name);
  }
  return value;
}

/** Text that must be there and must not be empty. */
export function someText(body: Json, name: string, charsMax?: number): string {
  const value = text(body, name, charsMax);
  if (value === undefined || value === "") throw mustBe(name, "a string that is not empty");
  return value;
}

/** A whole number, from `least` to `most`. */
export function whole(body: Json, name: string, least: number, most: number): number | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) {
    return value;
  }
  throw mustBe(name, `a whole number from ${least} to ${most}`);
}

export function number(body: Json, name: string, least: number, most: number): number | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === "number" && value >= least && value <= most) return value;
  throw mustBe(name, `a number from ${least} to ${most}`);
}

/** False where nothing is said. */
export function flag(body: Json, name: string): boolean {
  const value = body[name] ?? false;
  if (typeof value === "boolean") return value;
  throw mustBe(name, "true or false");
}

export function oneOf<Choice extends string>(
  body: Json,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined) return undefined;
  const choice = choices.find((one) => one === value);
  if (choice === undefined) throw mustBe(name, `one of ${choices.join(", ")}`);
  return choice;
}

/** A list within its bounds, each entry read by `entry`, which is told the entry's own name. */
export function list<Entry>(
  body: Json,
  name: string,
  entriesMax: number,
  entry: (value: unknown, name: string) => Entry,
): readonly Entry[] {
  const value = body[name];
  if (!Array.isArray(value) || value.length === 0) throw mustBe(name, "a list of at least one");
  if (value.length > entriesMax) {
    throw badRequest(`"${name}" has ${value.length} entries; the limit is ${entriesMax}.`, name);
  }
  return value.map((one, i) => entry(one, `${name}[${i}]`));
}

/** What else there is: for the provider to judge. */
export function allBut(body: Json, known: readonly string[]): Json {
  const names = new Set([...known, "model", "provider", "user"]);
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => value !== null && !names.has(name)),
  );
}

/** Leaves out what is undefined, which on a wire would be neither there nor absent. */
export const given = (members: Json): Json =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

/** Which model, from whom: the same at every door. */
export function routing(body: Json): Pick<Asked, "model" | "controls"> {
  splitModel(body.model);
  const controls = asObject(body.provider);
  if (controls === undefined && body.provider != null) throw mustBe("provider", "an object");
  return { model: String(body.model), controls: parseRouteControls(controls) };
}

/** What most calls ask for besides: one plain answer that brings its media along. */
export const PLAIN = { count: 1, wantsUrls: false, isStream: false } as const;
