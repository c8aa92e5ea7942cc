/** One request from its arrival to its response, whichever route it belongs to. */

import type { Reply } from "../gateway/reply.js";
import { badRequest, RouterError } from "../kernel/errors.js";
import { CALLERS_TEXTS_MAX } from "../kernel/limits.js";
import { readOnce } from "../kernel/read-once.js";
import { preflight, readable } from "./cors.js";
import { type Dialect, errorResponse } from "./errors.js";
import { handlerOf, methodsAt } from "./find-route.js";
import type { Incoming } from "./incoming.js";
import { passThrough } from "./inference/passthrough.js";
import { type Site, Visit } from "./parts.js";

/** Answers any request; never throws. */
export async function answer(site: Site, request: Incoming): Promise<Reply> {
  const answering = new Answering(site, request);
  try {
    return answering.ended(await answering.begin());
  } catch (thrown) {
    return answering.failed(thrown);
  }
}

/** The same in steps, for whoever would rather not wait for a promise of its own. */
export class Answering {
  private readonly site: Site;
  private readonly request: Incoming;
  private readonly id: string;
  /** Empty where the request names no host. */
  private readonly path: string;
  private visit: Visit | undefined;

  constructor(site: Site, request: Incoming) {
    this.site = site;
    this.request = request;
    this.id = site.gateway.newId();
    this.path = pathOf(request.url);
  }

  /** Throws, or rejects, for what `failed` makes an answer of. */
  begin(): Promise<Reply> | Reply {
    const { site, request, id, path } = this;
    if (path === "") throw badRequest("The Host header names no host.", "host");
    const allowed = preflight(request, path);
    if (allowed) return allowed;
    this.visit = new Visit(request, path, id, site.gateway.clock, site.bodies);
    return dispatch(site, this.visit);
  }

  ended(reply: Reply): Reply {
    this.visit?.done();
    return readable(this.request, this.path, reply);
  }

  failed(thrown: unknown): Reply {
    const { id, path } = this;
    const { log } = this.site.gateway;
    return this.ended(errorResponse(thrown, { dialect: dialectOf(path), id, log }));
  }
}

/** Empty where the Host header names no host. */
const pathOf = readOnce((url) => {
  if (!HOST.test(url)) return "";
  const start = url.indexOf("/", HOST_AT);
  const end = url.indexOf("?", start);
  return url.slice(start, end < 0 ? undefined : end);
}, CALLERS_TEXTS_MAX);

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
function dialectOf(path: string): Dialect {
  if (path === "" || path.startsWith("/v1/") || path.startsWith("/api/turnpike/")) return "openai";
  return path.startsWith("/api/") ? "hub_api" : "hub";
}
