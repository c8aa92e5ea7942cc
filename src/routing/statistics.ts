/** Live statistics of every mapping: what this process measured, and what it heard that others did. */
import { mappingKey } from "../catalog/mapping-key.js";
import type { Mapping } from "../catalog/model.js";
import { EVIDENCE_FRESH_MS, PROBE_WEIGHT, STATISTICS_KEPT_MS } from "../kernel/limits.js";
import {
  ANSWERS,
  type Answer,
  ATTEMPTS,
  addAnswer,
  addFaded,
  addFailure,
  FAILURES,
  FIRST_BYTE_MS,
  fade,
  firstByteQuantile,
  noSums,
  RATE_LIMITED,
  STREAMS,
  SUMS_COUNT,
  type Sums,
  TOKENS,
  TOKENS_MS,
  TOTAL_MS,
} from "./decayed-sums.js";

/** What is known of a mapping, recent things counting most. Undefined where nothing was measured. */
export type Evidence = {
  /** Output tokens per second of the whole answer, the wait for its first byte included. */
  readonly throughput: number | undefined;
  /** Mean time to the first byte of streamed answers. */
  readonly firstByteMs: number | undefined;
  /** Mean time of whole answers. */
  readonly totalMs: number | undefined;
  /** The share of attempts that failed, from 0 to 1, and what of it was 429; few attempts count as if one more had succeeded. */
  readonly errorRate: number;
  readonly rateLimitedRate: number;
  /** Timed answers, the older ones counting less. */
  readonly answers: number;
  /** When it was last asked anything, in ms UTC; 0 for never. */
  readonly seenAt: number;
};

/** The same with what is only looked up for people. */
export type Details = Evidence & {
  readonly firstByteP50Ms: number | undefined;
  readonly firstByteP95Ms: number | undefined;
};

/** What a probe found: an answer, or that there was none. */
export type ProbeResult = ({ readonly ok: true } & Answer) | Failed;
type Failed = { readonly ok: false; readonly isRateLimited: boolean };

/** What a process measured of a mapping up to a moment, in ms UTC, for other processes to read. */
export type SharedSums = {
  readonly mapping: string;
  readonly at: number;
  readonly sums: ArrayLike<number>;
};

/** Something that is to be written, at the state it had. */
export type Changed = SharedSums & { readonly version: number };

type Entry = {
  /** Measured here, as of `at`. */
  readonly own: Sums;
  at: number;
  /** Measured by others, all together, as of `othersAt`. */
  others: Sums | undefined;
  othersAt: number;
  othersSeenAt: number;
  /** When it was last asked here to be explored. */
  askedAt: number;
  /** Counts up with every change of `own`. */
  version: number;
  writtenVersion: number;
  evidence: Evidence;
  /** Until when `evidence` is taken as it is. */
  freshUntil: number;
};

export class Statistics {
  private readonly entries = new Map<string, Entry>();

  /** An answer that came to its end. */
  served(mapping: Mapping, now: number, answer: Answer): void {
    addAnswer(this.ownOf(mapping, now), answer, 1);
  }

  /** An attempt for whose failure the provider is to blame. */
  failed(mapping: Mapping, now: number, isRateLimited: boolean): void {
    addFailure(this.ownOf(mapping, now), isRateLimited, 1);
  }

  /** A probe's short answer says less than a caller's, and so weighs less. */
  probed(mapping: Mapping, now: number, result: ProbeResult): void {
    const own = this.ownOf(mapping, now);
    if (result.ok) addAnswer(own, result, PROBE_WEIGHT);
    else addFailure(own, result.isRateLimited, PROBE_WEIGHT);
  }

  /** Somebody asks it now, to learn of it: nobody else need do so for that reason alone. */
  asked(mapping: Mapping, now: number): void {
    const entry = this.entryOf(mappingKey(mapping));
    entry.askedAt = now;
    entry.freshUntil = 0;
  }

  evidenceOf(mapping: Mapping, now: number): Evidence {
    const entry = this.entries.get(mappingKey(mapping));
    if (!entry) return NOTHING_KNOWN;
    if (now >= entry.freshUntil) {
      entry.evidence = evidenceIn(sumsOf(entry, now), seenAt(entry));
      entry.freshUntil = now + EVIDENCE_FRESH_MS;
    }
    return entry.evidence;
  }

