import { serveAdmin } from "./admin.js";
import { serveBilling } from "./billing.js";
import { type Call, recordRefused, refusal } from "./call.js";
import { serveChat } from "./chat/serve.js";
import type { DialTable } from "./dialing.js";
import { type Dials, mergeDials } from "./dials.js";
import { BODY_BYTES_MAX } from "./limits.js";
import type { LogEntry } from "./log.js";
import { serveModels } from "./models.js";
import type { PriceTable } from "./pricing.js";
import type { Endpoint, Provider } from "./provider.js";
import { keyAfter } from "./provider-key.js";
import { providers } from "./providers/index.js";
import { type Found, routerFor } from "./routes.js";
import { makeState, type State } from "./state.js";
import { recordRefusedTask } from "./task/record.js";
import { serveTask } from "./task/serve.js";

export type StartOptions = {
  /** 0 or absent: any free port. */
  readonly port?: number;
  readonly seed?: number;
  /** Dials for all providers. */
  readonly dials?: Dials;
  /** Dials by provider id. */
  readonly providerDials?: DialTable;
  readonly prices?: PriceTable;
};

export type Sim = {
  readonly origin: string;
  /** The base URL that stands for a provider's origin. */
  readonly url: (provider: string) => string;
  /** The delivery log, oldest first. */
  readonly log: (provider?: string) => LogEntry[];
  /** Merges dials; `*` is all providers. A dial set to null goes back to its default. */
  readonly setDials: (provider: string, dials: Dials) => void;
  /** Back to the start: dials, log, counters, caches. */
  readonly reset: () => void;
  readonly stop: () => Promise<void>;
};

/** Serves every provider on loopback. Requests are never logged: read the delivery log instead. */
export function startSim(options: StartOptions = {}): Sim {
  const state = makeState({
    seed: options.seed ?? 1,
    dials: {
      ...options.providerDials,
      "*": mergeDials(options.providerDials?.["*"] ?? {}, options.dials ?? {}),
    },
    prices: options.prices ?? {},
  });
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: options.port ?? 0,
    // Stalled streams are part of the job, so the server must not close them.
    idleTimeout: 0,
    // In development mode Bun prints every stream that is cut on purpose.
    development: false,
    // Outside of it Bun lets several processes listen on one port, and each would have half of the jobs.
    reusePort: false,
    maxRequestBodySize: BODY_BYTES_MAX,
    fetch: (request) => serve(state, request),
  });
  const origin = `http://127.0.0.1:${server.port}`;
  return {
    origin,
    url: (provider) => `${origin}/${provider}`,
    log: (provider) => {
      const entries = state.log.all();
      return provider === undefined ? entries : entries.filter((one) => one.provider === provider);
    },
    setDials: state.setDials,
    reset: state.reset,
    stop: () => server.stop(true),
  };
}

type Served = { readonly provider: Provider; readonly find: ReturnType<typeof routerFor> };

const SERVED: ReadonlyMap<string, Served> = new Map(
  providers.map((provider) => [provider.id, { provider, find: routerFor(provider.endpoints) }]),
);

function serve(state: State, request: Request): Response | Promise<Response> {
  // `new URL` is a tenth of the cost of a small request, and the origin is ours.
  const from = request.url.indexOf("/", 8);
  const mark = request.url.indexOf("?", from);
  const path = mark < 0 ? request.url.slice(from) : request.url.slice(from, mark);
  const slash = path.indexOf("/", 1);
  const id = slash < 0 ? path.slice(1) : path.slice(1, slash);
  if (id === "_sim") {
    return serveAdmin(state, request, path, mark < 0 ? "" : request.url.slice(mark + 1));
  }
  const served = SERVED.get(id);
  if (!served) return plainError(404, `the simulator has no provider ${id}`);
  return serveProvider(state, request, served, slash < 0 ? "/" : path.slice(slash));
}

function serveProvider(state: State, request: Request, { provider, find }: Served, path: string) {
  const found = find(request.method, path);
  const dials = state.dialsFor(provider.id, request.headers.get("x-sim-dials"));
  if (!dials.ok) return plainError(400, dials.why);
  const call = callOf(state, request, provider, path, found, dials.dials);
  if (!isAuthorized(call)) return refuseKey(call, found?.endpoint);
  if (path === "/_billing" && request.method === "POST") return serveBilling(call);
  if (!found) return refusal(call, { kind: "not_found", about: `${request.method} ${path}` });
  return serveEndpoint(call, found.endpoint);
}

function serveEndpoint(call: Call, endpoint: Endpoint): Response | Promise<Response> {
  switch (endpoint.kind) {
    case "chat":
      return serveChat(call, endpoint.chat);
    case "task":
      return serveTask(call, endpoint);
    case "models":
      return serveModels(call, endpoint);
  }
}

function callOf(
  state: State,
  request: Request,
  provider: Provider,
  path: string,
  found: Found | undefined,
  dials: Dials,
): Call {
  const number = state.nextNumber();
  const ids = state.idsOf(number);
  const requestId = provider.requestId(ids);
  return {
    state,
    provider,
    request,
    path,
    params: found?.params ?? {},
    task: found ? taskOf(found.endpoint) : "",
    number,
    ids,
    requestId,
    dials,
    key: (provider.keyIn ?? bearerIn)(request.headers),
  };
}

function taskOf(endpoint: Endpoint): string {
  if (endpoint.kind === "chat") return endpoint.task ?? "conversational";
  return endpoint.kind === "task" ? endpoint.task : "";
}

const bearerIn = (headers: Headers): string | undefined => keyAfter("Bearer", headers);

function isAuthorized({ dials, key }: Call): boolean {
  if (dials.auth === "off") return true;
  return dials.auth !== "invalid" && key !== undefined && key !== "bad-key";
}

function refuseKey(call: Call, endpoint: Endpoint | undefined): Response {
  const response = refusal(call, { kind: "unauthorized", about: "authorization" });
  if (endpoint?.kind === "chat") recordRefused(call, response.status);
  if (endpoint?.kind === "task") recordRefusedTask(call, endpoint.task, response.status);
  return response;
}

const plainError = (status: number, error: string): Response =>
  new Response(JSON.stringify({ error }), {
    status,
    headers: { "content-type": "application/json" },
  });
