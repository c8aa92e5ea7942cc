import { type Call, refusal, refusalOf } from "../call.js";
import { odd } from "../odd.js";
import type { ChatAsk, Refusal } from "./ask.js";
import type { ChatDialect } from "./dialect.js";

/** What the dials make go wrong before the request is even looked at. */
export function troubleFor(call: Call, model: string): Response | undefined {
  const { dials, state, number } = call;
  const retryAfter = state.overLimit(call.provider.id, dials);
  const limited = dials.rate_limit_rate && state.roll(number, "limit") < dials.rate_limit_rate;
  if (retryAfter !== undefined || limited) {
    const headers = { "retry-after": String(retryAfter ?? 1) };
    return refusal(call, { kind: "rate_limited", about: model, headers });
  }
  if (dials.fail_rate && state.roll(number, "fail") < dials.fail_rate) {
    return refusal(call, { kind: "server_error", about: model, status: dials.fail_status ?? 500 });
  }
  return dials.answer ? odd(call, dials.answer) : undefined;
}

/** Reads the request as this provider would: what it asks for, or the refusal. */
export function readFor(call: Call, dialect: ChatDialect, body: unknown): ChatAsk | Response {
  const read = dialect.read(body, call.params.model);
  if (read.ok) return refusalFor(call, dialect, read.ask) ?? read.ask;
  return read.late ? lateRefusal(call, read) : badRequest(call, read);
}

function lateRefusal(call: Call, { field, why }: Refusal): Response {
  const { body } = refusalOf(call, { kind: "bad_request", about: field, message: why });
  const headers = {
    "content-type": "text/event-stream",
    [call.provider.requestIdHeader]: call.requestId,
  };
  return new Response(`data: ${JSON.stringify(body)}\n\n`, { headers });
}

const badRequest = (call: Call, { field, why }: Refusal): Response =>
  refusal(call, { kind: "bad_request", about: field, message: why });

function refusalFor(call: Call, dialect: ChatDialect, ask: ChatAsk): Response | undefined {
  const { dials } = call;
  if (dials.models && !dials.models.includes(ask.model)) {
    return refusal(call, { kind: "unknown_model", about: ask.model });
  }
  const unknown =
    dialect.fields && Object.keys(ask.body).find((name) => !dialect.fields?.includes(name));
  if (unknown !== undefined) return refusal(call, { kind: "unknown_field", about: unknown });
  const formats: readonly string[] = dials.response_formats ?? dialect.formats;
  if (ask.format && !formats.includes(ask.format.name)) {
    const why = `response_format of the form ${ask.format.name} is not supported`;
    return badRequest(call, { field: "response_format", why });
  }
  const refused = dialect.refuse?.(ask);
  return refused && badRequest(call, refused);
}
