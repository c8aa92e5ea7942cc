import { DAY_MS, HOUR_MS } from "./clock.js";
import { nanoUsd } from "./money.js";

/** Every bound of the system by name. Those an operator may change are `defaultLimits`; the rest are fixed. */
export const defaultLimits = {
  /** Largest request body in bytes. */
  bodyBytesMax: 16 * 1024 * 1024,
  /** Bodies of more than 64 KB that one process keeps in memory at a time, all together in bytes. */
  uploadBytesMax: 256 * 1024 * 1024,
  /** Largest plain provider answer in bytes. */
  answerBytesMax: 32 * 1024 * 1024,
  /** Largest picture, sound or film that is taken from a provider or a URL, in bytes. */
  mediaBytesMax: 64 * 1024 * 1024,
  /** Connecting to a provider. */
  connectMs: 5_000,
  /** From sending a request to the first byte of a streamed answer. */
  firstByteMs: 60_000,
  /** The same for a plain answer, which begins when it is complete. */
  plainAnswerMs: 300_000,
  /** Between two chunks of an answer. */
  chunkGapMs: 30_000,
  /** A stream that brings less text than this is given up; 0: however slow it is. */
  slowStreamBytesPerSecond: 0,
  /** One request, all attempts and the whole answer. */
  totalMs: 600_000,
  /** Providers tried for one request. */
  attemptsMax: 3,
  /** No further attempt begins after this long. */
  attemptsMs: 90_000,
  /** Of a hundred requests sent to a provider, so many may fail and be sent to another one… */
  retryPercent: 20,
  /** …and so many a second however few are sent… */
  retryFloorPerSecond: 10,
  /** …and so many are saved of these, for when it fails all at once. */
  retryBurst: 100,
  /** A short request that is not answered after so long is sent to a second provider too; 0: never. */
  hedgeAfterMs: 0,
  /** Short is one that asks for so many tokens at most, and any for embeddings. */
  hedgeTokensMax: 256,
  /** Output tokens held for when the caller names no `max_tokens`. */
  outputHorizonTokens: 4_096,
  /** A node that cannot reach the store spends its leases this long, and no longer. */
  leaseValidMs: 45_000,
  /** Compute time held for at first where a price charges it; an answer that takes longer is held for as it goes. */
  computeHorizonMs: 60_000,
} as const satisfies Record<string, number>;

export type Limits = { readonly [Name in keyof typeof defaultLimits]: number };

/** Of a caller's request. */
export const HEADERS_MAX = 200;
export const HEAD_BYTES_MAX = 64 * 1024;
/** Above this much of a body that nobody has read its caller is made to wait. */
export const UNREAD_BYTES_MAX = 1024 * 1024;

/** A body up to this size does not count as kept: nearly all are smaller. */
export const SMALL_BODY_BYTES = 64 * 1024;
/** A file of this size and more is passed on as it comes, where nobody needs to look into it. */
export const UPLOAD_STREAM_BYTES = 1024 * 1024;

