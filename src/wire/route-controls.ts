import { badRequest, RouterError } from "../kernel/errors.js";
import type { RouteControls } from "../tasks/chat-completion.js";

type Json = Readonly<Record<string, unknown>>;

/** Of a request that says nothing of providers. */
export const NO_CONTROLS: RouteControls = {
  order: undefined,
  only: undefined,
  ignore: [],
  sort: undefined,
  allowFallbacks: true,
};

const KNOWN: ReadonlySet<string> = new Set(["order", "only", "ignore", "sort", "allow_fallbacks"]);

/**
 * Reads the `provider` object of a request. What it asks for and cannot have is refused by name: a wish about
 * privacy or price that went unheard would be worse than none.
 */
export function parseRouteControls(controls: Json | undefined): RouteControls {
  if (!controls) return NO_CONTROLS;
  for (const name of Object.keys(controls)) if (!KNOWN.has(name)) throw unsupported(name);
  const { allow_fallbacks: allowFallbacks = true } = controls;
  if (typeof allowFallbacks !== "boolean") {
    throw badRequest(
      '"provider.allow_fallbacks" must be true or false.',
      "provider.allow_fallbacks",
    );
  }
  return {
    order: names(controls, "order"),
    only: names(controls, "only"),
    ignore: names(controls, "ignore") ?? [],
    sort: sortOf(controls.sort),
    allowFallbacks,
  };
}

function names(controls: Json, name: "order" | "only" | "ignore"): readonly string[] | undefined {
  const value = controls[name];
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value) && value.every((id) => typeof id === "string")) return value;
  throw badRequest(`"provider.${name}" must be an array of provider ids.`, `provider.${name}`);
}

function sortOf(sort: unknown): RouteControls["sort"] {
  if (sort === undefined || sort === null) return undefined;
  if (sort === "price" || sort === "throughput") return sort;
  throw badRequest('"provider.sort" must be "price" or "throughput".', "provider.sort");
}

const unsupported = (name: string): RouterError =>
  new RouterError(
    "unsupported_parameter",
    `"provider.${name.slice(0, 64)}" is not supported; ${[...KNOWN].join(", ")} are.`,
    { param: `provider.${name.slice(0, 64)}` },
  );
