import { type Dials, mergeDials, readDials } from "./dials.js";
import { PARSED_DIALS_MAX } from "./limits.js";

/** Dials by provider id; `*` holds for all. */
export type DialTable = { readonly [provider: string]: Dials };

export type DialsFound = { ok: true; dials: Dials } | { ok: false; why: string };

/** The dials that are set at this moment, and what they have counted. */
export type Dialing = {
  /** What holds for a request: what is set, and over it what its `x-sim-dials` header says. */
  readonly dialsFor: (provider: string, header: string | null) => DialsFound;
  readonly dialTable: () => DialTable;
  readonly setDials: (provider: string, dials: Dials) => void;
  /** Back to what the simulator was started with, for one provider or for all. */
  readonly resetDials: (provider?: string) => void;
  /** Counts a request; tells the seconds to wait when the provider's window is used up, undefined when there is room. */
  readonly overLimit: (provider: string, dials: Dials) => number | undefined;
};

type Window = { count: number; refusedSince: number };

export function makeDialing(first: DialTable): Dialing {
  let table = first;
  let merged = new Map<string, Dials>();
  const windows = new Map<string, Window>();
  const standing = (provider: string): Dials => {
    let dials = merged.get(provider);
    if (!dials) {
      dials = mergeDials(table["*"] ?? {}, table[provider] ?? {});
      merged.set(provider, dials);
    }
    return dials;
  };
  const setTable = (next: DialTable) => {
    table = next;
    merged = new Map();
    windows.clear();
  };
  return {
    dialsFor(provider, header) {
      if (header === null) return { ok: true, dials: standing(provider) };
      const parsed = parseHeader(header);
      return parsed.ok ? { ok: true, dials: mergeDials(standing(provider), parsed.dials) } : parsed;
    },
    dialTable: () => table,
    setDials: (provider, dials) =>
      setTable({ ...table, [provider]: mergeDials(table[provider] ?? {}, dials) }),
    resetDials(provider) {
      if (provider === undefined) setTable(first);
      else setTable({ ...table, [provider]: first[provider] ?? {} });
    },
    overLimit: (provider, dials) => overLimit(windows, provider, dials),
  };
}

function overLimit(windows: Map<string, Window>, provider: string, dials: Dials) {
  const limit = dials.rate_limit;
  if (!limit) return undefined;
  let window = windows.get(provider);
  if (
    !window ||
    (window.refusedSince > 0 && Date.now() >= window.refusedSince + limit.retry_after * 1000)
  ) {
    window = { count: 0, refusedSince: 0 };
    windows.set(provider, window);
  }
  window.count += 1;
  if (window.count <= limit.after) return undefined;
  if (window.refusedSince === 0) window.refusedSince = Date.now();
  return limit.retry_after;
}

const parsedHeaders = new Map<string, ReturnType<typeof readDials>>();

/** A bench sends the same header on every request, so what was parsed is remembered. */
function parseHeader(header: string): ReturnType<typeof readDials> {
  const known = parsedHeaders.get(header);
  if (known) return known;
  if (parsedHeaders.size >= PARSED_DIALS_MAX) parsedHeaders.clear();
  const parsed = readHeader(header);
  parsedHeaders.set(header, parsed);
  return parsed;
}

function readHeader(header: string): ReturnType<typeof readDials> {
  try {
    return readDials(JSON.parse(header));
  } catch {
    return { ok: false, why: "x-sim-dials is not JSON" };
  }
}
