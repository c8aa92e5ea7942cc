/** The way from a path to the route that it belongs to. */
import { RouterError } from "../kernel/errors.js";
import type { Handler, Visit } from "./parts.js";
import { ROUTES, type Route } from "./routes.js";

/** Routes without a star, which are nearly all of the traffic, are found by one look-up. */
const EXACT: ReadonlyMap<string, ReadonlyMap<string, Handler>> = groupByPath(
  ROUTES.filter(({ path }) => !path.includes("*")),
);
const OPEN = ROUTES.filter(({ path }) => path.includes("*"));

function groupByPath(routes: readonly Route[]): Map<string, Map<string, Handler>> {
  const byPath = new Map<string, Map<string, Handler>>();
  for (const { method, path, handler } of routes) {
    byPath.set(path, (byPath.get(path) ?? new Map()).set(method, handler));
  }
  return byPath;
}

/** Who answers a visit, or undefined; the visit is told what the stars of its route stand for. */
export function handlerOf(visit: Visit): Handler | undefined {
  // A HEAD is a GET whose body is not sent; Bun leaves it out.
  const method = visit.request.method === "HEAD" ? "GET" : visit.request.method;
  const exact = EXACT.get(visit.path)?.get(method);
  if (exact) return exact;
  for (const route of OPEN) {
    const rest = route.method === method ? match(route.path, visit.path) : undefined;
    if (!rest) continue;
    visit.rest = rest;
    return route.handler;
  }
  return undefined;
}

/** The methods that routes of a path take. */
export function methodsAt(path: string): readonly string[] {
  const here = ROUTES.filter((route) =>
    route.path.includes("*") ? match(route.path, path) : route.path === path,
  );
  return [...new Set(here.map(({ method }) => method))];
}

/** The segments that a path's stars stand for, or undefined when it is another path. */
function match(pattern: string, path: string): readonly string[] | undefined {
  const stem = pattern.slice(0, pattern.indexOf("*"));
  if (!path.startsWith(stem)) return undefined;
  const wanted = pattern.slice(stem.length).split("/");
  const given = path.slice(stem.length).split("/");
  const isOpenEnded = pattern.endsWith("**");
  if (isOpenEnded ? given.length < wanted.length : given.length !== wanted.length) return undefined;
  const fits = (segment: string, i: number): boolean =>
    isStar(wanted[i]) ? segment !== "" : segment === wanted[i];
  if (!given.every(fits)) return undefined;
  return given.filter((_, i) => isStar(wanted[i])).map(decodeSegment);
}

/** What stands after a closing `**` belongs to it. */
const isStar = (wanted: string | undefined): boolean => wanted?.startsWith("*") ?? true;

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new RouterError("bad_request", "The path holds a % that stands for nothing.");
  }
}
