/** `/{provider}/…`: a provider's own wire, with our token swapped for its key, metered and billed like any other. */

import type { Mapping } from "../../catalog/model.js";
import { serveChat } from "../../gateway/chat/chat.js";
import type { ConfiguredProvider } from "../../gateway/parts.js";
import { mappingOfJob } from "../../gateway/pass/job-offer.js";
import { type Matched, matchRoute } from "../../gateway/pass/match.js";
import { serveOwnChat } from "../../gateway/pass/own-chat.js";
import { servePass } from "../../gateway/pass/pass.js";
import { servePoll } from "../../gateway/pass/poll.js";
import type { Reply } from "../../gateway/reply.js";
import { findKey } from "../../gateway/route/eligible.js";
import { badRequest, RouterError } from "../../kernel/errors.js";
import { spanOf } from "../../kernel/span.js";
import { isOfUnknownLength } from "../../metering/task-usage.js";
import type { OwnChat, ProviderRequest } from "../../providers/provider.js";
import type { ChatRequest } from "../../tasks/chat-completion.js";
import type { Caller } from "../../tenants/caller.js";
import { asObject } from "../../wire/as-object.js";
import { parseChatRequest, parseCompletionRequest } from "../../wire/chat-request.js";
import { parseGenerationRequest } from "../../wire/generation-request.js";
import { NO_CONTROLS } from "../../wire/route-controls.js";
import { parseTaskPayload } from "../../wire/task-payload.js";
import { readBody, readBytes } from "../body.js";
import type { Site, Visit } from "../parts.js";
import { callOf, inferenceCaller, serveCall } from "./inference.js";
import { modelOfPass, passRequest, wantsStream } from "./pass-request.js";
import { type PassTarget, targetOf, upstreamOf } from "./pass-target.js";

/** Undefined for a path that no provider has. */
export async function passThrough(site: Site, visit: Visit): Promise<Reply | undefined> {
  const place = placeOf(site, visit);
  if (place) return servePlace(site, visit, place);
  return askAboutJob(site, visit, unprefixed(site, visit));
}

type Place = {
  readonly configured: ConfiguredProvider;
  readonly wanted: PassTarget;
  readonly matched: Matched | undefined;
};

function placeOf(site: Site, visit: Visit): Place | undefined {
  const [, id = "", rest = "/"] = /^\/([^/]+)(\/.*)?$/.exec(visit.path) ?? [];
  const configured = site.gateway.providers.get(id);
  if (!configured) return undefined;
  const wanted = targetOf(configured.provider, visit, rest);
  const place = at(configured, visit, wanted);
  // Clients take the path of a URL in an answer, which begins with that of the base URL where it has one.
  const base = pathOf(configured.baseUrl);
  const isBelow = base !== "" && wanted.path.startsWith(`${base}/`);
  if (place.matched || !isBelow) return place;
  return at(configured, visit, { ...wanted, path: wanted.path.slice(base.length) });
}

const pathOf = (baseUrl: string): string => new URL(baseUrl).pathname.replace(/\/$/, "");

function at(configured: ConfiguredProvider, visit: Visit, wanted: PassTarget): Place {
  const asked = { method: visit.request.method, path: wanted.path, query: wanted.query };
  return { configured, wanted, matched: matchRoute(configured.provider, asked) };
}

/** Clients that do not know us by name ask about their jobs without the provider's prefix. */
const unprefixed = (site: Site, visit: Visit): readonly Place[] =>
  [...site.gateway.providers.values()]
    .map((configured) =>
      at(configured, visit, { path: visit.path, query: visit.url.searchParams, host: undefined }),
    )
    .filter(({ matched }) => matched?.job !== undefined && matched.route.tasks.length === 0);

async function servePlace(site: Site, visit: Visit, place: Place): Promise<Reply | undefined> {
  const { configured, matched, wanted } = place;
  if (matched?.job !== undefined) return askAboutJob(site, visit, [place]);
  if (matched) return passCall(site, visit, place, matched);
  // fal's apps are called fal-ai/…, like fal itself.
  const asJob = unprefixed(site, visit);
  if (asJob.length > 0) return askAboutJob(site, visit, asJob);
  const own =
    visit.request.method === "POST" &&
    configured.provider.ownChats?.find(({ path }) => path === wanted.path);
  if (own) return passOwnChat(site, visit, place, own);
  const isChat = visit.request.method === "POST" && isChatPath(configured, wanted.path);
  return isChat ? passChat(site, visit, configured) : undefined;
}

/** Where the path of its chat holds no model. */
const isChatPath = ({ provider }: ConfiguredProvider, path: string): boolean =>
  provider.tasks.conversational?.path("") === path;

/** Chat goes the way of all chat, to this provider alone. */
async function passChat(
  site: Site,
  visit: Visit,
  { provider }: ConfiguredProvider,
): Promise<Reply> {
  const caller = await inferenceCaller(site, visit);
  const { gateway } = site;
  const request = parseChatRequest(
    await readBody(visit.request, gateway.limits.bodyBytesMax, visit),
  );
  const mapping = mappingOf(site, provider.id, nameIn(request), ["conversational"]);
  if (!mapping) throw notSupported(provider.id);
  const call = callOf(site, visit, caller, { ...request, ...pinnedTo(mapping) });
  return serveCall(site, visit, call, serveChat);
}

