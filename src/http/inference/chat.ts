import { serveChat } from "../../gateway/chat/chat.js";
import { parseChatRequest } from "../../wire/chat-request.js";
import { readBody } from "../body.js";
import type { Handler } from "../parts.js";
import { callOf, inferenceCaller, serveCall } from "./inference.js";

/** POST /v1/chat/completions */
export const chatCompletions: Handler = async (site, visit) => {
  const known = inferenceCaller(site, visit);
  // Waiting for what is there already costs a promise.
  const caller = known instanceof Promise ? await known : known;
  const { gateway } = site;
  const body = readBody(visit.request, gateway.limits.bodyBytesMax, visit);
  const text = typeof body === "string" ? body : await body;
  const call = callOf(site, visit, caller, parseChatRequest(text));
  return serveCall(site, visit, call, serveChat);
};
