import { serveChat } from "../gateway/chat.js";
import type { ChatCall } from "../gateway/parts.js";
import { badRequest, RouterError } from "../kernel/errors.js";
import { NAME_CHARS_MAX, PROVIDER_KEY_CHARS_MAX } from "../kernel/limits.js";
import type { Caller } from "../tenants/caller.js";
import { parseChatRequest } from "../wire/chat-request.js";
import { parseTags } from "../wire/tags.js";
import { authenticate, knownCaller } from "./authenticate.js";
import { readBody } from "./body.js";
import { idempotencyKey, serveOnce } from "./idempotency.js";
import type { Handler } from "./parts.js";

/** POST /v1/chat/completions */
export const chatCompletions: Handler = async (site, visit) => {
  const caller =
    knownCaller(site, visit, "inference") ?? (await authenticate(site, visit, "inference"));
  const { gateway } = site;
  checkBillTo(visit.request, caller);
  const text = await readBody(visit.request, gateway.limits.bodyBytesMax);
  const call: ChatCall = {
    id: visit.id,
    caller,
    request: parseChatRequest(text),
    headerKey: providerKeyHeader(visit.request),
    tags: parseTags(visit.request.headers.get("x-turnpike-tags")),
    signal: visit.request.signal,
    at: visit.at,
    startedAt: visit.startedAt,
  };
  const key = idempotencyKey(visit.request);
  if (key === undefined) return serveChat(gateway, call);
  const asked = { id: visit.id, payer: caller.payerId, at: visit.at };
  return serveOnce(site, key, asked, (onStart) => serveChat(gateway, { ...call, onStart }));
};

/** There are no organizations to bill yet, and nobody else than who was named may be billed instead. */
function checkBillTo(request: Request, { user }: Caller): void {
  const payer = request.headers.get("x-hf-bill-to");
  if (payer === null || payer === user.name) return;
  throw new RouterError(
    "not_a_member",
    `X-HF-Bill-To: "${payer.slice(0, NAME_CHARS_MAX)}" is no organization of yours; without the header you pay yourself.`,
  );
}

function providerKeyHeader(request: Request): string | undefined {
  const key = request.headers.get("x-turnpike-provider-key");
  if (key === null) return undefined;
  if (key.length <= PROVIDER_KEY_CHARS_MAX && /^[\x21-\x7e]+$/.test(key)) return key;
  throw badRequest(
    `X-Turnpike-Provider-Key must be 1 to ${PROVIDER_KEY_CHARS_MAX} printable characters without spaces.`,
    "x-turnpike-provider-key",
  );
}
