import { makePrefixCache, type PrefixCache } from "./chat/prompt.js";
import { type Dials, mergeDials, readDials } from "./dials.js";
import { type Ids, idsFrom } from "./ids.js";
import { PARSED_DIALS_MAX } from "./limits.js";
import { type Log, makeLog } from "./log.js";
import { type Price, type PriceText, readPrice } from "./money.js";
import type { Provider } from "./provider.js";
import { providers } from "./providers/index.js";
import { hashOf, randomFrom } from "./random.js";
import { type Assets, makeAssets } from "./task/assets.js";
import { type Jobs, makeJobs } from "./task/jobs.js";
import type { UnitPriceText } from "./units.js";

/** Dials by provider id; `*` holds for all. */
export type DialTable = { readonly [provider: string]: Dials };
/** Prices by provider id and model id; model `*` holds for the provider's other models. */
export type PriceTable = {
  readonly [provider: string]: { readonly [model: string]: UnitPriceText };
};

export type SimOptions = {
  readonly seed: number;
  readonly dials: DialTable;
  readonly prices: PriceTable;
};

/** All that changes while a simulator runs. */
export type State = {
  readonly options: SimOptions;
  readonly log: Log;
  readonly prefixes: PrefixCache;
  /** Requests that followed a simulated redirect, and whether they still carried credentials. */
  readonly redirects: { followed: number; withCredentials: number };
  readonly jobs: Jobs;
  readonly assets: Assets;
  /** Downloads of assets, and how many of them carried credentials. */
  readonly downloads: { served: number; withCredentials: number };
  readonly nextNumber: () => number;
  readonly idsOf: (number: number) => Ids;
  readonly roll: (number: number, what: string) => number;
  readonly dialsFor: (provider: string, header: string | null) => DialsFound;
  readonly dialTable: () => DialTable;
  readonly setDials: (provider: string, dials: Dials) => void;
  readonly resetDials: (provider?: string) => void;
  readonly priceOf: (provider: Provider, model: string) => Price;
  readonly priceTextOf: (provider: Provider, model: string) => PriceText;
  readonly unitPriceOf: (provider: Provider, model: string, task: string) => UnitPriceText;
  readonly overLimit: (provider: string, dials: Dials) => number | undefined;
  readonly reset: () => void;
};

export type DialsFound = { ok: true; dials: Dials } | { ok: false; why: string };

type Window = { count: number; refusedSince: number };

export function makeState(options: SimOptions): State {
  let number = 0;
  let table: DialTable = options.dials;
  let merged = new Map<string, Dials>();
  const windows = new Map<string, Window>();
  const prices = new Map<string, Price>();
  const log = makeLog();
  const prefixes = makePrefixCache();
  const redirects = { followed: 0, withCredentials: 0 };
  const jobs = makeJobs();
  const assets = makeAssets();
  const downloads = { served: 0, withCredentials: 0 };

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
  const priceTextOf = (provider: Provider, model: string): PriceText => {
    const own = options.prices[provider.id];
    const listed = provider.models.find((one) => one.id === model)?.price;
    return tokenPrice(own?.[model]) ?? listed ?? tokenPrice(own?.["*"]) ?? provider.price ?? FREE;
  };

  return {
    options,
    log,
    prefixes,
    redirects,
    jobs,
    assets,
    downloads,
    nextNumber() {
      number += 1;
      return number;
    },
    idsOf: (of) => idsFrom(hashOf(`${options.seed} ids ${of}`)),
    roll: (of, what) => randomFrom(hashOf(`${options.seed} ${what} ${of}`))(),
    dialsFor(provider, header) {
      if (header === null) return { ok: true, dials: standing(provider) };
      const parsed = parseHeader(header);
      return parsed.ok ? { ok: true, dials: mergeDials(standing(provider), parsed.dials) } : parsed;
    },
    dialTable: () => table,
    setDials: (provider, dials) =>
      setTable({ ...table, [provider]: mergeDials(table[provider] ?? {}, dials) }),
    resetDials(provider) {
      if (provider === undefined) setTable(options.dials);
      else setTable({ ...table, [provider]: options.dials[provider] ?? {} });
    },
    priceTextOf,
    priceOf(provider, model) {
      const key = `${provider.id} ${model}`;
      let price = prices.get(key);
      if (!price) {
        // Any model id is accepted, so ids from outside must not grow this without end.
        if (prices.size >= PARSED_DIALS_MAX) prices.clear();
        price = readPrice(priceTextOf(provider, model));
        prices.set(key, price);
      }
      return price;
    },
    unitPriceOf(provider, model, task) {
      const own = options.prices[provider.id]?.[model];
      if (own) return own;
      const ofTask = (provider.tasks ?? []).filter((one) => one.task === task);
      const listed = [...ofTask, ...provider.models].find((one) => one.id === model);
      return (listed ?? ofTask[0])?.price ?? provider.price ?? {};
    },
    overLimit: (provider, dials) => overLimit(windows, provider, dials),
    reset() {
      number = 0;
      setTable(options.dials);
      log.clear();
      prefixes.clear();
      redirects.followed = 0;
      redirects.withCredentials = 0;
      jobs.clear();
      assets.clear();
      downloads.served = 0;
      downloads.withCredentials = 0;
    },
  };
}

const FREE: PriceText = { input: "0", output: "0" };

/** A price that chat can be charged by. */
const tokenPrice = (price: UnitPriceText | undefined): PriceText | undefined =>
  price?.input !== undefined && price.output !== undefined
    ? { ...price, input: price.input, output: price.output }
    : undefined;

/** Seconds to wait when the provider's window is used up, or undefined when there is room. */
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

export const providerById = (id: string): Provider | undefined => BY_ID.get(id);
const BY_ID: ReadonlyMap<string, Provider> = new Map(providers.map((one) => [one.id, one]));
