/** Every route of the service, and the way from a request to its handler. */
import { badRequest, RouterError } from "../kernel/errors.js";
import * as account from "./account.js";
import * as admin from "./admin.js";
import { chatCompletions } from "./chat.js";
import { type Dialect, errorResponse } from "./errors.js";
import { estimate } from "./estimate.js";
import { healthz, home, readyz } from "./home.js";
import { listModels, showModel } from "./models.js";
import type { Handler, Site, Visit } from "./parts.js";
import * as payments from "./payments.js";

type Route = {
  readonly method: string;
  /** `*` takes one segment, a closing `**` one or more. */
  readonly path: string;
  readonly handler: Handler;
};

const ME = "/api/turnpike/me";
const ADMIN = "/api/turnpike/admin";

export const ROUTES: readonly Route[] = [
  { method: "POST", path: "/v1/chat/completions", handler: chatCompletions },
  { method: "GET", path: "/v1/models", handler: listModels },
  { method: "GET", path: "/v1/models/**", handler: showModel },
  { method: "GET", path: ME, handler: account.showMe },
  { method: "GET", path: `${ME}/tokens`, handler: account.listTokens },
  { method: "POST", path: `${ME}/tokens`, handler: account.createToken },
  { method: "DELETE", path: `${ME}/tokens/*`, handler: account.revokeToken },
  { method: "GET", path: `${ME}/provider-keys`, handler: account.listProviderKeys },
  { method: "PUT", path: `${ME}/provider-keys/*`, handler: account.putProviderKey },
  { method: "DELETE", path: `${ME}/provider-keys/*`, handler: account.deleteProviderKey },
  { method: "GET", path: `${ME}/preferences`, handler: account.showPreferences },
  { method: "PUT", path: `${ME}/preferences`, handler: account.putPreferences },
  { method: "GET", path: `${ME}/credits`, handler: account.showCredits },
  { method: "GET", path: `${ME}/usage`, handler: account.showUsage },
  { method: "GET", path: `${ME}/requests`, handler: account.listRequests },
  { method: "GET", path: `${ME}/checkout`, handler: payments.showCheckout },
  { method: "POST", path: `${ME}/checkout`, handler: payments.startCheckout },
  { method: "GET", path: `${ME}/payments`, handler: payments.listPayments },
  { method: "POST", path: "/api/turnpike/webhooks/stripe", handler: payments.receiveStripe },
  { method: "POST", path: "/api/turnpike/estimate", handler: estimate },
  { method: "GET", path: `${ADMIN}/users`, handler: admin.listUsers },
  { method: "POST", path: `${ADMIN}/users`, handler: admin.addUser },
  { method: "GET", path: `${ADMIN}/users/*`, handler: admin.showUser },
  { method: "PATCH", path: `${ADMIN}/users/*`, handler: admin.changeUser },
  { method: "POST", path: `${ADMIN}/credits`, handler: admin.grantCredit },
  { method: "GET", path: `${ADMIN}/audit`, handler: admin.showAudit },
  { method: "GET", path: "/healthz", handler: healthz },
  { method: "GET", path: "/readyz", handler: readyz },
  { method: "GET", path: "/", handler: home },
];

/** Routes without a star, which are nearly all of the traffic, are found by one look-up. */
const EXACT: ReadonlyMap<string, Handler> = new Map(
  ROUTES.filter(({ path }) => !path.includes("*")).map(({ method, path, handler }) => [
    `${method} ${path}`,
    handler,
  ]),
);
const OPEN = ROUTES.filter(({ path }) => path.includes("*"));

/** Answers any request; never throws. */
export async function answer(site: Site, request: Request): Promise<Response> {
  const { gateway } = site;
  const id = gateway.newId();
  // Bun gives the path alone where the Host header names no host.
  const url = URL.parse(request.url);
  if (!url) {
    const error = badRequest("The Host header names no host.", "host");
    return errorResponse(error, { dialect: "openai", id, log: gateway.log });
  }
  const visit: Visit = {
    request,
    url,
    rest: [],
    id,
    at: gateway.clock.now(),
    startedAt: gateway.clock.elapsed(),
  };
  try {
    return await dispatch(site, visit);
  } catch (thrown) {
    return errorResponse(thrown, { dialect: dialectOf(url), id, log: gateway.log });
  }
}

function dispatch(site: Site, visit: Visit): Promise<Response> | Response {
  const { request, url } = visit;
  // A HEAD is a GET whose body is not sent; Bun leaves it out.
  const method = request.method === "HEAD" ? "GET" : request.method;
  const exact = EXACT.get(`${method} ${url.pathname}`);
  if (exact) return exact(site, visit);
  for (const route of OPEN) {
    const { path, handler } = route;
    const rest = route.method === method ? match(path, url.pathname) : undefined;
    if (rest) return handler(site, { ...visit, rest });
  }
  throw notFound(request.method, url.pathname);
}

/** The segments that a path's stars stand for, or undefined when it is another path. */
function match(pattern: string, path: string): readonly string[] | undefined {
  const stem = pattern.slice(0, pattern.indexOf("*"));
  if (!path.startsWith(stem)) return undefined;
  const rest = path.slice(stem.length).split("/").map(decodeSegment);
  if (rest.some((segment) => segment === "")) return undefined;
  return pattern.endsWith("**") || rest.length === 1 ? rest : undefined;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new RouterError("bad_request", "The path holds a % that stands for nothing.");
  }
}

function notFound(method: string, path: string): RouterError {
  const other = ROUTES.filter((route) =>
    route.path.includes("*") ? match(route.path, path) : route.path === path,
  );
  const methods = [...new Set(other.map((route) => route.method))];
  const hint =
    methods.length > 0
      ? `${path} takes ${methods.join(" and ")}, not ${method}.`
      : `There is nothing at ${path}. The routes begin at /v1/chat/completions and /v1/models.`;
  return new RouterError("not_found", hint);
}

/** `/v1` and our own API write errors as OpenAI does, everything else as the Hub does. */
const dialectOf = ({ pathname }: URL): Dialect =>
  pathname.startsWith("/v1/") || pathname.startsWith("/api/turnpike/") ? "openai" : "hub";
