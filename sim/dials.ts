import { isObject, isString } from "./json.js";

/** What can be made to go differently. All are off by default. */
export type Dials = {
  /** Wait before anything is answered. */
  readonly latency_ms?: number;
  /** Further wait before the first token (streams: before the first event). */
  readonly first_token_ms?: number;
  /** Generation speed; a plain answer waits for all its tokens. Absent: as fast as it goes. */
  readonly tokens_per_second?: number;
  readonly tokens_per_event?: number;
  /** Tokens of completion where the answer is free text. `[[tokens=N]]` in the user's message wins. */
  readonly output_tokens?: number;
  readonly ignore_max_tokens?: boolean;
  /** Prose with multi-byte words. */
  readonly unicode?: boolean;
  /** Report repeated prompt prefixes as cached. */
  readonly cache?: boolean;
  /** Only these model ids exist. */
  readonly models?: readonly string[];
  /** Which forms of response_format are taken, instead of the provider's own list. */
  readonly response_formats?: readonly string[];
  readonly auth?: "required" | "invalid" | "off";
  /** Share of requests refused with `fail_status` (default 500). */
  readonly fail_rate?: number;
  readonly fail_status?: number;
  /** `after` requests pass, then 429 for `retry_after` seconds, then again. */
  readonly rate_limit?: { readonly after: number; readonly retry_after: number };
  /** Share of requests refused with 429. */
  readonly rate_limit_rate?: number;
  /** The socket is destroyed after so many events (plain answers: halfway through the body). */
  readonly cut_after_events?: number;
  /** Nothing more is sent after so many events, and the connection stays open. */
  readonly stall_after_events?: number;
  /** A broken event comes after so many (plain answers: the JSON stops halfway). */
  readonly malformed_after_events?: number;
  /** Events go out in pieces cut at awkward bytes. */
  readonly split?: boolean;
  /** When a stream reports usage: the provider's own way, in every last chunk, if asked, or never. */
  readonly stream_usage?: "provider" | "always" | "asked" | "never";
  /** No usage at all, plain or streamed. */
  readonly missing_usage?: boolean;
  readonly missing_done?: boolean;
  /** Status 200 with an error for a body; in a stream an error event after `error_after_events`. */
  readonly error_in_200?: boolean;
  readonly error_after_events?: number;
  readonly answer?: "html" | "redirect" | "endless" | "wrong_length" | "empty";
  /** Media are made at least so large, in bytes. */
  readonly media_bytes?: number;
  /** What is wrong with media in answers and files: cut short, not media at all, or nothing. */
  readonly media?: "truncated" | "garbage" | "empty";
  /** How images are encoded, whatever was asked for. */
  readonly image_format?: "png" | "jpeg" | "webp";
  /** Length of sounds and films where the request does not say it. */
  readonly media_seconds?: number;
  /** How long a job takes; absent: it is over before its first poll. */
  readonly job_ms?: number;
  /** So many polls of a job see it queued or running, however long it takes. */
  readonly job_polls?: number;
  /** Share of the jobs that fail. */
  readonly job_fail_rate?: number;
  /** What the provider says of a failed job. */
  readonly job_fail_message?: string;
  /** Jobs never end. */
  readonly job_stall?: boolean;
  /** After the first answer that tells the end, the other end is told. */
  readonly job_end_twice?: boolean;
  /** Polls are answered with this status: the first `job_error_polls` of them, or all. */
  readonly job_error_status?: number;
  readonly job_error_polls?: number;
  /** Polls find no such job. */
  readonly job_lost?: boolean;
  /** Polls tell a state that the provider's documentation does not have. */
  readonly job_state?: string;
  /** Jobs succeed without a result. */
  readonly result_missing?: boolean;
  /** How long a caller's wish to wait for a job is granted (60 s), after which the answer is "not yet". */
  readonly wait_ms_max?: number;
  /** Where all links to files point instead, e.g. an address inside the operator's network. */
  readonly asset_url?: string;
  readonly asset_status?: number;
  readonly asset_latency_ms?: number;
  /**
   * What else is wrong with files: `too_large` (zeros without end behind them), `redirect` (to another path here),
   * `redirect_inside` (to a cloud's metadata address), `redirect_endless` (to itself), `truncated`, `cut` (the
   * socket is destroyed halfway), `stall` (nothing more comes), `empty`, `html`, `untyped` (no useful content type).
   */
  readonly asset?: (typeof ASSET_FAULTS)[number];
  /** The billing callback knows of a request only so long after it ended. */
  readonly billing_delay_ms?: number;
  /** The billing callback takes so long to answer. */
  readonly billing_latency_ms?: number;
  /** Share of the questions that the billing callback answers with 500. */
  readonly billing_fail_rate?: number;
  /** Share of the requests that an answer of the billing callback leaves out. */
  readonly billing_omit_rate?: number;
  /** It tells so many times what was owed; the product need not be whole. */
  readonly billing_factor?: number;
  /**
   * What else is wrong with it: `garbage` (no JSON), `shape` (JSON, of another shape), `null`, `text` (costs as
   * strings), `negative`, `twice` (each request with two different costs), `unsteady` (another cost whenever it is
   * asked), `strangers` (and requests that nobody asked for), `endless` (a body without end).
   */
  readonly billing?: (typeof BILLING_FAULTS)[number];
};

