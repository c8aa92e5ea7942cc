/** A provider that does all that a registered one must, and whatever else a test has it do instead. */
import { chunk, DONE, type Received, streamed, usageChunk } from "./provider.js";

export const MODEL = "acme-model";
const ID = "inference-id";

type Json = Readonly<Record<string, unknown>>;
type Part = (received: Received, body: Json) => Response | Promise<Response> | undefined;

/** What a test replaces: undefined goes on with what is good. */
export type Faults = {
  readonly first?: Part;
  readonly chat?: Part;
  readonly stream?: Part;
  readonly models?: Part;
  readonly billing?: Part;
  /** Knows no cost yet when it is asked first. */
  readonly tellsLate?: boolean;
};

export const refusal = (status: number, message: string): Response =>
  Response.json({ error: { message, type: "invalid_request_error" } }, { status });

export const answered = (more: Json = {}, message: Json = { content: "Hello." }): Json => ({
  id: "cmpl-1",
  object: "chat.completion",
  created: 1_767_225_600,
  model: MODEL,
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", ...message } }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  ...more,
});

/** What the wish for a tool or a form is answered with. */
function messageFor({ tools, response_format: format }: Json): Json {
  if (format) return { content: JSON.stringify({ city: "Paris", population: 2_000_000 }) };
  if (!tools) return { content: "Hello." };
  const call = { name: "get_weather", arguments: JSON.stringify({ city: "Paris" }) };
  return { content: null, tool_calls: [{ id: "c1", type: "function", function: call }] };
}

/** `key` is the one key it takes; each answer costs 7,000 nano-dollars and a half. */
export function conformingProvider(key: string, faults: Faults = {}) {
  let served = 0;
  let asked = 0;
  const withId = (response: Response): Response => {
    if (!response.headers.has(ID)) response.headers.set(ID, `id-${++served}`);
    return response;
  };
  const chat = (received: Received, body: Json): Response | Promise<Response> => {
    if (!Array.isArray(body.messages)) return refusal(400, "messages must be a list");
    if (body.stream !== true) {
      return faults.chat?.(received, body) ?? withId(Response.json(answered({}, messageFor(body))));
    }
    const events = [chunk("one, "), chunk("two", "stop"), usageChunk(10, 30), DONE];
    return faults.stream?.(received, body) ?? withId(streamed(events));
  };
  const models = (received: Received): Response | Promise<Response> => {
    const pricing = { input: 1.5, output: 4 };
    const data = [{ id: MODEL, object: "model", context_length: 8_192, pricing }];
    return faults.models?.(received, {}) ?? Response.json({ object: "list", data });
  };
  const billing = (received: Received, body: Json): Response | Promise<Response> => {
    const ids = body.requestIds as readonly string[];
    const known = ids.filter((id) => /^id-\d+$/.test(id) && Number(id.slice(3)) <= served);
    const requests = known.map((requestId) => ({ requestId, costNanoUsd: 7_000.5 }));
    const told = faults.tellsLate && asked++ === 0 ? null : requests;
    return faults.billing?.(received, body) ?? Response.json({ requests: told });
  };
  return (received: Received): Response | Promise<Response> => {
    const first = faults.first?.(received, {});
    if (first) return first;
    if (received.headers.authorization !== `Bearer ${key}`) return refusal(401, "no such key");
    if (received.path === "/v1/models") return models(received);
    let body: Json;
    try {
      body = JSON.parse(received.body);
    } catch {
      return refusal(400, "the body is no JSON");
    }
    if (received.path === "/billing") return billing(received, body);
    return chat(received, body);
  };
}
