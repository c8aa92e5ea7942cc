import { serveChat } from "../gateway/chat.js";
import type { ChatCall } from "../gateway/parts.js";
import { badRequest } from "../kernel/errors.js";
import { PROVIDER_KEY_CHARS_MAX } from "../kernel/limits.js";
import { parseChatRequest } from "../wire/chat-request.js";
import { parseTags } from "../wire/tags.js";
import { authenticate, knownCaller } from "./authenticate.js";
import { billedCaller } from "./bill-to.js";
import { readBody } from "./body.js";
import { idempotencyKey, serveOnce } from "./idempotency.js";
import type { Handler } from "./parts.js";

/** POST /v1/chat/completions */
export const chatCompletions: Handler = async (site, visit) => {
  const caller =
    knownCaller(site, visit, "inference") ?? (await authenticate(site, visit, "inference"));
  const { gateway } = site;
  const text = await readBody(visit.request, gateway.limits.bodyBytesMax);
  const call: ChatCall = {
    id: visit.id,
    caller: billedCaller(site, visit, caller),
    request: parseChatRequest(text),
    headerKey: providerKeyHeader(visit.request),
    tags: parseTags(visit.request.headers.get("x-turnpike-tags")),
    signal: visit.request.signal,
    at: visit.at,
    startedAt: visit.startedAt,
  };
  const key = idempotencyKey(visit.request);
  if (key === undefined) return serveChat(gateway, call);
  const asked = { id: visit.id, payer: call.caller.payerId, at: visit.at };
  return serveOnce(site, key, asked, (onStart) => serveChat(gateway, { ...call, onStart }));
};

function providerKeyHeader(request: Request): string | undefined {
  const key = request.headers.get("x-turnpike-provider-key");
  if (key === null) return undefined;
  if (key.length <= PROVIDER_KEY_CHARS_MAX && /^[\x21-\x7e]+$/.test(key)) return key;
  throw badRequest(
    `X-Turnpike-Provider-Key must be 1 to ${PROVIDER_KEY_CHARS_MAX} printable characters without spaces.`,
    "x-turnpike-provider-key",
  );
}
