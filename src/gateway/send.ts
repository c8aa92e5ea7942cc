/** One attempt at one provider: send, wait within the limits, judge what comes back. */
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import type { Clock } from "../kernel/clock.js";
import { assert, RouterError } from "../kernel/errors.js";
import type { Limits } from "../kernel/limits.js";
import type { Auth } from "../providers/provider.js";
import type { Usage } from "../tasks/usage.js";
import {
  type ChatJson,
  errorMessageOf,
  isArrayMember,
  memberText,
  readChatJson,
} from "../wire/chat-answer.js";
import { pauseAskedFor, retryAfterMs } from "../wire/rate-limit-headers.js";
import { dataOf, EventSplitter, utf8Of } from "../wire/sse.js";
import type { UpstreamRequest } from "./chat/upstream-request.js";
import { ProtocolError } from "./client/body-decoder.js";
import { ConnectError } from "./client/connection.js";
import type { Exchange } from "./client/exchange.js";
import type { HttpPool } from "./client/pool.js";
import type { ResponseHead } from "./client/response-head.js";
import { CreditEndedError, type Deadline, TimeLimitError } from "./deadline.js";
import { headersFor } from "./headers.js";
import type { PaidTime } from "./money/paid-time.js";
import type { Guard } from "./registry/guard.js";
import { ForbiddenUrlError } from "./registry/public-address.js";

export type Attempt = {
  readonly http: HttpPool;
  readonly request: UpstreamRequest;
  readonly baseUrl: string;
  readonly guard: Guard | undefined;
  readonly auth: Auth;
  readonly key: string | undefined;
  readonly isStream: boolean;
  /** Called with the caller's own key, whose refusal is the caller's to hear. */
  readonly isOwnKey: boolean;
  readonly requestId: string;
  readonly deadline: Deadline;
  readonly limits: Limits;
  readonly clock: Clock;
  /** Begins when the request is on its way; undefined where time is not charged. */
  readonly time: PaidTime | undefined;
  /** Told of the headers of an answer that is no refusal. */
  readonly onHead: ((head: ResponseHead) => void) | undefined;
};

export type StreamStart = {
  /** Whole events read so far: at least one with data. */
  readonly events: readonly string[];
  readonly splitter: EventSplitter;
  readonly exchange: Exchange;
};

export type Outcome =
  | { readonly kind: "plain"; readonly json: ChatJson; readonly head: ResponseHead }
  | { readonly kind: "stream"; readonly start: StreamStart }
  | Failure;

/** Why an attempt failed, in a word for `X-Turnpike-Route`. */
export type Failure = {
  readonly kind: "failed";
  readonly why: string;
  readonly retryAfterMs?: number;
  /** Set where another provider would say the same: the caller's request is at fault. */
  readonly rejection?: RouterError;
  /** Set where nobody else can be asked: the caller's file has gone to this provider, and is not here any more. */
  readonly isFinal?: boolean;
  /** Set where the operator must act: a bad key, an unpaid bill, a wrong mapping. */
  readonly isOperatorsProblem?: boolean;
  /** What the provider is owed for all the same, where the caller is gone: it goes on without them. */
  readonly owed?: Usage;
};

/** Never throws for anything the provider does; a caller who hung up is `aborted`. */
export async function send(attempt: Attempt): Promise<Outcome> {
  const { http, deadline } = attempt;
  let kept: Exchange | undefined;
  try {
    kept = http.sendKept(requestOf(attempt), deadline);
    if (kept) {
      noteSent(attempt);
      await kept.response();
      const outcome = judge(attempt, kept);
      // Waiting for what is there already costs a promise.
      return outcome instanceof Promise ? await outcome : outcome;
    }
  } catch (thrown) {
    // Closed by the other side, which had heard nothing of the request yet: only then is it sent again.
    if (!kept || kept.hasBegun || deadline.isStopped) return failedFor(attempt, thrown);
  }
  return sendFresh(attempt);
}

async function sendFresh(attempt: Attempt): Promise<Outcome> {
  const { http, deadline, limits } = attempt;
  const note = () => noteSent(attempt);
  try {
    const request = requestOf(attempt);
    return await judge(attempt, await http.sendFresh(request, deadline, limits.connectMs, note));
  } catch (thrown) {
    return failedFor(attempt, thrown);
  }
}

const failedFor = ({ deadline }: Attempt, thrown: unknown): Failure => ({
  kind: "failed",
  why: whyOf(deadline.reason ?? thrown),
});

