import type { Mapping } from "../catalog/model.js";
import { BREAKER_FAILURES, BREAKER_OPEN_MS, RETRY_AFTER_MAX_MS } from "../kernel/limits.js";

type State = { failuresInARow: number; restsUntil: number };

/** Lets a mapping rest after failures. */
export class Breakers {
  private readonly states = new Map<string, State>();

  /** Until when it should be left alone, in ms UTC; 0 for a healthy one. */
  restsUntil(mapping: Mapping): number {
    return this.states.get(keyOf(mapping))?.restsUntil ?? 0;
  }

  succeeded(mapping: Mapping): void {
    const state = this.stateOf(mapping);
    state.failuresInARow = 0;
    state.restsUntil = 0;
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
      state = { failuresInARow: 0, restsUntil: 0 };
      this.states.set(key, state);
    }
    return state;
  }
}

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