const BILLING_FAULTS = [
  "garbage",
  "shape",
  "null",
  "text",
  "negative",
  "twice",
  "unsteady",
  "strangers",
  "endless",
] as const;

const ASSET_FAULTS = [
  "too_large",
  "redirect",
  "redirect_inside",
  "redirect_endless",
  "truncated",
  "cut",
  "stall",
  "empty",
  "html",
  "untyped",
] as const;

type Check = { readonly expected: string; readonly holds: (value: unknown) => boolean };

const isNumber = (value: unknown): value is number => Number.isFinite(value);
const whole: Check = {
  expected: "a whole number, 0 or more",
  holds: (value) => Number.isInteger(value) && Number(value) >= 0,
};
const positive: Check = {
  expected: "a number above 0",
  holds: (value) => isNumber(value) && value > 0,
};
const share: Check = {
  expected: "a number from 0 to 1",
  holds: (value) => isNumber(value) && value >= 0 && value <= 1,
};
const flag: Check = {
  expected: "true or false",
  holds: (value) => typeof value === "boolean",
};
const texts: Check = {
  expected: "a list of strings",
  holds: (value) => Array.isArray(value) && value.every(isString),
};
const status: Check = {
  expected: "an HTTP status from 400 to 599",
  holds: (value) => Number.isInteger(value) && Number(value) >= 400 && Number(value) <= 599,
};
const text: Check = { expected: "a string", holds: isString };
const oneOf = (...words: string[]): Check => ({
  expected: `one of ${words.join(", ")}`,
  holds: (value) => isString(value) && words.includes(value),
});

const DIAL_CHECKS: { readonly [name in keyof Required<Dials>]: Check } = {
  latency_ms: whole,
  first_token_ms: whole,
  tokens_per_second: positive,
  tokens_per_event: { expected: "1 or more", holds: (v) => Number.isInteger(v) && Number(v) >= 1 },
  output_tokens: whole,
  ignore_max_tokens: flag,
  unicode: flag,
  cache: flag,
  models: texts,
  response_formats: texts,
  auth: oneOf("required", "invalid", "off"),
  fail_rate: share,
  fail_status: status,
  rate_limit: {
    expected: "{after, retry_after}",
    holds: (value) => isObject(value) && whole.holds(value.after) && isNumber(value.retry_after),
  },
  rate_limit_rate: share,
  cut_after_events: whole,
  stall_after_events: whole,
  malformed_after_events: whole,
  split: flag,
  stream_usage: oneOf("provider", "always", "asked", "never"),
  missing_usage: flag,
  missing_done: flag,
  error_in_200: flag,
  error_after_events: whole,
  answer: oneOf("html", "redirect", "endless", "wrong_length", "empty"),
  media_bytes: whole,
  media: oneOf("truncated", "garbage", "empty"),
  image_format: oneOf("png", "jpeg", "webp"),
  media_seconds: positive,
  job_ms: whole,
  job_polls: whole,
  job_fail_rate: share,
  job_fail_message: text,
  job_stall: flag,
  job_end_twice: flag,
  job_error_status: status,
  job_error_polls: whole,
  job_lost: flag,
  job_state: text,
  result_missing: flag,
  wait_ms_max: whole,
  asset_url: text,
  asset_status: status,
  asset_latency_ms: whole,
  asset: oneOf(...ASSET_FAULTS),
  billing_delay_ms: whole,
  billing_latency_ms: whole,
  billing_fail_rate: share,
  billing_omit_rate: share,
  billing_factor: {
    expected: "a number, 0 or more",
    holds: (value) => isNumber(value) && value >= 0,
  },
  billing: oneOf(...BILLING_FAULTS),
};

const isDial = (name: string): name is keyof Dials => Object.hasOwn(DIAL_CHECKS, name);

/** Checks dials from outside. `null` for a dial is kept by the caller as "take it away". */
export function readDials(value: unknown): { ok: true; dials: Dials } | { ok: false; why: string } {
  if (!isObject(value)) return { ok: false, why: "dials are a JSON object" };
  for (const [name, setting] of Object.entries(value)) {
    if (!isDial(name)) return { ok: false, why: `there is no dial ${name}` };
    const check = DIAL_CHECKS[name];
    if (setting !== null && !check.holds(setting)) {
      return { ok: false, why: `${name} must be ${check.expected}` };
    }
  }
  return { ok: true, dials: value as Dials };
}

/** Later wins; a dial set to null goes back to its default. */
export function mergeDials(base: Dials, change: Dials): Dials {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, setting] of Object.entries(change)) {
    if (setting === null || setting === undefined) delete merged[name];
    else merged[name] = setting;
  }
  return merged as Dials;
}