/** No one request costs more than a million dollars: what says so is a fault, and must not overflow the ledger. */
export const COST_NANO_USD_MAX = nanoUsd(1_000_000_000_000_000n);
/** How long after an answer a provider may at the latest be asked first what it cost. */
export const BILLING_DELAY_SECONDS_MAX = 1_200;
/** A provider's own id of a request, in characters; what is longer is none. */
export const PROVIDER_REQUEST_ID_CHARS_MAX = 256;
/** Requests that a provider is asked for at once. */
export const BILLING_BATCH = 10_000;
/** A provider that has not told the cost of a request for so long after its end is not asked any more… */
export const GIVE_UP_MS = 30 * 60_000;
/** …but has been asked so often at least, however long nobody here was awake to ask. */
export const GIVE_UP_ASKS = 3;
/** Asking: connecting, all of it, and the longest answer. 10,000 entries are about one megabyte. */
export const BILLING_CONNECT_MS = 5_000;
export const BILLING_ANSWER_MS = 45_000;
export const BILLING_ANSWER_BYTES_MAX = 8 * 1024 * 1024;
/** Asking for a list of models: connecting, all of it, and the longest answer. */
export const LISTING_CONNECT_MS = 5_000;
export const LISTING_ANSWER_MS = 60_000;
export const LISTING_BYTES_MAX = 32 * 1024 * 1024;
/** Pages that are read of the Hub's list, and models in each. */
export const HUB_PAGES_MAX = 400;
export const HUB_PAGE_MODELS = 500;
/** Models that the Hub is asked about one by one, because its list of a provider's has them not. */
export const HUB_RENAMES_ASKED_MAX = 200;
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
/** The least compute time worth beginning with when a balance is short. */
export const SMALLEST_COMPUTE_MS = 1_000;
/** Assumed to compare prices where nothing was measured yet. */
export const TYPICAL_TOKENS_PER_SECOND = 40;
/** Held for a picture whose size nobody named, in pixels (2048²), and in steps. */
export const IMAGE_PIXELS_MOST = 2_048 * 2_048;
export const IMAGE_STEPS_MOST = 50;
/** Held for a picture that is drawn, where its tokens are charged: OpenAI's largest takes 6,208. */
export const DRAWN_TOKENS_MOST = 8_192;
/** Held for a second of sound, where its tokens are charged; the models in use take 10 to 32 for it. */
export const AUDIO_TOKENS_PER_SECOND_MOST = 50;
/** Held for a film whose length nobody named. */
export const ANIMATION_MS_MOST = 15_000;
/** Held for speech, by its text: the slowest speakers take about half of it. */
export const SPEECH_MS_PER_CHARACTER_MOST = 200;
/** Held for the text that a task writes where nobody named a limit. */
export const TASK_OUTPUT_TOKENS_MOST = 2_048;
/** Questions about one job, and how many in a row may fail before it is given up. */
export const JOB_ASKS_MAX = 2_000;
export const JOB_ASKS_FAILED_MAX = 5;
/** A job whose caller does not ask for it is asked for after this long, then ever less often, down to… */
export const JOB_LOOK_EVERY_MS = 60_000;
export const JOB_LOOK_EVERY_MS_MAX = 30 * 60_000;
/** …and is given up, free of charge, when it has not ended so long after it began. */
export const JOB_LOOK_DEADLINE_MS = DAY_MS;
/** Asking for one such job, all questions together; how many at once; and how many are read at a time. */
export const JOB_LOOK_MS = 20_000;
export const JOB_LOOKS_AT_ONCE = 8;
export const JOB_LOOKS_PAGE = 32;
/** Looking after a job that its caller has just cancelled: they wait for this. */
export const CANCEL_LOOK_MS = 3_000;
/** A provider's job is not asked about more often than this, nor less. */
export const JOB_ASK_MS_MIN = 100;
export const JOB_ASK_MS_MAX = 10_000;
/** Redirects followed from one URL. */
export const REDIRECTS_MAX = 3;
/** Assumed to compare prices by the second where nothing was measured yet. */
export const TYPICAL_TASK_MS = 10_000;
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
/** The same when the last one waited in vain. */
export const RECALL_REPEAT_MS = 1_000;
/** How long a node takes no more than it needs of a bucket after another one asked for it. */
export const SPARING_MS = 1_000;
/** How often a node renews its claim on its leases, or five times within `leaseValidMs`, whichever is sooner. */
export const HEARTBEAT_MS = 2_000;
/** A fenced node whose spool nobody brought for this long is closed, with all that was kept back for it. */
export const LOST_SPOOL_MS = 7 * DAY_MS;
/** How long after its last possible moment a request's hold is released by itself. */
export const HOLD_GRACE_MS = 60_000;
/** The largest rate limit: requests or tokens of text a minute, or requests at once. */
export const RATE_MAX = 1_000_000_000;
/** What a rate is counted over: whole minutes of UTC. */
export const RATE_WINDOW_MS = 60_000;
/** How long before the end of a minute its callers' leases of the next one are taken. */
export const RATE_AHEAD_MS = 5_000;
/** Counts of a minute are kept this long after it, for nodes whose clocks are late. */
export const RATE_KEPT_MS = 600_000;
/**
 * How long a refusal stands before other nodes are asked again. Requests of a minute do not come back; tokens and
 * places for requests do, as other requests end.
 */
