/**
 * What clients accept as an answer to chat. Source: `@huggingface/inference` 4.13.30, `providers/providerHelper.ts` and
 * `utils/request.ts`; `huggingface_hub` 1.29, `inference/_common.py`.
 */
import { CONFORMANCE_FIRST_TOKEN_MS, CONFORMANCE_TOTAL_MS } from "../kernel/limits.js";
import { asObject } from "../wire/as-object.js";
import { dataOf, EventSplitter, utf8Of } from "../wire/sse.js";
import { type Answered, jsonOf } from "./check.js";

type Json = Readonly<Record<string, unknown>>;

/** What is wrong with a plain answer, by the validation of Hugging Face's JavaScript client. */
export function plainFault(json: unknown): string | undefined {
  const answer = asObject(json);
  if (!answer) return "the body is no JSON object";
  if (!Array.isArray(answer.choices)) return '"choices" is no list';
  if (typeof answer.created !== "number") return '"created" is no number';
  if (typeof answer.id !== "string") return '"id" is no text';
  if (typeof answer.model !== "string") return '"model" is no text';
  const { system_fingerprint: fingerprint, usage } = answer;
  if (fingerprint !== undefined && fingerprint !== null && typeof fingerprint !== "string") {
    return '"system_fingerprint" is neither text nor null';
  }
  if (!asObject(asObject(answer.choices[0])?.message)) return '"choices[0].message" is missing';
  return usageFault(usage);
}

/** Without it nobody can be charged by our own count of the provider's words. */
function usageFault(usage: unknown): string | undefined {
  const counts = asObject(usage);
  if (!counts) return '"usage" is missing';
  for (const name of ["prompt_tokens", "completion_tokens"]) {
    const count = counts[name];
    if (!Number.isInteger(count) || Number(count) < 0) return `"usage.${name}" is no whole number`;
  }
  return undefined;
}

/** The payloads of a stream's events, in order. */
function eventsIn({ bytes }: Pick<Answered, "bytes">): readonly string[] {
  const splitter = new EventSplitter();
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const events = [...splitter.push(whole), splitter.end()];
  return events.map((event) => utf8Of(dataOf(event))).filter((data) => data !== "");
}

const DONE = "[DONE]";

/** Whether an event brings something of the answer: not a role, not a count. */
export function saysSomething(data: string): boolean {
  const [choice] = choicesOf(asObject(jsonOf(data)) ?? {});
  const delta = asObject(asObject(choice)?.delta);
  if (!delta) return false;
  const { content, reasoning, reasoning_content: thought, tool_calls: calls } = delta;
  const isText = [content, reasoning, thought].some((each) => typeof each === "string" && each);
  return isText || (Array.isArray(calls) && calls.length > 0);
}

const choicesOf = ({ choices }: Json): readonly unknown[] =>
  Array.isArray(choices) ? choices : [];

/** What is wrong with a stream whose usage was asked for. */
export function streamFault(answer: Answered): string | undefined {
  const type = answer.header("content-type") ?? "none";
  if (!type.toLowerCase().startsWith("text/event-stream")) {
    return `the content type is ${type}, not text/event-stream`;
  }
  const events = eventsIn(answer);
  if (events.length === 0) return "there is no event in it";
  if (events.at(-1) !== DONE) return 'it does not end with "data: [DONE]"';
  const jsons = events.slice(0, -1).map((data) => asObject(jsonOf(data)));
  if (jsons.some((json) => !json)) return "an event is no JSON object";
  const chunks = jsons as readonly Json[];
  if (chunks.some(({ error }) => error !== undefined && error !== null))
    return "it holds an error event";
  if (chunks.some(({ choices }) => !Array.isArray(choices))) return 'an event has no "choices"';
  if (!events.some(saysSomething)) return "it says nothing";
  const counted = chunks.find(({ usage }) => asObject(usage));
  if (!counted) return 'no event holds "usage", though "stream_options.include_usage" was sent';
  return usageFault(counted.usage);
}

/** What is wrong with how long a stream took. Source of the limits: spec/providers.md 6.4. */
export function paceFault({ firstTokenMs, ms }: Answered): string | undefined {
  if (firstTokenMs !== undefined && firstTokenMs > CONFORMANCE_FIRST_TOKEN_MS) {
    return `the first token came after ${firstTokenMs} ms, not within ${CONFORMANCE_FIRST_TOKEN_MS}`;
  }
  return totalFault(ms);
}

export const totalFault = (ms: number): string | undefined =>
  ms > CONFORMANCE_TOTAL_MS ? `it took ${ms} ms, not at most ${CONFORMANCE_TOTAL_MS}` : undefined;

/** Tokens of output a second, from the first token to the end; undefined where nobody can say. */
export function throughputOf(answer: Answered): number | undefined {
  const usages = eventsIn(answer).flatMap((data) => {
    const usage = asObject(asObject(jsonOf(data))?.usage);
    return usage ? [Number(usage.completion_tokens)] : [];
  });
  const tokens = usages.at(-1);
  const ms = answer.ms - (answer.firstTokenMs ?? answer.ms);
  if (tokens === undefined || !(tokens > 1) || ms <= 0) return undefined;
  return ((tokens - 1) * 1_000) / ms;
}

const messageOf = (json: unknown): Json => {
  const [choice] = choicesOf(asObject(json) ?? {});
  return asObject(asObject(choice)?.message) ?? {};
};

/** An answer that was cut short says nothing about what it would have become. */
export function isCutShort(json: unknown): boolean {
  const [choice] = choicesOf(asObject(json) ?? {});
  return asObject(choice)?.finish_reason === "length";
}

/** What is wrong with the call of `name` in an answer to a request that has this one tool. */
export function toolFault(json: unknown, name: string): string | undefined {
  const { tool_calls: calls } = messageOf(json);
  if (!Array.isArray(calls) || calls.length === 0) return '"tool_calls" is missing or empty';
  const call = asObject(asObject(calls[0])?.function);
  if (call?.name !== name) return `the tool is not called "${name}"`;
  const args = typeof call.arguments === "string" ? jsonOf(call.arguments) : undefined;
  return asObject(args) ? undefined : '"function.arguments" is no text of a JSON object';
}

/** What is wrong with an answer that must be an object with these members, and nothing around it. */
export function structuredFault(
  json: unknown,
  members: Readonly<Record<string, "string" | "number">>,
): string | undefined {
  const { content } = messageOf(json);
  const object = typeof content === "string" ? asObject(jsonOf(content)) : undefined;
  if (!object) return "the content is no JSON object";
  for (const [name, type] of Object.entries(members)) {
    if (typeof object[name] !== type) return `the content's "${name}" is no ${type}`;
  }
  return undefined;
}
