/** Which of a provider's own routes a request is on, and the model or job it is about. Pure. */
import type { PassRoute, Provider } from "../../providers/provider.js";

export type Matched = {
  readonly route: PassRoute;
  /** What stood in the path. */
  readonly model: string | undefined;
  readonly job: string | undefined;
};

type Asked = { readonly method: string; readonly path: string; readonly query: URLSearchParams };

/** `path` as the provider has it. The first route that fits; routes about jobs are looked at first. */
export function matchRoute(
  { routes = [] }: Pick<Provider, "routes">,
  asked: Asked,
): Matched | undefined {
  const aboutJobs = routes.filter(({ tasks }) => tasks.length === 0);
  const calls = routes.filter(({ tasks }) => tasks.length > 0);
  for (const route of [...aboutJobs, ...calls]) {
    const groups = route.method === asked.method ? patternOf(route).exec(asked.path)?.groups : null;
    if (!groups) continue;
    return { route, model: groups.model, job: groups.job ?? jobIn(asked.query, route) };
  }
  return undefined;
}

/** None where it is named twice: who knows which one the provider reads. */
function jobIn(query: URLSearchParams, { job }: PassRoute): string | undefined {
  const named = job === undefined ? [] : query.getAll(job);
  return named.length === 1 ? named[0] : undefined;
}

const patterns = new WeakMap<PassRoute, RegExp>();

function patternOf(route: PassRoute): RegExp {
  let pattern = patterns.get(route);
  if (!pattern) {
    const source = route.path.split(/(\{model\}|\{job\}|\*)/).map(sourceOf);
    // An empty group makes `groups` be there in any case.
    pattern = new RegExp(`^(?<_>)${source.join("")}$`);
    patterns.set(route, pattern);
  }
  return pattern;
}

/** No segment may lead back up, however the provider's server would read it. */
const SEGMENT = "(?!(?:\\.|%2[eE]){1,2}(?:/|$))[^/?#]+";

function sourceOf(part: string): string {
  if (part === "{model}") return `(?<model>${SEGMENT}(?:/${SEGMENT})*)`;
  if (part === "{job}") return `(?<job>${SEGMENT})`;
  if (part === "*") return SEGMENT;
  return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
