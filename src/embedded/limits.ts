/** The bounds of the embedded provider; `startEmbedded` takes others for the first group. */
export const embeddedLimits = {
  /** Largest body. */
  bodyBytesMax: 16 * 1024 * 1024,
  /** Requests that wait for one engine, and the bytes of their bodies. */
  waitingMax: 32,
  waitingBytesMax: 64 * 1024 * 1024,
  /** Resident memory of one engine's process; above it the process is replaced between two requests. */
  engineBytesMax: 2 * 1024 * 1024 * 1024,
  /** An engine that nobody asked for so long ends. */
  idleMs: 5 * 60_000,
  /** From starting a process until it listens. */
  startMs: 30_000,
  /** One request of an engine; a process that takes longer is ended. */
  answerMs: 300_000,
  /** The pause before a process that crashed is started again: doubled with every crash in a row, up to the most. */
  restartMs: 200,
  restartMsMax: 30_000,
} as const satisfies Record<string, number>;

export type EmbeddedLimits = { readonly [Name in keyof typeof embeddedLimits]: number };

/** Models that one engine keeps in memory. */
export const MODELS_IN_MEMORY_MAX = 4;
/** Texts of one request, and tokens of a text. */
export const TEXTS_MAX = 256;
export const SENTENCE_TOKENS_MAX = 512;
export const TEXT_CHARS_MAX = 100_000;
/** Labels of a zero-shot classification, and the characters of one. */
export const LABELS_MAX = 100;
export const LABEL_CHARS_MAX = 200;
/** Characters that are spoken at once: some five minutes. */
export const SPOKEN_CHARS_MAX = 5_000;
/** Pixels of a picture that is looked at, and of one that is enlarged. */
export const PIXELS_MAX = 50_000_000;
export const ENLARGED_PIXELS_MAX = 1_000_000;
/** Output tokens where the caller names no limit, and the context of a model that allows more. */
export const OUTPUT_TOKENS_DEFAULT = 256;
export const CONTEXT_TOKENS_MAX = 4_096;
/** A download from the hub: without a byte for so long it is given up. */
export const DOWNLOAD_GAP_MS = 60_000;
