/** One attempt at one provider: send, wait within the limits, judge what comes back. */
import type { Clock } from "../kernel/clock.js";
import { assert } from "../kernel/errors.js";
import type { Limits } from "../kernel/limits.js";
import { type Span, spanOf } from "../kernel/span.js";
import type { Auth } from "../providers/provider.js";
import type { JsonObject } from "../tasks/json-object.js";
import { isArrayMember, readEventJson } from "../wire/chat-answer.js";
import { memberText, readObject } from "../wire/json-object.js";
import { dataOf, EventSplitter } from "../wire/sse.js";
import type { UpstreamRequest } from "./chat/upstream-request.js";
import type { Exchange } from "./client/exchange.js";
import type { HttpPool } from "./client/pool.js";
import type { ResponseHead } from "./client/response-head.js";
import type { Deadline } from "./deadline.js";
import { type Failure, judgeStatus, rejectionOf, streamErrorMessage, whyOf } from "./failure.js";
import { headersFor } from "./headers.js";
import type { PaidTime } from "./money/paid-time.js";
import { type Answer, isPacked, readBytes } from "./read-answer.js";
import type { Guard } from "./registry/guard.js";

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
  | { readonly kind: "plain"; readonly json: JsonObject; readonly head: ResponseHead }
  | { readonly kind: "stream"; readonly start: StreamStart }
  | Failure;

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

function judge(attempt: Attempt, exchange: Exchange): Outcome | Promise<Outcome> {
  const { head } = exchange;
  assert(head, "an answered exchange has a head");
  if (head.status !== 200) return judgeStatus(attempt, { head, exchange });
  attempt.onHead?.(head);
  if (attempt.isStream) return startStream(attempt, { head, exchange });
  // Nearly always the whole answer is there by now, and nothing needs to be waited for.
  const whole = isPacked(head) ? undefined : exchange.takeWhole(attempt.limits.answerBytesMax);
  return whole ? judgePlain(head, whole) : readPlain(attempt, { head, exchange });
}

const readPlain = async (attempt: Attempt, answer: Answer): Promise<Outcome> =>
  judgePlain(answer.head, spanOf(await readBytes(attempt, answer)));

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

function judgePlain(head: ResponseHead, body: Span): Outcome {
  const json = parsed(readObject, body);
  if (!json) return { kind: "failed", why: whatKind(head) };
  if (isArrayMember(json, "choices")) return { kind: "plain", json, head };
  const isError = memberText(json, "error") !== undefined;
  return { kind: "failed", why: isError ? "error_in_200" : "no_choices" };
}

function parsed<Said>(parse: (said: Said) => JsonObject, said: Said): JsonObject | undefined {
  try {
    return parse(said);
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
  if (!isEvents || isPacked(head)) {
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
  const json = parsed(readEventJson, data);
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

const whatKind = (head: ResponseHead): string =>
  head.get("content-type")?.startsWith("text/html") ? "html" : "malformed";