export const REFUSED_REQUESTS_MS = 1_000;
export const REFUSED_OTHERS_MS = 100;
/** What somebody is told to wait who has too many requests under way. */
export const BUSY_RETRY_SECONDS = 1;
/** A lease nobody used for this long goes back. */
export const IDLE_LEASE_MS = 10_000;
/** How long whoever looks at their balance or usage waits for the store to hear of what ended just now. */
export const CATCH_UP_MS = 500;
/** One spool file; the next one starts after it. */
export const SPOOL_SEGMENT_BYTES = 16 * 1024 * 1024;
/** Settlements applied to the store in one transaction. */
export const DRAIN_BATCH = 8_000;
/** The longest that a drain for which nobody waits pauses between two batches. */
export const DRAIN_PAUSE_MS_MAX = 2_000;
/** Texts that many requests share, and what was made of them, remembered by whoever reads or drains them. */
export const SHARED_TEXTS_MAX = 50_000;
/** How long such a text may be. */
export const SHARED_TEXT_CHARS_MAX = 2_048;
/** How many of those that anybody may make up, like URLs. */
export const CALLERS_TEXTS_MAX = 5_000;
/** Name of a user, token and the like, in characters. */
export const NAME_CHARS_MAX = 96;
/** Seats of one organization. */
export const SEATS_MAX = 100_000;
/** How long an invitation can be accepted, and the longest that can be asked for. */
export const INVITATION_MS = 7 * DAY_MS;
export const INVITATION_MS_MAX = 90 * DAY_MS;
/** One event of the payment processor, in bytes; the largest are some ten kilobytes. */
export const WEBHOOK_BYTES_MAX = 256 * 1024;
/** Checkouts of one payer that are neither paid nor over. */
export const OPEN_CHECKOUTS_MAX = 20;
/** How long a checkout can be paid: Stripe allows 30 minutes to 24 hours. */
export const CHECKOUT_LIFE_MS = HOUR_MS;
/** One call to the payment processor. */
export const PROCESSOR_CALL_MS = 10_000;
/** A refund or dispute that belongs to no payment of ours is kept this long, in case its payment is told late. */
export const UNMATCHED_REVERSAL_MS = 30 * DAY_MS;
/** Breaker of a mapping: failures in a row that open it, or their share of the last twenty requests or so. */
export const BREAKER_FAILURES = 5;
export const BREAKER_FAILURE_SHARE = 0.5;
/**
 * Breaker of a provider: failures in a row, over several of its mappings, that open it. One to connect counts for
 * several, since it says that nobody is there.
 */
