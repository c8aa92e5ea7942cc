/**
 * Pages of other origins may call models and look them up, as at Hugging Face's router: browsers ask before they send,
 * and show a page only what they are told it may read. Nobody is known here by a cookie, so a page can do no more than
 * whoever has the token that it sends. Our own API and front page are for nobody else's pages.
 */
import { type Reply, withHeaders } from "../gateway/reply.js";
import type { Incoming } from "./incoming.js";

const ANYBODY = { "access-control-allow-origin": "*" };
/** What a page could not read otherwise; `*` stands for all of them where no cookies are. */
const READABLE = { ...ANYBODY, "access-control-expose-headers": "*" };
const PREFLIGHT_SECONDS = 7_200;

const isForPages = (path: string): boolean => path.length > 1 && !path.startsWith("/api/turnpike/");

/** The answer to a browser's question whether a page may send a request; undefined for everything else. */
export function preflight({ method, headers }: Incoming, path: string): Response | undefined {
  if (method !== "OPTIONS" || !headers.has("access-control-request-method")) return undefined;
  if (!isForPages(path)) return undefined;
  const told = {
    ...ANYBODY,
    "access-control-allow-methods": "GET, HEAD, POST, PUT, DELETE",
    // By name: the star would leave out Authorization.
    "access-control-allow-headers": headers.get("access-control-request-headers") ?? "*",
    "access-control-max-age": String(PREFLIGHT_SECONDS),
    vary: "Access-Control-Request-Headers",
  };
  return new Response(null, { status: 204, headers: told });
}

/** Lets the page that asked read the answer; only browsers say which page that is. */
export function readable({ headers }: Incoming, path: string, reply: Reply): Reply {
  if (!headers.has("origin") || !isForPages(path)) return reply;
  return withHeaders(reply, READABLE);
}
