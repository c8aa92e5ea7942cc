/** POST /api/turnpike/route: who would serve a request, in which order and why. Nothing is sent to anyone. */

import { findModel } from "../../catalog/find.js";
import { chatWish } from "../../gateway/chat/chat-wish.js";
import type { Routed } from "../../gateway/route/eligible.js";
import { modelWish } from "../../gateway/route/model-wish.js";
import { printRoute, type RouteReport, reportRoute } from "../../gateway/route/route-report.js";
import { taskWish } from "../../gateway/task/task.js";
import { spanOf, textOf } from "../../kernel/span.js";
import type { JsonObject } from "../../tasks/json-object.js";
import type { Json } from "../../tasks/task-call.js";
import { asObject } from "../../wire/as-object.js";
import { parseChatRequest, parseCompletionRequest } from "../../wire/chat-request.js";
import type { Door } from "../../wire/doors/door.js";
import { DOORS } from "../../wire/doors/doors.js";
import { parseEstimateQuery } from "../../wire/estimate-query.js";
import { withChanges } from "../../wire/json-changes.js";
import { readObject } from "../../wire/json-object.js";
import { parseRouteControls } from "../../wire/route-controls.js";
import { authenticate } from "../authenticate.js";
import { readBody } from "../body.js";
import { type Handler, json, type Site } from "../parts.js";
import { billedCaller } from "./bill-to.js";
import { doorRequest } from "./doors.js";
import { MESSAGES, withoutRoute } from "./estimate.js";
import { assumedFor, taskOf, withModelOf } from "./estimate-model.js";

/** The body is that of an estimate: any inference body with its route, or a model's name alone. */
export const route: Handler = async (site, visit) => {
  const caller = billedCaller(site, visit, await authenticate(site, visit, "read"));
  const body = readObject(await readBody(visit.request, site.gateway.limits.bodyBytesMax));
  const { at, startedAt } = visit;
  const asking: Asking = { caller, headerKey: undefined, at, startedAt };
  return json(printRoute(await report(site, asking, body)));
};

type Asking = Omit<Routed, "request">;

async function report({ gateway }: Site, asking: Asking, whole: JsonObject): Promise<RouteReport> {
  if (whole.has(MESSAGES)) {
    const request = parseChatRequest(withoutRoute(whole));
    return reportRoute(gateway, { ...asking, request }, chatWish);
  }
  const { route: path, ...body } = withModelOf(JSON.parse(textOf(whole)));
  const door = typeof path === "string" && Object.hasOwn(DOORS, path) ? DOORS[path] : undefined;
  if (!door || !GOES_IN.some((name) => name in body)) return ofModel(gateway, asking, path, body);
  if (body.stream === true) {
    const own = spanOf(withChanges(whole, new Map([["route", undefined]])));
    return reportRoute(gateway, { ...asking, request: parseCompletionRequest(own) }, chatWish);
  }
  return ofDoor(gateway, asking, door, body);
}

/** What the JSON bodies of doors are about; a body without any of it says no more than a model's name. */
const GOES_IN = ["input", "prompt", "query"];

async function ofDoor(
  gateway: Site["gateway"],
  asking: Asking,
  door: Door,
  body: Json,
): Promise<RouteReport> {
  const request = await doorRequest(door, door.parse({ kind: "json", json: body }));
  return reportRoute(gateway, { ...asking, request }, taskWish);
}

async function ofModel(
  gateway: Site["gateway"],
  asking: Asking,
  path: unknown,
  body: Json,
): Promise<RouteReport> {
  const query = parseEstimateQuery(body);
  const { model, suffix } = query;
  const task = taskOf(path) ?? query.task ?? findModel(gateway.catalog, model).task;
  const request = {
    ...{ model, suffix, isStream: false, task },
    controls: parseRouteControls(asObject(body.provider)),
    assumed: await assumedFor(query),
  };
  return reportRoute(gateway, { ...asking, request }, modelWish);
}
