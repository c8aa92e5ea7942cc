/** What validation finds out about mappings, how long it holds, and what is kept of it. */
import type { MappingId } from "./mapping-key.js";
import type { Mapping } from "./model.js";

/** One check of a mapping, as far as people are told. */
export type CheckResult = {
  readonly name: string;
  readonly verdict: "passed" | "failed" | "skipped" | "unsupported";
  readonly why: string | null;
};

/** `unknown`: nothing could be found out this time, for no fault of the mapping's. */
export type Verdict = "passed" | "failed" | "unknown";

export type Finding = {
  readonly verdict: Verdict;
  readonly firstTokenMs: number | undefined;
  /** Tokens a second. */
  readonly throughput: number | undefined;
  /** Undefined where it is not known. */
  readonly tools: boolean | undefined;
  readonly structuredOutput: boolean | undefined;
  readonly checks: readonly CheckResult[];
};

export type Validation = MappingId &
  Finding & {
    /** What was validated, see `subjectOf`: what was found holds for nothing else. */
    readonly subject: string;
    /** Milliseconds UTC. */
    readonly checkedAt: number;
    readonly nextAt: number;
  };

/** A finding of the past. */
export type PastFinding = Pick<Finding, "verdict" | "firstTokenMs" | "throughput"> & {
  readonly at: number;
  /** The check that failed, or why nothing was found; empty for neither. */
  readonly why: string;
};

/** What validations ask of storage. */
export type ValidationStore = {
  readonly loadAll: () => Promise<readonly Validation[]>;
  readonly load: (key: MappingId) => Promise<Validation | undefined>;
  /** Keeps it in the place of the last one, adds it to the history, and tells all processes. */
  readonly note: (validation: Validation) => Promise<void>;
  /** Newest first; no more than are kept. */
  readonly history: (key: MappingId) => Promise<readonly PastFinding[]>;
};

/** When its status or its model changes, what was found is about another mapping. `stated` is as it was written. */
export const subjectOf = (stated: Mapping): string => `${stated.status} ${stated.providerModel}`;

/** What nobody has looked at as it is now is due at once. */
export const isDue = (
  stated: Mapping,
  known: Pick<Validation, "subject" | "nextAt"> | undefined,
  now: number,
): boolean => known === undefined || known.subject !== subjectOf(stated) || known.nextAt <= now;

/** Of an interval, at either end: what began together does not stay together. */
const JITTER = 0.1;

/** `roll` is from 0 up to 1. */
export function nextLookAt(
  verdict: Verdict,
  { everyMs, failingEveryMs }: { readonly everyMs: number; readonly failingEveryMs: number },
  now: number,
  roll: number,
): number {
  const interval = verdict === "passed" ? everyMs : failingEveryMs;
  return now + Math.round(interval * (1 - JITTER + 2 * JITTER * roll));
}

/**
 * What goes on record: where nothing could be found out, what was known of the same mapping still holds, and only its
 * next look is another one.
 */
export function recorded(found: Finding, known: Validation | undefined, subject: string): Finding {
  if (found.verdict !== "unknown" || known?.subject !== subject) return found;
  return { ...known, checks: found.checks };
}

/** A mapping with what was found out about it. What the operator's file says of it is not overridden. */
export function withValidation(
  stated: Mapping,
  known: Validation | undefined,
  isFromFile: boolean,
): Mapping {
  if (known?.subject !== subjectOf(stated)) return stated;
  const { verdict, tools, structuredOutput } = known;
  const status = stated.status === "live" && verdict === "failed" ? "error" : stated.status;
  const said = isFromFile ? stated : undefined;
  const supportsTools = said?.supportsTools ?? tools ?? stated.supportsTools;
  const supportsForm =
    said?.supportsStructuredOutput ?? structuredOutput ?? stated.supportsStructuredOutput;
  return {
    ...stated,
    status,
    ...(supportsTools !== undefined && { supportsTools }),
    ...(supportsForm !== undefined && { supportsStructuredOutput: supportsForm }),
  };
}
