/** The headers that providers are sent: with few keys, the same ones for every request. */
import { type Auth, shownKey } from "../providers/provider.js";

type Headers = Readonly<Record<string, string>>;

/** By the provider's own headers and its way to show a key, each one object per provider at most; then by key. */
const headersKept = new WeakMap<Headers, WeakMap<Auth, Map<string | undefined, ByKind>>>();
const HEADERS_KEPT_MAX = 1_000;

type ByKind = { readonly plain: Headers; readonly stream: Headers };

/** What a provider is sent besides a body. The same object each time, and found without making one. */
export function headersFor(
  own: Headers,
  auth: Auth,
  key: string | undefined,
  isStream: boolean,
): Headers {
  const kept = headersKept.get(own)?.get(auth)?.get(key) ?? keepHeaders(own, auth, key);
  return isStream ? kept.stream : kept.plain;
}

function keepHeaders(own: Headers, auth: Auth, key: string | undefined): ByKind {
  const byAuth = headersKept.get(own) ?? new WeakMap<Auth, Map<string | undefined, ByKind>>();
  const byKey = byAuth.get(auth) ?? new Map<string | undefined, ByKind>();
  headersKept.set(own, byAuth.set(auth, byKey));
  const kept = {
    plain: madeHeaders(own, auth, key, "application/json"),
    stream: madeHeaders(own, auth, key, "text/event-stream"),
  };
  if (byKey.size >= HEADERS_KEPT_MAX) byKey.clear();
  byKey.set(key, kept);
  return kept;
}

const madeHeaders = (
  own: Headers,
  auth: Auth,
  key: string | undefined,
  accept: string,
): Headers => ({
  ...own,
  "content-type": "application/json",
  accept,
  // What is not compressed need not be unpacked, and cannot be a bomb.
  "accept-encoding": "identity",
  "user-agent": "turnpike",
  ...(key !== undefined && { [auth.header]: shownKey(auth, key) }),
});