type Reading = Pick<Attempt, "deadline" | "limits">;

type Judging = Reading & Pick<Attempt, "clock" | "isOwnKey" | "key">;

export type Answer = { readonly head: ResponseHead; readonly exchange: Exchange };

function judge(attempt: Attempt, exchange: Exchange): Outcome | Promise<Outcome> {
  const { head } = exchange;
  assert(head, "an answered exchange has a head");
  if (head.status !== 200) return judgeStatus(attempt, { head, exchange });
  attempt.onHead?.(head);
  if (attempt.isStream) return startStream(attempt, { head, exchange });
  // Nearly always the whole answer is there by now, and nothing needs to be waited for.
  const text = isPacked(head) ? undefined : exchange.takeText(attempt.limits.answerBytesMax);
  return text === undefined ? readPlain(attempt, { head, exchange }) : judgePlain(head, text);
}

const readPlain = async (attempt: Attempt, answer: Answer): Promise<Outcome> =>
  judgePlain(answer.head, await readText(attempt, answer));

function requestOf({ request, baseUrl, guard, auth, key, isStream, requestId }: Attempt) {
  const { path, body } = request;
  const headers = headersFor(request.headers, auth, key, isStream);
  return { baseUrl, guard, path, headers, requestId, body };
}

/** The request is on its way. */
function noteSent({ time, isStream, deadline, limits }: Attempt): void {
  time?.start();
  if (isStream) deadline.allow(limits.firstByteMs, "first byte");
  else deadline.allow(limits.plainAnswerMs, "answer");
}

function judgePlain(head: ResponseHead, text: string): Outcome {
  const json = parseAnswer(text);
  if (!json) return { kind: "failed", why: whatKind(head) };
  if (isArrayMember(json, "choices")) return { kind: "plain", json, head };
  const isError = memberText(json, "error") !== undefined;
  return { kind: "failed", why: isError ? "error_in_200" : "no_choices" };
}

function parseAnswer(text: string): ChatJson | undefined {
  try {
    return readChatJson(text);
  } catch {
    // The caller of this function says what was wrong with the answer; its text is not for any log.
    return undefined;
  }
}

/** Reads up to the first event that says something, so that a stream that begins with an error can be retried. */
export async function startStream(
  attempt: Pick<Attempt, "deadline" | "key">,
  { head, exchange }: Answer,
): Promise<Outcome> {
  const isEvents = head.get("content-type")?.toLowerCase().startsWith("text/event-stream");
  if (!isEvents || head.get("content-encoding") !== undefined) {
    attempt.deadline.stop(new Error("not a stream of plain text"));
    return { kind: "failed", why: whatKind(head) };
  }
  const splitter = new EventSplitter();
  const events: string[] = [];
  for (;;) {
    const bytes = await exchange.read();
    events.push(...(bytes ? splitter.push(bytes) : [splitter.end()]));
    const said = events.map(dataOf).find((data) => data !== "");
    if (said !== undefined) return judgeFirstEvent(attempt, said, { events, splitter, exchange });
    if (!bytes) return { kind: "failed", why: "empty_stream" };
  }
}

function judgeFirstEvent({ key }: Pick<Attempt, "key">, data: string, start: StreamStart): Outcome {
  if (data === "[DONE]") return { kind: "failed", why: "empty_stream" };
  const json = parseAnswer(data);
  if (!json) return { kind: "failed", why: "malformed" };
  const isError =
    memberText(json, "error") !== undefined && memberText(json, "choices") === undefined;
  if (!isError) return { kind: "stream", start };
  const why = "error_in_200";
  // Text Generation Inference finds out what is wrong with a request when its stream has begun.
  if (memberText(json, "error_type") !== '"validation"') return { kind: "failed", why };
  const rejection = rejectionOf(streamErrorMessage(data, key), REJECTED);
  return { kind: "failed", why, rejection };
}

const REJECTED = 422;

const rejectionOf = (message: string, status: number): RouterError =>
  new RouterError("provider_rejected", `The provider refused the request: ${message}`, { status });

