/** What all inference routes have in common: who calls, who pays, with whose key, once or again. */

import type { Call, Gateway } from "../../gateway/parts.js";
import type { Reply } from "../../gateway/reply.js";
import { badRequest } from "../../kernel/errors.js";
import { PROVIDER_KEY_CHARS_MAX } from "../../kernel/limits.js";
import type { Caller } from "../../tenants/caller.js";
import { parseTags } from "../../wire/tags.js";
import { authenticate, knownCaller } from "../authenticate.js";
import type { Incoming } from "../incoming.js";
import type { Site, Visit } from "../parts.js";
import { billedCaller } from "./bill-to.js";
import { idempotencyKey, serveOnce } from "./idempotency.js";

/** Who calls, by a token that this process may have to ask the store for. */
export const inferenceCaller = (site: Site, visit: Visit): Caller | Promise<Caller> =>
  knownCaller(site, visit, "inference") ?? authenticate(site, visit, "inference");

/** A request with all that its headers say of it. */
export const callOf = <R extends Call["request"]>(
  site: Site,
  visit: Visit,
  caller: Caller,
  request: R,
): Call & { readonly request: R } => ({
  id: visit.id,
  caller: billedCaller(site, visit, caller),
  request,
  headerKey: providerKeyHeader(visit.request),
  tags: parseTags(visit.request.headers.get("x-turnpike-tags")),
  sender: visit.request,
  at: visit.at,
  startedAt: visit.startedAt,
  admission: undefined,
});

/** Serves a call, unless its `Idempotency-Key` was used already. */
export function serveCall<C extends Call>(
  site: Site,
  visit: Visit,
  call: C,
  serve: Serve<C>,
): Promise<Reply> {
  const key = idempotencyKey(visit.request);
  if (key === undefined) return serve(site.gateway, call);
  return serveKeyed(site, key, call, serve);
}

type Serve<C extends Call> = (gateway: Gateway, call: C) => Promise<Reply>;

/** In a function of its own: one that holds another function makes a scope on the heap each time it is called. */
function serveKeyed<C extends Call>(
  site: Site,
  key: string,
  call: C,
  serve: Serve<C>,
): Promise<Reply> {
  const { id, at, caller } = call;
  const asked = { id, payer: caller.payerId, at };
  return serveOnce(site, key, asked, (onStart) => serve(site.gateway, { ...call, onStart }));
}

function providerKeyHeader(request: Incoming): string | undefined {
  const key = request.headers.get("x-turnpike-provider-key");
  if (key === null) return undefined;
  if (key.length <= PROVIDER_KEY_CHARS_MAX && /^[\x21-\x7e]+$/.test(key)) return key;
  throw badRequest(
    `X-Turnpike-Provider-Key must be 1 to ${PROVIDER_KEY_CHARS_MAX} printable characters without spaces.`,
    "x-turnpike-provider-key",
  );
}
