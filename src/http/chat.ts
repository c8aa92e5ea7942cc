import { serveChat } from "../gateway/chat.js";
import { badRequest, RouterError } from "../kernel/errors.js";
import { NAME_CHARS_MAX, PROVIDER_KEY_CHARS_MAX } from "../kernel/limits.js";
import type { Caller } from "../tenants/user.js";
import { parseChatRequest } from "../wire/chat-request.js";
import { authenticate, knownCaller } from "./authenticate.js";
import { readBody } from "./body.js";
import type { Handler } from "./parts.js";

/** POST /v1/chat/completions */
export const chatCompletions: Handler = async (site, visit) => {
  const caller =
    knownCaller(site, visit, "inference") ?? (await authenticate(site, visit, "inference"));
  const { gateway } = site;
  checkBillTo(visit.request, caller);
  const text = await readBody(visit.request, gateway.limits.bodyBytesMax);
  return serveChat(gateway, {
    id: visit.id,
    caller,
    request: parseChatRequest(text),
    headerKey: providerKeyHeader(visit.request),
    signal: visit.request.signal,
    at: visit.at,
    startedAt: visit.startedAt,
  });
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
