import { makePrefixCache, type PrefixCache } from "./chat/prompt.js";
import { type Dialing, type DialTable, makeDialing } from "./dialing.js";
import { type Ids, idsFrom } from "./ids.js";
import { type Log, makeLog } from "./log.js";
import { makePricing, type PriceTable, type Pricing } from "./pricing.js";
import { hashOf, randomFrom } from "./random.js";
import { type Assets, makeAssets } from "./task/assets.js";
import { type Jobs, makeJobs } from "./task/job.js";

export type SimOptions = {
  readonly seed: number;
  readonly dials: DialTable;
  readonly prices: PriceTable;
};

/** All that changes while a simulator runs. */
export type State = Dialing &
  Pricing & {
    readonly options: SimOptions;
    readonly log: Log;
    readonly prefixes: PrefixCache;
    /** Requests that followed a simulated redirect, and whether they still carried credentials. */
    readonly redirects: { followed: number; withCredentials: number };
    readonly jobs: Jobs;
    readonly assets: Assets;
    /** Downloads of assets, and how many of them carried credentials. */
    readonly downloads: { served: number; withCredentials: number };
    /** From 1 on, one for each request. */
    readonly nextNumber: () => number;
    /** The same for the same seed and number, as are rolls. */
    readonly idsOf: (number: number) => Ids;
    /** From 0 to below 1. */
    readonly roll: (number: number, what: string) => number;
    readonly reset: () => void;
  };

export function makeState(options: SimOptions): State {
  let number = 0;
  const dialing = makeDialing(options.dials);
  const log = makeLog();
  const prefixes = makePrefixCache();
  const redirects = { followed: 0, withCredentials: 0 };
  const jobs = makeJobs();
  const assets = makeAssets();
  const downloads = { served: 0, withCredentials: 0 };
  return {
    ...{ options, log, prefixes, redirects, jobs, assets, downloads },
    ...dialing,
    ...makePricing(options.prices),
    nextNumber() {
      number += 1;
      return number;
    },
    idsOf: (of) => idsFrom(hashOf(`${options.seed} ids ${of}`)),
    roll: (of, what) => randomFrom(hashOf(`${options.seed} ${what} ${of}`))(),
    reset() {
      number = 0;
      dialing.resetDials();
      for (const kept of [log, prefixes, jobs, assets]) kept.clear();
      Object.assign(redirects, { followed: 0, withCredentials: 0 });
      Object.assign(downloads, { served: 0, withCredentials: 0 });
    },
  };
}
