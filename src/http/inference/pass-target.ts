/** What is asked of a provider on its own wire: in the request's own URL, or where the provider's client names it. */
import { RouterError } from "../../kernel/errors.js";
import type { Provider, ProviderRequest } from "../../providers/provider.js";
import type { Visit } from "../parts.js";

export type PassTarget = {
  /** As the provider has it. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** One of the provider's `hosts`; undefined where it is for the route to say. */
  readonly host: string | undefined;
};

/** Meant for whoever stands between a client and fal: which of its hosts the request is for. */
const HOST_PARAMETER = "_subdomain";

/** `path` is what follows the provider's prefix. Throws bad_request for a URL that is none of the provider's. */
export function targetOf(provider: Provider, visit: Visit, path: string): PassTarget {
  const named = provider.targetHeader && visit.request.headers.get(provider.targetHeader);
  // A path of its own says all there is to say.
  if (!named || path !== "/") return { path, query: visit.url.searchParams, host: undefined };
  const url = URL.canParse(named) ? new URL(named) : undefined;
  const found = Object.entries(provider.hosts ?? {}).find(([, origin]) => origin === url?.origin);
  if (!url || (!found && url.origin !== provider.origin)) {
    throw new RouterError("bad_request", `${provider.targetHeader} is no URL of ${provider.id}.`);
  }
  return { path: url.pathname, query: url.searchParams, host: found?.[0] };
}

/** Headers with which providers' clients say how they want to be answered. */
const PASSED_ON = ["accept", "prefer", "cancel-after"] as const;

/** `host` is the route's own, for a request that names none. Throws bad_request for a host that the provider has not. */
export function upstreamOf(
  { id, hosts }: Provider,
  visit: Visit,
  wanted: PassTarget,
  host: string | undefined,
): ProviderRequest {
  const query = new URLSearchParams(wanted.query);
  const asked = query.get(HOST_PARAMETER);
  query.delete(HOST_PARAMETER);
  if (asked !== null && !Object.hasOwn(hosts ?? {}, asked)) {
    throw new RouterError("bad_request", `${id} has no host of that name.`, {
      param: HOST_PARAMETER,
    });
  }
  return {
    method: visit.request.method as ProviderRequest["method"],
    path: query.size === 0 ? wanted.path : `${wanted.path}?${query}`,
    ...hosted(asked ?? wanted.host ?? host),
    headers: headersOf(visit),
  };
}

const hosted = (host: string | undefined) => (host === undefined ? {} : { host });

const headersOf = (visit: Visit): Record<string, string> =>
  Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = visit.request.headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
