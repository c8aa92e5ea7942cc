import { LOG_ENTRIES_MAX } from "./limits.js";
import type { Units } from "./units.js";

export type Outcome = "complete" | "aborted" | "failed" | "cut";

/** What the provider knows about one request when it is over: its own truth, to hold bills against. */
export type LogEntry = {
  readonly id: number;
  readonly provider: string;
  /** By the name the Hub uses; chat is `conversational`. */
  readonly task: string;
  readonly model: string;
  readonly providerRequestId: string;
  readonly clientRequestId: string | null;
  /** Milliseconds UTC, when the request ended. */
  readonly at: number;
  readonly stream: boolean;
  readonly status: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokensGenerated: number;
  readonly completionTokensDelivered: number;
  readonly reasoningTokens: number;
  /** What a task other than chat delivered. */
  readonly units: Units;
  readonly costNanoUsd: string;
  readonly outcome: Outcome;
  readonly keyHash: string | null;
};

export type Log = {
  readonly add: (entry: Omit<LogEntry, "id">) => void;
  readonly all: () => LogEntry[];
  readonly byRequestId: (provider: string, requestId: string) => LogEntry | undefined;
  readonly clear: () => void;
};

/** Keeps the newest `max` entries. */
export function makeLog(max: number = LOG_ENTRIES_MAX): Log {
  let ring: LogEntry[] = [];
  let byId = new Map<string, LogEntry>();
  let next = 1;
  const keyOf = (entry: LogEntry) => `${entry.provider} ${entry.providerRequestId}`;
  return {
    add(facts) {
      const entry = { id: next, ...facts };
      const slot = (next - 1) % max;
      const old = ring[slot];
      if (old) byId.delete(keyOf(old));
      ring[slot] = entry;
      byId.set(keyOf(entry), entry);
      next += 1;
    },
    all() {
      const oldest = next > max ? (next - 1) % max : 0;
      return [...ring.slice(oldest), ...ring.slice(0, oldest)];
    },
    byRequestId: (provider, requestId) => byId.get(`${provider} ${requestId}`),
    clear() {
      ring = [];
      byId = new Map();
      next = 1;
    },
  };
}
