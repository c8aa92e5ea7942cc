/** Every bound of the system by name. Those an operator may change are `defaultLimits`; the rest are fixed. */
export const defaultLimits = {
  /** Largest request body in bytes. */
  bodyBytesMax: 16 * 1024 * 1024,
  /** Largest plain provider answer in bytes. */
  answerBytesMax: 32 * 1024 * 1024,
  /** Connecting to a provider. */
  connectMs: 5_000,
  /** From sending a request to the first byte of a streamed answer. */
  firstByteMs: 60_000,
  /** The same for a plain answer, which begins when it is complete. */
  plainAnswerMs: 300_000,
  /** Between two chunks of an answer. */
  chunkGapMs: 30_000,
  /** One request, all attempts and the whole answer. */
  totalMs: 600_000,
  /** Providers tried for one request. */
  attemptsMax: 3,
  /** No further attempt begins after this long. */
  attemptsMs: 90_000,
  /** Output tokens held for when the caller names no `max_tokens`. */
  outputHorizonTokens: 4_096,
  /** A node that cannot reach the store spends its leases this long, and no longer. */
  leaseValidMs: 45_000,
} as const satisfies Record<string, number>;

export type Limits = { readonly [Name in keyof typeof defaultLimits]: number };

/** Nesting of JSON in a request body. */
export const JSON_DEPTH_MAX = 128;
/** The largest `max_tokens` (and the like) that is taken seriously. */
export const MAX_TOKENS_MAX = 10_000_000;
/** Choices (`n`) in one request. */
export const CHOICES_MAX = 128;
/** Messages in one conversation. */
export const MESSAGES_MAX = 10_000;
/** Assumed to compare and estimate where the caller names no limit: a longish answer. */
export const TYPICAL_OUTPUT_TOKENS = 500;
/** The least output worth serving when a balance is short. */
export const SMALLEST_ANSWER_TOKENS = 16;
/** One server-sent event from a provider, in bytes. */
export const EVENT_BYTES_MAX = 4 * 1024 * 1024;
/** Held for one image in a message: the most a current model counts for one (4096² at 28² pixels a patch). */
export const IMAGE_TOKENS_MAX = 21_400;
/** Longest provider key, in characters. */
export const PROVIDER_KEY_CHARS_MAX = 4_096;
/**
 * How long a caller waits for other nodes to give back what they do not use. One that lives does so within a
 * second; one that was killed has been started anew, most often, within a few.
 */
export const RECALL_WAIT_MS = 5_000;
/** How long a node takes no more than it needs of a bucket after another one asked for it. */
export const SPARING_MS = 1_000;
/** How often a node renews its claim on its leases, or five times within `leaseValidMs`, whichever is sooner. */
export const HEARTBEAT_MS = 2_000;
/** A fenced node whose spool nobody brought for this long is closed, with all that was kept back for it. */
export const LOST_SPOOL_MS = 7 * 86_400_000;
/** A lease nobody used for this long goes back. */
export const IDLE_LEASE_MS = 10_000;
/** One spool file; the next one starts after it. */
export const SPOOL_SEGMENT_BYTES = 16 * 1024 * 1024;
/** Settlements applied to the store in one transaction. */
export const DRAIN_BATCH = 500;
/** Name of a user, token and the like, in characters. */
export const NAME_CHARS_MAX = 96;
/** Breaker: consecutive failures that open it, and how long it stays open. */
export const BREAKER_FAILURES = 5;
export const BREAKER_OPEN_MS = 15_000;
/** A provider's Retry-After is believed up to this long. */
export const RETRY_AFTER_MAX_MS = 300_000;
