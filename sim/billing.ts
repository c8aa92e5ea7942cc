import { type Call, jsonAnswer, refusal } from "./call.js";
import { isObject, isString, type Json, parseJson } from "./json.js";
import { ENDLESS_BYTES_MAX } from "./limits.js";
import { wait } from "./wait.js";

/**
 * What a provider tells the router about the cost of requests, by id: ids it does not know are left
 * out, and `null` means that nothing is known yet. The dials `billing…` make it do what it should not.
 */
export async function serveBilling(call: Call): Promise<Response> {
  const { dials, request, state, number } = call;
  const parsed = parseJson(await request.text());
  const ids = parsed.ok && isObject(parsed.value) ? parsed.value.requestIds : undefined;
  if (!Array.isArray(ids) || !ids.every(isString)) {
    const message = "requestIds must be a list of strings";
    return refusal(call, { kind: "bad_request", about: "requestIds", message });
  }
  await wait(dials.billing_latency_ms ?? 0, request.signal);
  if (state.roll(number, "billing fails") < (dials.billing_fail_rate ?? 0)) {
    return refusal(call, { kind: "server_error", about: "billing" });
  }
  return spoilt(call, entriesFor(call, ids));
}

type Entry = { readonly requestId: string; readonly costNanoUsd: number };

function entriesFor(call: Call, ids: readonly string[]): Entry[] {
  const { dials, state, number, provider } = call;
  const knownSince = Date.now() - (dials.billing_delay_ms ?? 0);
  return ids.flatMap((requestId) => {
    const entry = state.log.byRequestId(provider.id, requestId);
    if (!entry || entry.status >= 400 || entry.at > knownSince) return [];
    if (state.roll(number, `omits ${requestId}`) < (dials.billing_omit_rate ?? 0)) return [];
    return [{ requestId, costNanoUsd: Number(entry.costNanoUsd) * (dials.billing_factor ?? 1) }];
  });
}

/** The answer, or what a dial makes of it. */
function spoilt(call: Call, entries: readonly Entry[]): Response {
  const answer = (requests: Json): Response => jsonAnswer(call, { requests });
  const each = (change: (entry: Entry) => Json): Response => answer(entries.map(change));
  switch (call.dials.billing) {
    case "garbage":
      return new Response('{"requests":[{"requestId":', { headers: JSON_TYPE });
    case "shape":
      return jsonAnswer(call, {
        costs: Object.fromEntries(entries.map((e) => [e.requestId, e.costNanoUsd])),
      });
    case "null":
      return answer(null);
    case "text":
      return each((entry) => ({ ...entry, costNanoUsd: String(entry.costNanoUsd) }));
    case "negative":
      return each((entry) => ({ ...entry, costNanoUsd: -1 - entry.costNanoUsd }));
    case "twice":
      return answer(entries.flatMap((e) => [e, { ...e, costNanoUsd: e.costNanoUsd + 1 }]));
    case "unsteady":
      return each((entry) => ({ ...entry, costNanoUsd: entry.costNanoUsd + call.number }));
    case "strangers":
      return answer([{ requestId: call.ids.uuid(), costNanoUsd: 1_000_000_000 }, ...entries]);
    case "endless":
      return new Response(endlessly(), { headers: JSON_TYPE });
    default:
      return answer(entries.length > 0 ? [...entries] : null);
  }
}

const JSON_TYPE = { "content-type": "application/json" };

function endlessly(): ReadableStream<Uint8Array> {
  const entry = Buffer.from('{"requestId":"nobody","costNanoUsd":1},'.repeat(1_000));
  let sent = 0;
  return new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.from('{"requests":[')),
    pull(controller) {
      controller.enqueue(entry);
      sent += entry.length;
      if (sent > ENDLESS_BYTES_MAX) controller.close();
    },
  });
}
