/** Asks the Hub where models went that it does not list: those that were renamed are answered with a redirect. */
import { modelId } from "../../catalog/entry.js";
import type { Rename } from "../../catalog/stored.js";
import { HUB_RENAMES_ASKED_MAX } from "../../kernel/limits.js";
import { HEADERS } from "./ask-hub.js";
import { type Asker, ask } from "./ask-json.js";

type Asked = {
  readonly origin: string;
  readonly ids: readonly string[];
  readonly signal: AbortSignal;
  /** Told after each model how many were asked about. */
  readonly progress: (done: number) => void;
};

/** Throws an Error where the Hub does not answer, or where there is more to ask than is asked at once. */
export async function askRenames(
  asker: Asker,
  { origin, ids, signal, progress }: Asked,
): Promise<readonly Rename[]> {
  const found: Rename[] = [];
  if (ids.length > HUB_RENAMES_ASKED_MAX) {
    throw new Error(`${ids.length} models are not on the Hub's list, too many to look for renames`);
  }
  for (const [i, from] of ids.entries()) {
    const url = new URL(`/api/models/${from}?expand[]=pipeline_tag`, origin);
    const { status, header } = await ask(asker, { url: url.href, headers: HEADERS, signal });
    const to = status >= 300 && status < 400 ? idIn(header("location"), url) : undefined;
    if (to !== undefined && to !== from) found.push({ from, to });
    progress(i + 1);
  }
  return found;
}

const MODELS = "/api/models/";

/** Undefined for an address that is no model's on the same Hub. */
function idIn(location: string | undefined, from: URL): string | undefined {
  if (location === undefined || !URL.canParse(location, from.href)) return undefined;
  const { origin, pathname } = new URL(location, from.href);
  if (origin !== from.origin || !pathname.startsWith(MODELS)) return undefined;
  const id = modelId.safeParse(pathname.slice(MODELS.length));
  return id.success ? id.data : undefined;
}
