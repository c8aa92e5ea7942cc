/** Every bound of the simulator, by name. */
export const LOG_ENTRIES_MAX = 200_000;
export const OUTPUT_TOKENS_MAX = 200_000;
export const CHOICES_MAX = 8;
/** Characters of prose whose token count is remembered, and how many of those texts. */
export const COUNTED_TEXTS_MAX = 20_000;
export const COUNTED_TEXT_CHARS_MAX = 4_096;
export const CACHED_PREFIXES_MAX = 50_000;
export const PARSED_DIALS_MAX = 1_000;
export const STALL_MS_MAX = 600_000;
export const ENDLESS_BYTES_MAX = 1 << 30;
/** An unpaced stream goes out in blocks of this many events, so that a hang-up still stops it. */
export const BLOCK_EVENTS = 256;
export const SCHEMA_DEPTH_MAX = 8;
/** Jobs and files that are remembered; the oldest go first. */
export const JOBS_MAX = 20_000;
export const ASSETS_MAX = 5_000;
export const ASSETS_BYTES_MAX = 256 << 20;
/** Encoded media kept for the next request for the same. */
export const MADE_MEDIA_MAX = 256;
export const MADE_MEDIA_BYTES_MAX = 64 << 20;
/** How large a dial may make them. */
export const MEDIA_BYTES_MAX = 128 << 20;
export const MEDIA_SECONDS_MAX = 600;
export const BODY_BYTES_MAX = 64 << 20;
export const EMBEDDED_TEXTS_MAX = 2_048;
export const EMBEDDING_LENGTH_MAX = 8_192;
export const RERANKED_TEXTS_MAX = 10_000;
