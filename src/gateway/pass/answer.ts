/** A provider's answer as it came, with our own headers beside its own. */
import type { ProviderReply } from "../../providers/provider.js";
import type { ResponseHead } from "../client/response-head.js";

/** What belongs to one connection, or would speak for us: everything else of a provider's headers is passed on. */
const KEPT_BACK = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "content-length",
  "content-encoding",
  "set-cookie",
  "server",
  "date",
  "alt-svc",
  "strict-transport-security",
  "access-control-allow-origin",
  "access-control-allow-credentials",
]);

/** JavaScript's client repeats a 503 at once and without end. */
const status = (own: number): number => (own === 503 ? 502 : own);

/** `own` are our headers: they go before the provider's. */
export function answerAs(
  reply: Pick<ProviderReply, "bytes" | "status">,
  head: ResponseHead,
  own: Headers,
): Response {
  const headers = headersAs(head, own);
  return new Response(reply.bytes as BodyInit, { status: status(reply.status), headers });
}

const RATES = ["ratelimit", "ratelimit-policy"] as const;
const REQUEST_ID = "x-request-id";

/** The provider's headers with our own. */
export function headersAs(head: ResponseHead, own: Headers): Headers {
  const headers = new Headers();
  for (const [name, value] of head.entries()) {
    if (!KEPT_BACK.has(name) && !name.startsWith("x-turnpike-")) headers.set(name, value);
  }
  // Ours about rates are not to be read together with a provider's of the same names.
  if (RATES.some((name) => own.has(name))) for (const name of RATES) headers.delete(name);
  // A provider's own id of the request is what its support asks for; ours is in Inference-Id too.
  const providersId = headers.get(REQUEST_ID);
  for (const [name, value] of own) headers.set(name, value);
  if (providersId !== null) headers.set(REQUEST_ID, providersId);
  headers.set("content-type", head.get("content-type") ?? "application/octet-stream");
  return headers;
}