/** What a status other than success means for the attempt. */
export async function judgeStatus(attempt: Judging, answer: Answer): Promise<Failure> {
  const { status } = answer.head;
  const why = String(status);
  if (status === 429 || status >= 500) {
    attempt.deadline.stop(new Error("refused"));
    return refusedFor(answer.head, attempt.clock);
  }
  if (status < 400) {
    attempt.deadline.stop(new Error("unexpected status"));
    return { kind: "failed", why: status >= 300 ? "redirect" : why };
  }
  const message = errorMessageOf(await readText(attempt, answer));
  const isAboutAccount = status === 401 || status === 402 || status === 403;
  if (isAboutAccount && !attempt.isOwnKey) return { kind: "failed", why, isOperatorsProblem: true };
  // Time-outs and conflicts of the provider's own making may go better elsewhere.
  if (status === 408 || status === 409 || status === 425) return { kind: "failed", why };
  const rejection = rejectionOf(withoutKey(message, attempt.key) ?? `status ${status}`, status);
  // A provider that does not know its own model is ours to mend, and another one may have it.
  if (status === 404 && !attempt.isOwnKey) return { kind: "failed", why, isOperatorsProblem: true };
  return { kind: "failed", why, rejection };
}

/** A provider that has no room, or something wrong with it, and may say for how long. */
export function refusedFor(head: ResponseHead, clock: Clock): Failure {
  const header = (name: string) => head.get(name);
  const read = head.status === 429 ? pauseAskedFor : retryAfterMs;
  const pauseMs = read(header, clock.now());
  return {
    kind: "failed",
    why: String(head.status),
    ...(pauseMs !== undefined && { retryAfterMs: pauseMs }),
  };
}

/** The body as text, within the limit on its size; each chunk must come within the gap. */
export const readText = async (reading: Reading, answer: Answer): Promise<string> =>
  (await readBytes(reading, answer)).toString("utf8");

/** The same as bytes. */
export async function readBytes(reading: Reading, { head, exchange }: Answer): Promise<Buffer> {
  const { deadline, limits } = reading;
  const parts: Buffer[] = [];
  let bytes = 0;
  while (!exchange.isAtEnd) {
    const part = exchange.takeUnread() ?? (await nextPart(reading, exchange));
    if (!part) break;
    bytes += part.byteLength;
    if (bytes > limits.answerBytesMax) {
      const tooLarge = new Error(TOO_LARGE);
      deadline.stop(tooLarge);
      throw tooLarge;
    }
    parts.push(part);
  }
  const whole = Buffer.concat(parts);
  return isPacked(head) ? unpack(whole, head, limits.answerBytesMax) : whole;
}

function nextPart({ deadline, limits }: Reading, exchange: Exchange): Promise<Buffer | undefined> {
  deadline.allow(limits.chunkGapMs, "gap between chunks");
  return exchange.read();
}

const TOO_LARGE = "too_large";

function isPacked(head: ResponseHead): boolean {
  const encoding = head.get("content-encoding");
  return encoding !== undefined && encoding !== "identity";
}

/** Some compress against our wish. What would unpack beyond the limit is a bomb, and stays packed. */
function unpack(bytes: Buffer, head: ResponseHead, maxOutputLength: number): Buffer {
  const encoding = head.get("content-encoding") ?? "";
  const unpackers = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync };
  const unpacker = unpackers[encoding.toLowerCase() as keyof typeof unpackers];
  if (!unpacker) throw new ProtocolError(`the answer is encoded as ${encoding}`);
  try {
    return unpacker(bytes, { maxOutputLength });
  } catch (cause) {
    const isBomb = cause instanceof RangeError;
    throw isBomb ? new Error(TOO_LARGE) : new ProtocolError("the answer cannot be unpacked");
  }
}

const whatKind = (head: ResponseHead): string =>
  head.get("content-type")?.startsWith("text/html") ? "html" : "malformed";

/** What was thrown on the way, in a word. */
export function whyOf(reason: unknown): string {
  if (reason instanceof CreditEndedError) return "credit";
  if (reason instanceof TimeLimitError) {
    return reason.limit === "connect" ? "connect_timeout" : "timeout";
  }
  if (reason instanceof ConnectError) return "connect";
  if (reason instanceof ForbiddenUrlError) return "forbidden_address";
  if (reason instanceof RangeError || reason instanceof ProtocolError) return "malformed";
  if (reason instanceof Error && reason.message === TOO_LARGE) return TOO_LARGE;
  return "broken_connection";
}

/** What `errorMessageOf` may show of a broken stream's last event. */
export const streamErrorMessage = (data: string, key: string | undefined): string =>
  withoutKey(errorMessageOf(utf8Of(data)), key) ?? "the provider ended the stream with an error";

/** Some providers repeat the key they were sent, which may be the operator's. */
const withoutKey = (message: string | undefined, key: string | undefined): string | undefined =>
  key ? message?.replaceAll(key, "…") : message;
