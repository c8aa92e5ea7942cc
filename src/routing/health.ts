import type { Mapping } from "../catalog/model.js";
import { BREAKER_FAILURES, BREAKER_OPEN_MS, RETRY_AFTER_MAX_MS } from "../kernel/limits.js";
import type { Evidence } from "./policy.js";

/** Weight of the newest measurement in the running mean. */
const NEWEST = 0.2;

type State = {
  failuresInARow: number;
  restsUntil: number;
  throughput: number | undefined;
  firstByteMs: number | undefined;
};

/** Live evidence per mapping: a running mean of its speed, and a breaker that lets it rest after failures. */
export class Health {
  private readonly states = new Map<string, State>();

  evidenceOf(mapping: Mapping): Evidence {
    return this.states.get(keyOf(mapping)) ?? NOTHING_KNOWN;
  }

  firstByteMs(mapping: Mapping): number | undefined {
    return this.states.get(keyOf(mapping))?.firstByteMs;
  }

  succeeded(mapping: Mapping): void {
    const state = this.stateOf(mapping);
    state.failuresInARow = 0;
    state.restsUntil = 0;
  }

  /** `tokens` of output came in `ms`, the first byte after `firstByteMs`. */
  measured(mapping: Mapping, tokens: number, ms: number, firstByteMs: number): void {
    const state = this.stateOf(mapping);
    if (tokens > 0 && ms > 0) state.throughput = mean(state.throughput, (tokens * 1000) / ms);
    state.firstByteMs = mean(state.firstByteMs, firstByteMs);
  }

  /** `retryAfterMs` is what the provider itself asked for. */
  failed(mapping: Mapping, now: number, retryAfterMs?: number): void {
    const state = this.stateOf(mapping);
    state.failuresInARow++;
    if (retryAfterMs !== undefined) {
      state.restsUntil = now + Math.min(retryAfterMs, RETRY_AFTER_MAX_MS);
    } else if (state.failuresInARow >= BREAKER_FAILURES) {
      state.restsUntil = now + BREAKER_OPEN_MS;
    }
  }

  private stateOf(mapping: Mapping): State {
    const key = keyOf(mapping);
    let state = this.states.get(key);
    if (!state) {
      state = { failuresInARow: 0, restsUntil: 0, throughput: undefined, firstByteMs: undefined };
      this.states.set(key, state);
    }
    return state;
  }
}

const NOTHING_KNOWN: Evidence = { throughput: undefined, restsUntil: 0 };

/** Made once a mapping: every request asks for the state of its mappings several times. */
const keys = new WeakMap<Mapping, string>();

function keyOf(mapping: Mapping): string {
  let key = keys.get(mapping);
  if (key === undefined) {
    key = `${mapping.provider} ${mapping.modelId}`;
    keys.set(mapping, key);
  }
  return key;
}

const mean = (before: number | undefined, now: number): number =>
  before === undefined ? now : before + NEWEST * (now - before);
