import { type Call, jsonAnswer, refusal } from "./call.js";
import { isObject, isString, parseJson } from "./json.js";

/**
 * What a provider tells the router about the cost of requests, by id: ids it does not know are left
 * out, and `null` means that nothing is known yet.
 */
export async function serveBilling(call: Call): Promise<Response> {
  const parsed = parseJson(await call.request.text());
  const ids = parsed.ok && isObject(parsed.value) ? parsed.value.requestIds : undefined;
  if (!Array.isArray(ids) || !ids.every(isString)) {
    const message = "requestIds must be a list of strings";
    return refusal(call, { kind: "bad_request", about: "requestIds", message });
  }
  const knownSince = Date.now() - (call.dials.billing_delay_ms ?? 0);
  const requests = ids.flatMap((requestId) => {
    const entry = call.state.log.byRequestId(call.provider.id, requestId);
    if (!entry || entry.status >= 400 || entry.at > knownSince) return [];
    return [{ requestId, costNanoUsd: Number(entry.costNanoUsd) }];
  });
  return jsonAnswer(call, { requests: requests.length > 0 || ids.length === 0 ? requests : null });
}
