import type { PathParams } from "./call.js";
import type { Endpoint } from "./provider.js";

export type Found = { readonly endpoint: Endpoint; readonly params: PathParams };

/** Compiles a provider's endpoints to one lookup: exact paths by table, the few patterns by regex, in order. */
export function routerFor(endpoints: readonly Endpoint[]) {
  const exact = new Map<string, Endpoint>();
  const patterns: { readonly shape: RegExp; readonly endpoint: Endpoint }[] = [];
  for (const endpoint of endpoints) {
    if (endpoint.path.includes("{")) patterns.push({ shape: shapeOf(endpoint.path), endpoint });
    else exact.set(`${endpoint.method} ${endpoint.path}`, endpoint);
  }
  return (method: string, path: string): Found | undefined => {
    const endpoint = exact.get(`${method} ${path}`);
    if (endpoint) return { endpoint, params: {} };
    for (const { shape, endpoint: candidate } of patterns) {
      const found = candidate.method === method ? shape.exec(path) : null;
      if (!found) continue;
      const params = decodeAll(found.groups ?? {});
      if (candidate.serves?.(params) ?? true) return { endpoint: candidate, params };
    }
    return undefined;
  };
}

const shapeOf = (path: string): RegExp =>
  new RegExp(`^${path.replace(/\{(\w+)\}/g, "(?<$1>.+?)")}$`);

function decodeAll(groups: { readonly [name: string]: string | undefined }): PathParams {
  const params: Record<string, string> = {};
  for (const [name, value] of Object.entries(groups)) params[name] = decoded(value ?? "");
  return params;
}

/** A path that is not proper percent-encoding is taken as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
