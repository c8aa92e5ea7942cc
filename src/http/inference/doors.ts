/** The OpenAI-shaped routes beside chat: one handler for all of them, since each is a parser and a printer. */

import { serveChat } from "../../gateway/chat/chat.js";
import type { Reply } from "../../gateway/reply.js";
import { serveTask } from "../../gateway/task/task.js";
import type { TaskRequest } from "../../gateway/task/task-request.js";
import { spanOf } from "../../kernel/span.js";
import type { Caller } from "../../tenants/caller.js";
import { parseCompletionRequest, splitModel } from "../../wire/chat-request.js";
import type { Asked, Door } from "../../wire/doors/door.js";
import { readDoorBody } from "../../wire/doors/form.js";
import { readBytes } from "../body.js";
import type { Handler, Site, Visit } from "../parts.js";
import { callOf, inferenceCaller, serveCall } from "./inference.js";
import { taskRequest } from "./task-request.js";

export const doorHandler =
  (door: Door): Handler =>
  async (site, visit) => {
    const caller = await inferenceCaller(site, visit);
    const bytes = await readBytes(visit.request, site.gateway.limits.bodyBytesMax, visit);
    return serveDoor(site, visit, caller, door, bytes, {});
  };

/** `pinned` is what the path has settled already, whatever the body says. */
export async function serveDoor(
  site: Site,
  visit: Visit,
  caller: Caller,
  door: Door,
  bytes: Uint8Array<ArrayBuffer>,
  pinned: Partial<Pick<Asked, "model" | "controls">>,
): Promise<Reply> {
  const body = await readDoorBody(visit.request.headers.get("content-type"), bytes);
  const asked = { ...door.parse(body), ...pinned };
  if (asked.isStream) return streamCompletion(site, visit, caller, bytes, asked);
  const request = await doorRequest(door, asked);
  const call = callOf(site, visit, caller, request);
  return serveCall(site, visit, call, serveTask);
}

/** What a body asks for, as the gateway sees it. */
export function doorRequest(door: Door, asked: Asked): Promise<TaskRequest> {
  const { model, suffix } = splitModel(asked.model);
  return taskRequest({
    ...asked,
    model,
    suffix,
    write: (delivered, facts) => door.print(asked, delivered, { ...facts, model }),
  });
}

/** Text that is streamed comes in events like those of chat, and goes the way of chat. */
function streamCompletion(
  site: Site,
  visit: Visit,
  caller: Caller,
  bytes: Uint8Array,
  { model, controls }: Pick<Asked, "model" | "controls">,
): Promise<Reply> {
  const request = parseCompletionRequest(spanOf(bytes));
  const call = callOf(site, visit, caller, { ...request, ...splitModel(model), controls });
  return serveCall(site, visit, call, serveChat);
}
