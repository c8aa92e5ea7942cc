import type { Catalog } from "../catalog/catalog.js";
import type { Clock } from "../kernel/clock.js";
import type { IdMaker } from "../kernel/ids.js";
import type { Limits } from "../kernel/limits.js";
import type { Log } from "../kernel/log.js";
import type { LeaseBook } from "../ledger/lease-book.js";
import type { BillingEndpoint, Provider } from "../providers/provider.js";
import type { Breakers } from "../routing/breakers.js";
import type { Policy } from "../routing/policy.js";
import type { Statistics } from "../routing/statistics.js";
import type { ChatRequest } from "../tasks/chat-completion.js";
import type { Caller } from "../tenants/caller.js";
import type { Directory } from "../tenants/directory.js";
import type { Plan } from "../tenants/plan.js";
import { isRateBucket } from "../tenants/rates.js";
import type { HttpPool } from "./client/pool.js";
import type { LeaseKeeper } from "./money/lease-keeper.js";
import type { Spool } from "./money/spool.js";
import type { Admission } from "./rates/admission.js";
import type { RateLimiter } from "./rates/rate-limiter.js";
import type { Guard } from "./registry/guard.js";

/** A provider as this installation reaches it. */
export type ConfiguredProvider = {
  readonly provider: Provider;
  /** Replaces the provider's origin; no slash at the end. */
  readonly baseUrl: string;
  /** The operator's key, never to be logged or shown. */
  readonly key: string | undefined;
  readonly billing?: BillingEndpoint;
  /** Where its list of models is, where that is not where its dialect has it. */
  readonly modelsUrl?: string;
  /** Set for one that an organization registered: everything it names is judged before it is connected to. */
  readonly guard?: Guard;
  /** The organization that registered it. */
  readonly orgId?: string;
  /** Whether it serves that organization's members alone, as it does until it is live. */
  readonly isForItsOrg?: boolean;
};

/** Everything a request meets on its way. */
export type Gateway = {
  readonly node: string;
  readonly catalog: Catalog;
  readonly providers: ReadonlyMap<string, ConfiguredProvider>;
  /** Asked nothing new; what they were asked before is still theirs to answer. */
  readonly withdrawn: ReadonlyMap<string, ConfiguredProvider>;
  readonly plans: ReadonlyMap<string, Plan>;
  readonly directory: Directory;
  readonly book: LeaseBook;
  readonly keeper: LeaseKeeper;
  /** The same for requests and tokens a minute, and requests at once. */
  readonly rates: RateLimiter;
  readonly spool: Spool;
  readonly http: HttpPool;
  readonly breakers: Breakers;
  /** Whether streams that break off are gone on with where their callers do not say. */
  readonly allowsContinuation: boolean;
  readonly statistics: Statistics;
  /** For requests that name none. */
  readonly defaultPolicy: Policy;
  /** A number from 0 to below 1, another one each time. */
  readonly dice: () => number;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly newId: IdMaker;
  readonly log: Log;
};

/** Whoever keeps the leases of a bucket. */
export const keeperOf = ({ keeper, rates }: Gateway, bucketId: string): LeaseKeeper =>
  isRateBucket(bucketId) ? rates.keeper : keeper;

/** One chat request on its way. */
export type ChatCall = Call & { readonly request: ChatRequest };

/** One request on its way, whatever its task. */
export type Call = {
  readonly id: string;
  readonly caller: Caller;
  readonly request: Pick<ChatRequest, "model" | "suffix" | "controls" | "isStream">;
  /** The caller's own key for the pinned provider, from the header. */
  readonly headerKey: string | undefined;
  /** What the caller wants usage told apart by: `name=value`. */
  readonly tags: readonly string[];
  /** Made to find out whether a mapping works: it goes to one that is staged, failing or not live as well. */
  readonly isProbe?: boolean;
  /** Called before anything is sent: from then on the request is on record, whatever becomes of it. */
  readonly onStart?: () => void;
  /** Its signal aborts when the caller hangs up. Bun makes it when it is first looked at, so nobody looks without need. */
  readonly sender: { readonly signal: AbortSignal };
  /**
   * What it holds of its caller's rates; undefined for callers without any, and before it was admitted. There from the
   * start, because a member that comes later makes the engine lay the object out anew.
   */
  admission: Admission | undefined;
  /** When it came in, by `clock.now()` and by `clock.elapsed()`. */
  readonly at: number;
  readonly startedAt: number;
};
