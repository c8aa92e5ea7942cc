import { type Call, NO_USAGE, record, refusal } from "../call.js";
import { isObject, isString, parseJson } from "../json.js";
import type { Outcome } from "../log.js";
import { tokensOf } from "../tokens.js";
import { wait } from "../wait.js";
import { type Answer, choicesFor, completionTokens, type Head, type Usage } from "./answer.js";
import type { ChatAsk } from "./ask.js";
import type { ChatDialect } from "./dialect.js";
import { play } from "./play.js";
import { promptTokens } from "./prompt.js";
import { readFor, troubleFor } from "./refuse.js";
import { scriptFor } from "./script.js";
import { answerWhole } from "./whole.js";

/** Simulated time for `created`: fixed at the start and one second per request, so that runs repeat. */
const CREATED_AT_START = 1_767_225_600;

/** One chat completion from start to end. Every way out leaves one line in the delivery log. */
export async function serveChat(call: Call, dialect: ChatDialect): Promise<Response> {
  const { dials, request } = call;
  const text = await request.text().catch(() => undefined);
  if (text === undefined) return unanswered(call, {}, hungUp(), "aborted");
  const parsed = parseJson(text);
  const body = parsed.ok ? parsed.value : undefined;
  if (dials.latency_ms && !(await wait(dials.latency_ms, request.signal))) {
    return unanswered(call, body, hungUp(), "aborted");
  }
  const trouble = troubleFor(call, modelIn(call, body));
  if (trouble) return unanswered(call, body, trouble);
  if (!parsed.ok) {
    const failure = { kind: "bad_request", about: "body", message: parsed.why } as const;
    return unanswered(call, body, refusal(call, failure));
  }
  const ask = readFor(call, dialect, body);
  if (ask instanceof Response) return unanswered(call, body, ask);
  return answer(call, dialect, ask);
}

/** Nobody reads this answer; the status is the one that proxies log. */
const hungUp = (): Response => new Response(null, { status: 499 });

const modelIn = (call: Call, body: unknown): string => {
  if (call.params.model !== undefined) return call.params.model;
  return isObject(body) && isString(body.model) ? body.model : "";
};

/** Logs a request of which nothing was delivered. */
function unanswered(call: Call, body: unknown, response: Response, outcome: Outcome = "failed") {
  record(call, {
    model: modelIn(call, body),
    stream: isObject(body) && body.stream === true,
    status: response.status,
    usage: NO_USAGE,
    generated: 0,
    delivered: 0,
    outcome,
  });
  return response;
}

function answer(call: Call, dialect: ChatDialect, ask: ChatAsk): Response | Promise<Response> {
  const made = answerFor(call, dialect, ask);
  const headers = {
    "content-type": ask.stream ? "text/event-stream; charset=utf-8" : "application/json",
    [call.provider.requestIdHeader]: call.requestId,
    ...dialect.headers({ head: made.head, usage: made.usage, stream: ask.stream, ask }),
  };
  if (!ask.stream) return answerWhole(call, dialect, made, headers);
  return new Response(answerStream(call, dialect, made), { headers });
}

function answerStream(call: Call, dialect: ChatDialect, made: Answer): ReadableStream {
  const { dials, ids } = call;
  const { ask, usage } = made;
  const events = dialect.events(made, { ask, dialect, dials, ids });
  const facts = { model: ask.model, stream: true, status: 200, usage };
  return play({
    script: scriptFor(events, call, ask.model),
    dials,
    signal: call.request.signal,
    ended: (outcome, delivered) =>
      record(call, { ...facts, generated: delivered, delivered, outcome }),
  });
}

function answerFor(call: Call, dialect: ChatDialect, ask: ChatAsk): Answer {
  const { state, provider, dials, ids } = call;
  const choices = choicesFor(ask, dials, { seed: state.options.seed, provider: provider.id });
  const upTo = promptTokens(ask);
  const usage: Usage = {
    prompt: upTo.at(-1) ?? 0,
    cached: dials.cache ? state.prefixes.cached(provider.id, ask, upTo) : 0,
    completion: choices.reduce((sum, choice) => sum + completionTokens(choice), 0),
    reasoning: choices.reduce((sum, choice) => sum + tokensOf(choice.reasoning), 0),
  };
  const head: Head = {
    id: dialect.bodyId(ids, call.requestId),
    created: CREATED_AT_START + call.number,
    model: ask.model,
    requestId: call.requestId,
    fingerprint: dialect.fingerprint(ids),
  };
  return { ask, head, choices, usage };
}
