/** One attempt at one provider: send, wait within the limits, judge what comes back. */

import type { Clock } from "../kernel/clock.js";
import { RouterError } from "../kernel/errors.js";
import type { Limits } from "../kernel/limits.js";
import type { Auth } from "../providers/provider.js";
import { type ChatJson, errorMessageOf, memberText, readChatJson } from "../wire/chat-answer.js";
import { dataOf, EventSplitter, utf8Of } from "../wire/sse.js";
import { type Deadline, TimeLimitError } from "./deadline.js";
import { ensureReachable } from "./reachable.js";
import type { UpstreamRequest } from "./upstream-request.js";

export type Attempt = {
  readonly request: UpstreamRequest;
  readonly baseUrl: string;
  readonly auth: Auth;
  readonly key: string | undefined;
  readonly isStream: boolean;
  /** Called with the caller's own key, whose refusal is the caller's to hear. */
  readonly isOwnKey: boolean;
  readonly requestId: string;
  readonly deadline: Deadline;
  readonly limits: Limits;
  readonly clock: Clock;
};

export type StreamStart = {
  /** Whole events read so far: at least one with data. */
  readonly events: readonly string[];
  readonly splitter: EventSplitter;
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
};

export type Outcome =
  | { readonly kind: "plain"; readonly json: ChatJson }
  | { readonly kind: "stream"; readonly start: StreamStart }
  | Failure;

/** Why an attempt failed, in a word for `X-Turnpike-Route`. */
export type Failure = {
  readonly kind: "failed";
  readonly why: string;
  readonly retryAfterMs?: number;
  /** Set where another provider would say the same: the caller's request is at fault. */
  readonly rejection?: RouterError;
  /** Set where the operator must act: a bad key, an unpaid bill, a wrong mapping. */
  readonly isOperatorsProblem?: boolean;
};

/** Never throws for anything the provider does; a caller who hung up is `aborted`. */
export async function send(attempt: Attempt): Promise<Outcome> {
  try {
    const response = await fetchAnswer(attempt);
    if (response.status !== 200) return await judgeStatus(attempt, response);
    return attempt.isStream
      ? await startStream(attempt, response)
      : await readPlain(attempt, response);
  } catch (thrown) {
    return { kind: "failed", why: whyOf(attempt.deadline.signal.reason ?? thrown) };
  }
}

async function fetchAnswer(attempt: Attempt): Promise<Response> {
  const { request, auth, key, deadline, limits } = attempt;
  const headers: Record<string, string> = {
    ...request.headers,
    "content-type": "application/json",
    accept: attempt.isStream ? "text/event-stream" : "application/json",
    // What is not compressed need not be unpacked, and cannot be a bomb.
    "accept-encoding": "identity",
    "x-turnpike-request-id": attempt.requestId,
  };
  if (key !== undefined) headers[auth.header] = `${auth.scheme} ${key}`;
  deadline.allow(limits.connectMs, "connect");
  await ensureReachable(attempt.baseUrl, deadline.signal);
  if (attempt.isStream) deadline.allow(limits.firstByteMs, "first byte");
  else deadline.allow(limits.plainAnswerMs, "answer");
  return fetch(attempt.baseUrl + request.path, {
    method: "POST",
    headers,
    body: request.body,
    signal: deadline.signal,
    // A redirect could lead our key anywhere.
    redirect: "manual",
    // Our own limits are in force instead of Bun's.
    timeout: false,
  } as RequestInit);
}

async function readPlain(attempt: Attempt, response: Response): Promise<Outcome> {
  const text = await readText(attempt, response);
  const json = parseAnswer(text);
  if (!json) return { kind: "failed", why: whatKind(response) };
  if (memberText(json, "choices")?.startsWith("[")) return { kind: "plain", json };
  return {
    kind: "failed",
    why: memberText(json, "error") === undefined ? "no_choices" : "error_in_200",
  };
}

function parseAnswer(text: string): ChatJson | undefined {
  try {
    JSON.parse(text);
    return readChatJson(text);
  } catch {
    // The caller of this function says what was wrong with the answer; its text is not for any log.
    return undefined;
  }
}