/** Chat in a form of the provider's own, which both sides know better than we do. */
async function passOwnChat(
  site: Site,
  visit: Visit,
  { configured: { provider }, wanted }: Place,
  { form }: OwnChat,
): Promise<Reply> {
  const caller = await inferenceCaller(site, visit);
  const { gateway } = site;
  const bytes = await readBytes(visit.request, gateway.limits.bodyBytesMax, visit);
  const request = parseChatRequest(spanOf(bytes));
  const mapping = mappingOf(site, provider.id, nameIn(request), ["conversational"]);
  if (!mapping) throw notSupported(provider.id);
  const upstream: ProviderRequest = {
    ...upstreamOf(provider, visit, wanted, undefined),
    body: { kind: "bytes", media: { bytes, type: "application/json" } },
  };
  const call = callOf(site, visit, caller, { ...request, ...pinnedTo(mapping) });
  const own = { ...call, upstream, form };
  return serveCall(site, visit, own, serveOwnChat);
}

/** As it stands in the body: the provider's own names may hold colons. */
const nameIn = ({ model, suffix }: Pick<ChatRequest, "model" | "suffix">): string =>
  suffix === undefined ? model : `${model}:${suffix}`;

const pinnedTo = ({ modelId, provider }: Mapping) => ({ model: modelId, suffix: provider });

async function passCall(
  site: Site,
  visit: Visit,
  { configured, wanted }: Place,
  { route, model }: Matched,
): Promise<Reply> {
  const { provider } = configured;
  const caller = await inferenceCaller(site, visit);
  const { gateway } = site;
  const type = typeOf(visit);
  const bytes = await readBytes(visit.request, gateway.limits.bodyBytesMax, visit);
  const named = model ?? (await modelOfPass(route, type, bytes));
  const mapping = named && mappingOf(site, provider.id, named, route.tasks);
  if (!mapping) throw notSupported(provider.id);
  if (mapping.task === "text-generation" && (await wantsStream(type, bytes))) {
    const asked = streamedText(named, type, bytes);
    const call = callOf(site, visit, caller, { ...asked, ...pinnedTo(mapping) });
    return serveCall(site, visit, call, serveChat);
  }
  const upstream: ProviderRequest = {
    ...upstreamOf(provider, visit, wanted, route.host),
    body: { kind: "bytes", media: { bytes, type } },
  };
  const request = await passRequest({ mapping, upstream, route }, type, bytes);
  const call = callOf(site, visit, caller, request);
  const isCharged = findKey(gateway, call, configured) === "operator" && !mapping.isFree;
  if (isCharged && isOfUnknownLength(mapping.task, request.asked, mapping.price ?? {})) {
    throw noSound(mapping);
  }
  return serveCall(site, visit, call, (gateway, each) => servePass(gateway, site.jobs, each));
}

const noSound = ({ modelId, provider }: Mapping): RouterError =>
  badRequest(
    `${modelId} by ${provider} is charged by the length of the sound. Send the sound itself, in a form or as a data URI, and no link; or a link to /models/${modelId}, where Turnpike fetches it.`,
  );

/** In OpenAI's form, or in Text Generation Inference's, which has no `prompt`. */
function streamedText(model: string, type: string, bytes: Uint8Array<ArrayBuffer>): ChatRequest {
  const text = new TextDecoder().decode(bytes);
  if (asObject(JSON.parse(text))?.prompt !== undefined)
    return parseCompletionRequest(spanOf(bytes));
  const { input } = parseTaskPayload("text-generation", type, bytes);
  return parseGenerationRequest(text, model, input);
}

/** Whatever is no form is read as JSON, so the provider must not read it as something else. */
function typeOf({ request }: Visit): string {
  const said = request.headers.get("content-type") ?? "";
  return /^multipart\/form-data\b/i.test(said) ? said : "application/json";
}

/** Whose job it is, is asked before anything else is told of it. */
async function askAboutJob(
  site: Site,
  visit: Visit,
  places: readonly Place[],
): Promise<Reply | undefined> {
  if (places.length === 0) return undefined;
  const caller = await inferenceCaller(site, visit);
  for (const place of places) {
    const answer = await askAt(site, visit, caller, place);
    if (answer) return answer;
  }
  throw new RouterError("not_found", "You began no such job here.");
}

async function askAt(
  site: Site,
  visit: Visit,
  caller: Caller,
  { configured, wanted, matched }: Place,
): Promise<Reply | undefined> {
  const { gateway, jobs, lateBilling, drain } = site;
  const { provider } = configured;
  const job = await jobs.find(provider.id, matched?.job ?? "", caller.user.id);
  const mapping = job && mappingOfJob(gateway, job);
  if (!job || !mapping || !matched) return undefined;
  const stored = gateway.directory.providerKey(caller.keyOwner, provider.id);
  const request = {
    model: mapping.modelId,
    suffix: provider.id,
    controls: NO_CONTROLS,
    isStream: false,
  };
  const call = callOf(site, visit, caller, request);
  const key = call.headerKey ?? stored ?? configured.key;
  const keySource = call.headerKey ? "header" : stored ? "stored" : "operator";
  const poll = { gateway, jobs, lateBilling, drain, call, job, mapping, key, keySource } as const;
  return servePoll(poll, upstreamOf(provider, visit, wanted, matched.route.host));
}

/** By the provider's own name for the model. */
const mappingOf = (
  { gateway }: Site,
  provider: string,
  providerModel: string,
  tasks: readonly Mapping["task"][],
): Mapping | undefined =>
  gateway.catalog.named(provider, providerModel).find(({ task }) => tasks.includes(task));

const notSupported = (provider: string): RouterError =>
  new RouterError("bad_request", `Model not supported by provider ${provider}`, { param: "model" });
