import type { Mapping } from "../catalog/model.js";
import type { Evidence } from "./policy.js";

/** Weight of the newest measurement in the running mean. */
const NEWEST = 0.2;

type State = {
  throughput: number | undefined;
  firstByteMs: number | undefined;
};

/** Live evidence per mapping: a running mean of its speed. */
export class Health {
  private readonly states = new Map<string, State>();

  evidenceOf(mapping: Mapping): Evidence {
    return this.states.get(keyOf(mapping)) ?? NOTHING_KNOWN;
  }

  firstByteMs(mapping: Mapping): number | undefined {
    return this.states.get(keyOf(mapping))?.firstByteMs;
  }

  /** `tokens` of output came in `ms`, the first byte after `firstByteMs`. */
  measured(mapping: Mapping, tokens: number, ms: number, firstByteMs: number): void {
    const state = this.stateOf(mapping);
    if (tokens > 0 && ms > 0) state.throughput = mean(state.throughput, (tokens * 1000) / ms);
    state.firstByteMs = mean(state.firstByteMs, firstByteMs);
  }

  private stateOf(mapping: Mapping): State {
    const key = keyOf(mapping);
    let state = this.states.get(key);
    if (!state) {
      state = { throughput: undefined, firstByteMs: undefined };
      this.states.set(key, state);
    }
    return state;
  }
}

const NOTHING_KNOWN: Evidence = { throughput: undefined };

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