/** Reads up to the first event that says something, so that a stream that begins with an error can be retried. */
async function startStream(attempt: Attempt, response: Response): Promise<Outcome> {
  const isEvents = response.headers.get("content-type")?.startsWith("text/event-stream");
  if (!isEvents || !response.body) {
    attempt.deadline.abort(new Error("not a stream"));
    return { kind: "failed", why: whatKind(response) };
  }
  const splitter = new EventSplitter();
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  const events: string[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    events.push(...(done ? [splitter.end()] : splitter.push(value)));
    const said = events.map(dataOf).find((data) => data !== "");
    if (said !== undefined) return judgeFirstEvent(said, { events, splitter, reader });
    if (done) return { kind: "failed", why: "empty_stream" };
  }
}

function judgeFirstEvent(data: string, start: StreamStart): Outcome {
  if (data === "[DONE]") return { kind: "failed", why: "empty_stream" };
  const json = parseAnswer(data);
  if (!json) return { kind: "failed", why: "malformed" };
  const isError =
    memberText(json, "error") !== undefined && memberText(json, "choices") === undefined;
  return isError ? { kind: "failed", why: "error_in_200" } : { kind: "stream", start };
}

async function judgeStatus(attempt: Attempt, response: Response): Promise<Failure> {
  const { status } = response;
  const why = String(status);
  const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), attempt.clock.now());
  if (status === 429 || status >= 500) {
    attempt.deadline.abort(new Error("refused"));
    return { kind: "failed", why, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }
  if (status < 400) {
    attempt.deadline.abort(new Error("unexpected status"));
    return { kind: "failed", why: status >= 300 ? "redirect" : why };
  }
  const message = errorMessageOf(await readText(attempt, response));
  const isAboutAccount = status === 401 || status === 402 || status === 403;
  if (isAboutAccount && !attempt.isOwnKey) return { kind: "failed", why, isOperatorsProblem: true };
  // Time-outs and conflicts of the provider's own making may go better elsewhere.
  if (status === 408 || status === 409 || status === 425) return { kind: "failed", why };
  const rejection = new RouterError(
    "provider_rejected",
    `The provider refused the request: ${message ?? `status ${status}`}`,
    { status },
  );
  // A provider that does not know its own model is ours to mend, and another one may have it.
  if (status === 404 && !attempt.isOwnKey) return { kind: "failed", why, isOperatorsProblem: true };
  return { kind: "failed", why, rejection };
}

/** The body as text, within the limit on its size; each chunk must come within the gap. */
async function readText(attempt: Attempt, response: Response): Promise<string> {
  const { deadline, limits } = attempt;
  deadline.allow(limits.chunkGapMs, "gap between chunks");
  // Some compress against our wish; then the length is not that of the text.
  const length = response.headers.has("content-encoding")
    ? Number.NaN
    : Number(response.headers.get("content-length") ?? Number.NaN);
  // Asking for `body` at all makes Bun build a stream, which costs more than the rest of the answer.
  if (length <= SMALL_BODY_BYTES || !response.body) return response.text();
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body as AsyncIterable<Uint8Array>) {
    bytes += part.byteLength;
    if (bytes > limits.answerBytesMax) {
      const tooLarge = new Error("too_large");
      deadline.abort(tooLarge);
      throw tooLarge;
    }
    parts.push(part);
    deadline.allow(limits.chunkGapMs, "gap between chunks");
  }
  return Buffer.concat(parts).toString("utf8");
}

/** Read in one piece, since it comes in one. */
const SMALL_BODY_BYTES = 256 * 1024;

const whatKind = (response: Response): string =>
  response.headers.get("content-type")?.startsWith("text/html") ? "html" : "malformed";

/** Seconds, or an HTTP date. */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d+(\.\d+)?$/.test(value.trim())) return Math.ceil(Number(value) * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function whyOf(reason: unknown): string {
  if (reason instanceof TimeLimitError) {
    return reason.limit === "connect" ? "connect_timeout" : "timeout";
  }
  if (reason instanceof RangeError) return "malformed";
  const code = reason instanceof Error && "code" in reason ? String(reason.code) : "";
  if (/refused|ENOTFOUND|EAI_AGAIN|FailedToOpenSocket|ConnectionRefused|unreachable/i.test(code))
    return "connect";
  if (reason instanceof Error && reason.message === "too_large") return "too_large";
  return "broken_connection";
}

/** What `errorMessageOf` may show of a broken stream's last event. */
export const streamErrorMessage = (data: string): string =>
  errorMessageOf(utf8Of(data)) ?? "the provider ended the stream with an error";
