/** One request from its arrival to its response, whichever route it belongs to. */

import type { Reply } from "../gateway/reply.js";
import { badRequest, RouterError } from "../kernel/errors.js";
import { preflight, readable } from "./cors.js";
import { type Dialect, errorResponse } from "./errors.js";
import { handlerOf, methodsAt } from "./find-route.js";
import type { Incoming } from "./incoming.js";
import { passThrough } from "./inference/passthrough.js";
import { type Site, Visit } from "./parts.js";

/** Answers any request; never throws. */
export async function answer(site: Site, request: Incoming): Promise<Reply> {
  const { gateway } = site;
  const id = gateway.newId();
  const path = pathOf(request.url);
  let visit: Visit | undefined;
  try {
    if (path === undefined) throw badRequest("The Host header names no host.", "host");
    const allowed = preflight(request, path);
    if (allowed) return allowed;
    visit = new Visit(request, path, id, gateway.clock, site.bodies);
    return readable(request, path, await dispatch(site, visit));
  } catch (thrown) {
    const told = errorResponse(thrown, { dialect: dialectOf(path), id, log: gateway.log });
    return readable(request, path ?? "/", told);
  } finally {
    visit?.done();
  }
}

/** Undefined where the Host header names no host: Bun then gives the path alone. */
function pathOf(url: string): string | undefined {
  if (!HOST.test(url)) return undefined;
  const start = url.indexOf("/", HOST_AT);
  const end = url.indexOf("?", start);
  return url.slice(start, end < 0 ? undefined : end);
}

const HOST_AT = "https://".length;
const HOST = /^https?:\/\/[^/?#\s]+(?=\/)/;

function dispatch(site: Site, visit: Visit): Promise<Reply> | Reply {
  const handler = handlerOf(visit);
  return handler ? handler(site, visit) : passedOn(site, visit);
}

async function passedOn(site: Site, visit: Visit): Promise<Reply> {
  const answer = await passThrough(site, visit);
  if (answer) return answer;
  throw notFound(visit.request.method, visit.path);
}

function notFound(method: string, path: string): RouterError {
  const methods = methodsAt(path);
  const hint =
    methods.length > 0
      ? `${path} takes ${methods.join(" and ")}, not ${method}.`
      : `There is nothing at ${path}. The routes begin at /v1/chat/completions and /v1/models.`;
  return new RouterError("not_found", hint);
}

/** `/v1` and our own API write errors as OpenAI does, everything else as the Hub does. */
function dialectOf(path = "/v1/"): Dialect {
  if (path.startsWith("/v1/") || path.startsWith("/api/turnpike/")) return "openai";
  return path.startsWith("/api/") ? "hub_api" : "hub";
}
