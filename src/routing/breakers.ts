/** The breakers and retries of all providers: what an attempt says of its mapping, and what of its provider. */
import { mappingKey } from "../catalog/mapping-key.js";
import type { Mapping } from "../catalog/model.js";
import {
  BREAKER_ACCOUNT_REST_MS,
  BREAKER_CONNECT_WEIGHT,
  BREAKER_FAILURES,
  BREAKER_LIMITED_REST_MS,
  BREAKER_PROVIDER_FAILURES,
  BREAKER_REST_MS,
} from "../kernel/limits.js";
import { Breaker, type BreakerState } from "./breaker.js";
import { RetryBudget, type RetryRules } from "./retry-budget.js";

/** Why an attempt failed, as far as it matters here. */
export type Trouble =
  /** Nobody was there. */
  | "connection"
  /** The operator's key or account was refused. */
  | "account"
  /** Too many requests. */
  | "limited"
  | "other";

export type FailedAttempt = {
  readonly trouble: Trouble;
  readonly begunAt: number;
  readonly now: number;
  /** What the provider asked for itself, in ms. */
  readonly pauseMs?: number | undefined;
};

/** A mapping, or a whole provider where no model is named, that rests from now on, or after 0 ms no more. */
export type Rest = Pick<Mapping, "provider"> & {
  readonly modelId?: string;
  readonly restMs: number;
};

type OfProvider = {
  readonly breaker: Breaker;
  readonly retries: RetryBudget;
  /** The mapping that failed first since something went well. */
  failing: Breaker | undefined;
};

type OfMapping = { readonly breaker: Breaker; readonly provider: OfProvider };

/**
 * A pause that is asked for, and most failures, rest the mapping: providers limit by model, and models fail one by one.
 * What says that nobody is there, or that the account is refused, rests the provider, and so do failures in a row over
 * several of its mappings. `dice` rolls from 0 to 1.
 */
export class Breakers {
  private readonly rules: RetryRules;
  private readonly dice: () => number;
  private readonly tell: (rest: Rest) => void;
  private readonly mappings = new Map<string, OfMapping>();
  private readonly providers = new Map<string, OfProvider>();
  /** By the object itself: every request asks for the breakers of its mappings several times. */
  private readonly found = new WeakMap<Mapping, OfMapping>();

  constructor(rules: RetryRules, dice: () => number, tell: (rest: Rest) => void = () => {}) {
    this.rules = rules;
    this.dice = dice;
    this.tell = tell;
  }

  /** For how much longer a mapping had better be left alone; 0 where it may be asked. */
  restsForMs(mapping: Mapping, now: number): number {
    const { breaker, provider } = this.of(mapping);
    return Math.max(breaker.restsForMs(now), provider.breaker.restsForMs(now));
  }

  /** For people: the breakers' own words. */
  stateOf(mapping: Mapping, now: number): { mapping: BreakerState; provider: BreakerState } {
    const { breaker, provider } = this.of(mapping);
    return { mapping: breaker.stateAt(now), provider: provider.breaker.stateAt(now) };
  }

  /** An attempt begins. */
  begin(mapping: Mapping, now: number): void {
    const { breaker, provider } = this.of(mapping);
    breaker.begin(now);
    provider.breaker.begin(now);
    provider.retries.earn();
  }

  /** An attempt ended in a way that says nothing of the provider. */
  unjudged(mapping: Mapping): void {
    const { breaker, provider } = this.of(mapping);
    breaker.unjudged();
    provider.breaker.unjudged();
  }

  /** A stream has begun, and may still break off. */
  answered(mapping: Mapping, begunAt: number): void {
    const { breaker, provider } = this.of(mapping);
    breaker.answered(begunAt);
    provider.breaker.answered(begunAt);
    provider.failing = undefined;
  }

  succeeded(mapping: Mapping, begunAt: number): void {
    const { breaker, provider } = this.of(mapping);
    breaker.succeeded(begunAt);
    provider.breaker.succeeded(begunAt);
    provider.failing = undefined;
  }

  failed(mapping: Mapping, failed: FailedAttempt): void {
    const of = this.of(mapping);
    const { now, pauseMs, trouble } = failed;
    if (trouble === "account") of.provider.breaker.failed(this.accountFailed(failed));
    else this.countForProvider(of, failed);
    if (pauseMs !== undefined) of.breaker.pause(now, pauseMs);
    else if (trouble === "limited" || trouble === "other")
      of.breaker.failed(this.mappingFailed(failed));
    else of.breaker.unjudged();
  }

  /** The provider says that a limit of this mapping is used up, before it refused anything. */
  usedUp(mapping: Mapping, now: number, ms: number): void {
    this.of(mapping).breaker.pause(now, ms);
  }

  /** Whether what failed at a provider may be tried at another one; takes it from what the provider has left. */
  mayRetry(mapping: Mapping, now: number): boolean {
    const { breaker, provider } = this.of(mapping);
    const may = provider.retries.spend(now);
    // Others answer for it already as often as is good; better to ask them first.
    if (provider.retries.isLow(now) && breaker.stateAt(now) === "closed") {
      breaker.open(now, BREAKER_REST_MS, this.dice());
    }
    return may;
  }

  private accountFailed({ begunAt, now }: FailedAttempt) {
    const restMs = BREAKER_ACCOUNT_REST_MS;
    return { begunAt, now, weight: 1, opensAt: 1, restMs, dice: this.dice() };
  }

  private mappingFailed({ begunAt, now, trouble }: FailedAttempt) {
    const isLimited = trouble === "limited";
    return {
      begunAt,
      now,
      weight: 1,
      opensAt: isLimited ? 1 : BREAKER_FAILURES,
      restMs: isLimited ? BREAKER_LIMITED_REST_MS : BREAKER_REST_MS,
      dice: this.dice(),
    };
  }

  /** One model that fails, however often, says nothing of the provider's others. */
  private countForProvider(
    { breaker, provider }: OfMapping,
    { trouble, begunAt, now }: FailedAttempt,
  ): void {
    const isConnection = trouble === "connection";
    provider.failing ??= breaker;
    const isOneOfMany = provider.failing === breaker && provider.breaker.stateAt(now) === "closed";
    if (!isConnection && isOneOfMany) return;
    provider.breaker.failed({
      begunAt,
      now,
      weight: isConnection ? BREAKER_CONNECT_WEIGHT : 1,
      opensAt: BREAKER_PROVIDER_FAILURES,
      restMs: BREAKER_REST_MS,
      dice: this.dice(),
    });
  }

  private of(mapping: Mapping): OfMapping {
    return this.found.get(mapping) ?? this.find(mapping);
  }

  /** A catalog that was read anew has new objects for what it had before. */
  private find(mapping: Mapping): OfMapping {
    const key = mappingKey(mapping);
    let of = this.mappings.get(key);
    if (!of) {
      const { provider, modelId } = mapping;
      const breaker = new Breaker((restMs) => this.tell({ provider, modelId, restMs }));
      of = { breaker, provider: this.ofProvider(provider) };
      this.mappings.set(key, of);
    }
    this.found.set(mapping, of);
    return of;
  }

  private ofProvider(id: string): OfProvider {
    let of = this.providers.get(id);
    if (!of) {
      const breaker = new Breaker((restMs) => this.tell({ provider: id, restMs }));
      of = { breaker, retries: new RetryBudget(this.rules), failing: undefined };
      this.providers.set(id, of);
    }
    return of;
  }
}
