import { breakIn, breakingOff } from "../break-off.js";
import { type Call, record } from "../call.js";
import type { Dials } from "../dials.js";
import { isObject } from "../json.js";
import type { Outcome } from "../log.js";
import { wait } from "../wait.js";
import type { Answer } from "./answer.js";
import type { ChatDialect } from "./dialect.js";
import { plainBody } from "./message.js";
import { errorBody } from "./script.js";

type Headers = { readonly [name: string]: string };

/** Answers without a stream: works for as long as the dials say, then everything at once. */
export async function answerWhole(
  call: Call,
  dialect: ChatDialect,
  answer: Answer,
  headers: Headers,
): Promise<Response> {
  const { dials } = call;
  const { ask, usage } = answer;
  const end = (outcome: Outcome, generated: number, delivered: number) =>
    record(call, {
      model: ask.model,
      stream: false,
      status: 200,
      usage,
      generated,
      delivered,
      outcome,
    });
  const worked = await work(dials, usage.completion, call.request.signal);
  if (worked !== undefined) {
    end("aborted", worked, 0);
    return new Response(null, { status: 499 });
  }
  if (dials.error_in_200) {
    end("failed", 0, 0);
    return new Response(JSON.stringify(errorBody(call, ask.model)), { headers });
  }
  const body = plainBody(answer, dialect, call.ids);
  const bare = dials.missing_usage && isObject(body) ? { ...body, usage: undefined } : body;
  const text = JSON.stringify(bare);
  const broken = breakOff(text, call, (outcome) => end(outcome, usage.completion, 0));
  if (!broken) end("complete", usage.completion, usage.completion);
  return new Response(broken ?? text, { headers });
}

/** Undefined when done; else how many tokens were made when the caller hung up. */
async function work(dials: Dials, tokens: number, signal: AbortSignal) {
  const thinkingMs = dials.first_token_ms ?? 0;
  const tokenMs = dials.tokens_per_second ? 1000 / dials.tokens_per_second : 0;
  if (thinkingMs + tokenMs === 0) return undefined;
  const start = performance.now();
  if (await wait(thinkingMs + tokens * tokenMs, signal)) return undefined;
  const writingMs = Math.max(0, performance.now() - start - thinkingMs);
  return tokenMs === 0 ? 0 : Math.min(tokens, Math.floor(writingMs / tokenMs));
}

/** Half a body: ended as if it were whole, cut, or never ended, as the dials say. */
function breakOff(text: string, { dials, request }: Call, ended: (outcome: Outcome) => void) {
  const half = text.slice(0, text.length >> 1);
  if (dials.malformed_after_events !== undefined) {
    ended("failed");
    return half;
  }
  const ending = breakIn(dials);
  if (!ending) return undefined;
  return breakingOff(half, ending, request.signal, ended);
}