export const BREAKER_PROVIDER_FAILURES = 10;
export const BREAKER_CONNECT_WEIGHT = 4;
/** How long an open breaker lets rest the first time, and at most; it doubles from one to the other. */
export const BREAKER_REST_MS = 15_000;
export const BREAKER_REST_MS_MAX = 300_000;
/** The same after a 429 that names no time… */
export const BREAKER_LIMITED_REST_MS = 1_000;
/** …and where the operator's key or account is refused, which only a person can mend. */
export const BREAKER_ACCOUNT_REST_MS = 60_000;
/** A probe that was not heard of for so long makes way for the next. */
export const BREAKER_PROBE_MS = 30_000;
/** A slow stream is judged by what came in so long. */
export const SLOW_STREAM_WINDOW_MS = 10_000;
/** Retries that were earned are forgotten after about so long. */
export const RETRY_MEMORY_MS = 10_000;
/** Statistics of mappings: failures count half after so long, speed after so many times that. */
export const FAILURES_HALF_LIFE_MS = 60_000;
export const SPEED_FADES_SLOWER = 5;
/** What was measured longer ago is forgotten: by then a thousandth of it is left. */
export const STATISTICS_KEPT_MS = 10 * SPEED_FADES_SLOWER * FAILURES_HALF_LIFE_MS;
/** What is made of statistics stands so long where nothing is measured anew: it only fades meanwhile. */
export const EVIDENCE_FRESH_MS = 2_000;
/** A probe counts as this part of an answer. */
export const PROBE_WEIGHT = 0.25;
/** How often a process tells others what it measured, and hears what they did. Twice this is the age of the oldest news. */
export const SHARE_STATISTICS_EVERY_MS = 2_000;
/** Provider ids in one list of a request's `provider` object. */
export const CONTROLLED_PROVIDERS_MAX = 100;
/** No tokenizer is known to make one token of more bytes of a request than this, escapes and all… */
export const BYTES_PER_TOKEN_MOST = 32;
/** …and English prose in UTF-8 has about so many. */
export const BYTES_PER_TOKEN_TYPICAL = 4;
/** The share of requests that goes to a provider of which too little is known… */
export const EXPLORED_SHARE = 0.03;
/** …which is one with fewer answers than this, the older ones counting less, or with none for so long. */
export const FEW_ANSWERS = 3;
export const STALE_MS = 120_000;
/** The share that goes to whom nobody ever asked; one request is enough to be asked. */
export const NEW_EXPLORED_SHARE = 0.25;
/** Rows of statistics written by one statement. */
export const STATISTICS_BATCH = 500;
/** A provider's Retry-After is believed up to this long. */
export const RETRY_AFTER_MAX_MS = 300_000;
/** An answer that says its limit is now used up is believed up to this long: it may mean until all of it is free. */
export const USED_UP_MS_MAX = 60_000;
/** A receipt that is to be verified, in characters. */
export const RECEIPT_CHARS_MAX = 1_000_000;
/** Tags of one request, and the characters of a name and of a value. */
export const TAGS_MAX = 8;
export const TAG_NAME_CHARS_MAX = 32;
export const TAG_CHARS_MAX = 64;
/** Usage shown at once: its days, and its rows. */
export const USAGE_DAYS_MAX = 1_100;
export const USAGE_ROWS_MAX = 10_000;
/** Calls of a mapping that must have been made here before what they cost is told to anyone. */
export const HISTORY_CALLS_MIN = 20;
/** How long an idempotency key stays used, and its length in characters. */
export const IDEMPOTENCY_MS = DAY_MS;
export const IDEMPOTENCY_KEY_CHARS_MAX = 255;
/** Rows forgotten in one transaction, and the pause until the next: SQLite works on the thread that serves. */
export const FORGET_AT_ONCE = 200;
export const FORGET_PAUSE_MS = 20;
/** Processes that share a port on one machine. */
export const WORKERS_MAX = 64;
/** The longest that can be said in days: a hundred years. */
export const RETENTION_DAYS_MAX = 36_500;
/** A text field of a request that has no limit of its own, in characters. */
export const FIELD_CHARS_MAX = 1_000_000;
/** Parts of one multipart/form-data body. */
export const FORM_PARTS_MAX = 128;
/** Texts to embed in one request, and the longest vectors that can be asked for. */
export const EMBEDDING_INPUTS_MAX = 2_048;
export const EMBEDDING_DIMENSIONS_MAX = 65_536;
/** Documents to rank in one request. */
export const RERANK_DOCUMENTS_MAX = 1_000;
/** Images made in one request, and the longest side of one in pixels. */
export const IMAGES_MAX = 10;
export const IMAGE_SIDE_MAX = 8_192;
/** Text to be spoken in one request, in characters. */
export const SPEECH_CHARS_MAX = 100_000;
/** Models in one answer of the Hub's list, unless and at most; and those told of a task. */
export const HUB_LIST_DEFAULT = 100;
export const HUB_LIST_MAX = 500;
export const HUB_TASK_MODELS_MAX = 20;
/** The longest that a mapping goes without validation where it is validated at all: 30 days. */
export const VALIDATION_MINUTES_MAX = 43_200;
/** A URL that a registered provider names, in characters. */
export const REGISTERED_URL_CHARS_MAX = 2_048;
/** What a provider's answer may take: to the first token of a stream, and in all. Source: spec/providers.md 6.4. */
export const CONFORMANCE_FIRST_TOKEN_MS = 5_000;
export const CONFORMANCE_TOTAL_MS = 30_000;
/** Of one probe's answer, in bytes; and what a report shows of what was sent and received, in characters. */
export const PROBE_ANSWER_BYTES_MAX = 4 * 1024 * 1024;
export const REPORT_CHARS_MAX = 1_000;
/** How often a check asks again what it was too early to know, and how long it waits before. */
export const CHECK_AGAIN_MAX = 5;
export const CHECK_AGAIN_MS = 1_000;
/** One probe of a provider, from beginning to end: somewhat longer than a good answer may take. */
export const PROBE_MS = 35_000;
/** Ids that are compared with one that nobody knows, to say which was meant. */
export const SIMILAR_COMPARED_MAX = 5_000;
/** A provider's own name for a model, in characters. */
export const PROVIDER_MODEL_CHARS_MAX = 512;
/** A tag of a model's, in characters; how many a model may have, and how many a tag filter may want. */
export const MODEL_TAG_CHARS_MAX = 256;
export const MODEL_TAGS_MAX = 1_000;
export const FILTER_TAGS_MAX = 16;
/** Mappings of one provider in the store, and models whose tags are known. */
export const MAPPINGS_MAX = 20_000;
export const KNOWN_MODELS_MAX = 100_000;
/** Mappings that are validated at the same time, and findings on each that are kept. */
export const VALIDATIONS_AT_ONCE = 4;
export const VALIDATION_HISTORY_MAX = 20;
