import { type Dials, readDials } from "./dials.js";
import { parseJson } from "./json.js";
import { listedModels } from "./models.js";
import { providerById, providers } from "./providers/index.js";
import type { State } from "./state.js";
import { serveAsset } from "./task/serve-asset.js";

const json = (body: unknown, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

/** The simulator's own routes, under /_sim: not part of any provider. */
export function serveAdmin(state: State, request: Request, path: string, query: string) {
  const [, , area, provider] = path.split("/");
  if (area === "log") return serveLog(state, request.method, new URLSearchParams(query));
  if (area === "dials") return serveDials(state, request, provider ?? "*");
  if (area === "assets") return serveAsset(state, request, provider ?? "");
  if (area === "redirected") return serveRedirected(state, request);
  if (area === "state")
    return json({
      redirects: state.redirects,
      downloads: state.downloads,
      dials: state.dialTable(),
    });
  if (area === "providers") {
    const listed = providers.map((one) => ({
      id: one.id,
      models: listedModels(state, one),
      tasks: one.tasks ?? [],
    }));
    return json(listed);
  }
  return json({ error: `nothing at ${path}` }, 404);
}

/** `since`: milliseconds UTC; entries of that moment and later. */
function serveLog(state: State, method: string, query: URLSearchParams): Response {
  if (method === "DELETE") {
    state.log.clear();
    return new Response(null, { status: 204 });
  }
  const provider = query.get("provider");
  const since = Number(query.get("since") ?? 0);
  if (!Number.isFinite(since)) return json({ error: "since must be milliseconds UTC" }, 400);
  const chosen = state.log
    .all()
    .filter((entry) => (provider === null || entry.provider === provider) && entry.at >= since);
  return json(chosen);
}

async function serveDials(state: State, request: Request, provider: string): Promise<Response> {
  if (provider !== "*" && !providerById(provider)) {
    return json({ error: `there is no provider ${provider}` }, 404);
  }
  if (request.method === "PUT") {
    const parsed = parseJson(await request.text());
    const read = parsed.ok ? readDials(parsed.value) : parsed;
    if (!read.ok) return json({ error: read.why }, 400);
    state.setDials(provider, read.dials);
  } else if (request.method === "DELETE") {
    state.resetDials(provider === "*" ? undefined : provider);
  }
  return json(provider === "*" ? state.dialTable() : dialsOf(state, provider));
}

function dialsOf(state: State, provider: string): Dials {
  const found = state.dialsFor(provider, null);
  return found.ok ? found.dials : {};
}

/** Where `answer: "redirect"` points. Whoever gets here with credentials has leaked them. */
function serveRedirected(state: State, request: Request): Response {
  const withCredentials = request.headers.has("authorization");
  state.redirects.followed += 1;
  if (withCredentials) state.redirects.withCredentials += 1;
  return json({ redirected: true, withCredentials });
}
