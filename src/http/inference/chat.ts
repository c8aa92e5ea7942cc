import { serveChat } from "../../gateway/chat/chat.js";
import type { Reply } from "../../gateway/reply.js";
import type { Span } from "../../kernel/span.js";
import type { Caller } from "../../tenants/caller.js";
import { parseChatRequest } from "../../wire/chat-request.js";
import { readBody } from "../body.js";
import type { Handler, Site, Visit } from "../parts.js";
import { callOf, inferenceCaller, serveCall } from "./inference.js";

/** POST /v1/chat/completions */
export const chatCompletions: Handler = (site, visit) => {
  const caller = inferenceCaller(site, visit);
  // Waiting for what is there already costs a promise.
  return caller instanceof Promise
    ? caller.then((known) => chatOf(site, visit, known))
    : chatOf(site, visit, caller);
};

function chatOf(site: Site, visit: Visit, caller: Caller): Promise<Reply> {
  const body = readBody(visit.request, site.gateway.limits.bodyBytesMax, visit);
  return body instanceof Promise
    ? body.then((come) => serveBody(site, visit, caller, come))
    : serveBody(site, visit, caller, body);
}

const serveBody = (site: Site, visit: Visit, caller: Caller, body: Span): Promise<Reply> =>
  serveCall(site, visit, callOf(site, visit, caller, parseChatRequest(body)), serveChat);