  detailsOf(mapping: Mapping, now: number): Details {
    const entry = this.entries.get(mappingKey(mapping));
    const sums = entry ? sumsOf(entry, now) : noSums();
    return {
      ...evidenceIn(sums, entry ? seenAt(entry) : 0),
      firstByteP50Ms: firstByteQuantile(sums, 0.5),
      firstByteP95Ms: firstByteQuantile(sums, 0.95),
    };
  }

  /** What changed here since it was last `written`. */
  changed(): readonly Changed[] {
    const changed: Changed[] = [];
    for (const [mapping, { own, at, version, writtenVersion }] of this.entries) {
      if (version > writtenVersion) changed.push({ mapping, at, sums: own.slice(), version });
    }
    return changed;
  }

  /** Others can read it now. */
  written(changed: readonly Changed[]): void {
    for (const { mapping, version } of changed) {
      const entry = this.entries.get(mapping);
      if (entry) entry.writtenVersion = Math.max(entry.writtenVersion, version);
    }
  }

  /** Takes in all that others have measured, in the place of what was heard of them before. */
  hear(rows: readonly SharedSums[], now: number): void {
    for (const entry of this.entries.values()) {
      entry.others = undefined;
      entry.othersSeenAt = 0;
      entry.freshUntil = 0;
    }
    for (const { mapping, at, sums } of rows) {
      if (sums.length !== SUMS_COUNT) continue;
      const entry = this.entryOf(mapping);
      entry.others ??= noSums();
      entry.othersAt = now;
      entry.othersSeenAt = Math.max(entry.othersSeenAt, at);
      addFaded(entry.others, sums, now - at);
    }
    this.forget(now - STATISTICS_KEPT_MS);
  }

  private forget(before: number): void {
    for (const [key, entry] of this.entries) {
      if (!entry.others && seenAt(entry) < before) this.entries.delete(key);
    }
  }

  private ownOf(mapping: Mapping, now: number): Sums {
    const entry = this.entryOf(mappingKey(mapping));
    fade(entry.own, now - entry.at);
    entry.at = Math.max(entry.at, now);
    entry.version++;
    entry.freshUntil = 0;
    return entry.own;
  }

  private entryOf(key: string): Entry {
    let entry = this.entries.get(key);
    if (!entry) {
      entry = newEntry();
      this.entries.set(key, entry);
    }
    return entry;
  }
}

const newEntry = (): Entry => ({
  own: noSums(),
  at: 0,
  others: undefined,
  othersAt: 0,
  othersSeenAt: 0,
  askedAt: 0,
  version: 0,
  writtenVersion: 0,
  evidence: NOTHING_KNOWN,
  freshUntil: 0,
});

export const NOTHING_KNOWN: Evidence = {
  throughput: undefined,
  firstByteMs: undefined,
  totalMs: undefined,
  errorRate: 0,
  rateLimitedRate: 0,
  answers: 0,
  seenAt: 0,
};

const seenAt = ({ at, askedAt, othersSeenAt }: Entry): number =>
  Math.max(at, askedAt, othersSeenAt);

/** Where sums are put together to be looked at; nobody keeps them. */
const together = noSums();

/** All that is known of a mapping, as of `now`, until somebody asks for another's. */
function sumsOf({ own, at, others, othersAt }: Entry, now: number): Sums {
  together.fill(0);
  addFaded(together, own, now - at);
  if (others) addFaded(together, others, now - othersAt);
  return together;
}

function evidenceIn(sums: Sums, lastSeenAt: number): Evidence {
  const attempts = sums[ATTEMPTS] ?? 0;
  return {
    throughput: ratio(sums, TOKENS, TOKENS_MS, 1_000),
    firstByteMs: ratio(sums, FIRST_BYTE_MS, STREAMS),
    totalMs: ratio(sums, TOTAL_MS, ANSWERS),
    errorRate: (sums[FAILURES] ?? 0) / (attempts + 1),
    rateLimitedRate: (sums[RATE_LIMITED] ?? 0) / (attempts + 1),
    answers: sums[ANSWERS] ?? 0,
    seenAt: lastSeenAt,
  };
}

/** Sums that have all but faded away still have a mean, until they are too small to be told from nothing. */
function ratio(sums: Sums, part: number, whole: number, times = 1): number | undefined {
  const divisor = sums[whole] ?? 0;
  return divisor > Number.MIN_VALUE * 1e9 ? (times * (sums[part] ?? 0)) / divisor : undefined;
}
