/** Jobs that are begun by one request and asked for by others. */
import type { Provider, Step } from "../provider.js";
import { MalformedReply } from "../reply.js";

/** How often a job is asked for; and, where the provider's own clients give up, after how many times. */
export type Pace = { readonly everyMs: number; readonly pollsMax?: number };

/** Those of Hugging Face's clients. Replicate's is our own: they wait for its answer and then give up. */
export const PACES = {
  "fal-ai": { everyMs: 500 },
  replicate: { everyMs: 1_000 },
  together: { everyMs: 2_000, pollsMax: 150 },
  novita: { everyMs: 500 },
  minimax: { everyMs: 5_000 },
  wavespeed: { everyMs: 500 },
  "zai-org": { everyMs: 5_000, pollsMax: 60 },
  // The clients gave up after 5, which is less than a picture takes.
  "black-forest-labs": { everyMs: 1_000, pollsMax: 60 },
} as const satisfies Record<string, Pace>;

type Look = { readonly job: string; readonly path: string; readonly host?: string };

/** Asks for a job after a while. */
export const askFor = (
  { job, path, host }: Look,
  afterMs: number,
): Extract<Step, { kind: "send" }> => ({
  kind: "send",
  request: { method: "GET", path, ...(host !== undefined && { host }) },
  afterMs,
  job,
});

/**
 * The path of a link in an answer, beginning at its last `from`. Only the path counts, and only one that the provider
 * is known to have: our key goes nowhere else. What stands before it may be a proxy's own.
 */
export function ownPath(link: string, from: string): string {
  const { pathname } = parsedLink(link);
  const start = pathname.lastIndexOf(from);
  if (start < 0) throw new MalformedReply(`a link that does not lead to ${from}`);
  return pathname.slice(start);
}

const SOMEWHERE: Provider["origin"] = "http://provider.invalid";

export function parsedLink(link: string): URL {
  if (URL.canParse(link, SOMEWHERE)) return new URL(link, SOMEWHERE);
  throw new MalformedReply("a link that is none");
}
