/** From a caller's chat request to what one provider is sent. Pure. */
import { assert } from "../../kernel/errors.js";
import type { ChatAdapter, Provider } from "../../providers/provider.js";
import type { BodyChanges, ChatRequest } from "../../tasks/chat-completion.js";
import { withChanges, withMember } from "../../wire/json-members.js";

export type UpstreamRequest = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly bodyBytes?: number;
};

/** `clampedTo` lowers the caller's limit on output tokens, or sets one. */
export function chatUpstreamRequest(
  { headers }: Provider,
  adapter: ChatAdapter,
  request: ChatRequest,
  target: { readonly providerModel: string; readonly clampedTo: number | undefined },
): UpstreamRequest {
  if (request.generation && adapter.generationPath) {
    const { text, limitedTo } = request.generation;
    return {
      path: adapter.generationPath(target.providerModel),
      headers: headers ?? NO_HEADERS,
      body: target.clampedTo === undefined ? text : limitedTo(target.clampedTo),
    };
  }
  const { text, members } = request;
  const model = JSON.stringify(target.providerModel);
  const path = adapter.path(target.providerModel);
  const changes = changesFor(adapter, request, target.clampedTo);
  if (changes) {
    const body = withChanges(text, members, changes.set("model", model));
    return { path, headers: headers ?? NO_HEADERS, body };
  }
  return {
    path,
    headers: headers ?? NO_HEADERS,
    body: withMember(text, members, "model", model),
    bodyBytes: Buffer.byteLength(text) + bytesMore(request, model),
  };
}

/** How many bytes longer the body gets by another name for the model. */
function bytesMore({ text, members }: ChatRequest, model: string): number {
  const given = members.get("model");
  assert(given, "a request names its model");
  return Buffer.byteLength(model) - Buffer.byteLength(text.slice(given.valueStart, given.end));
}

const NO_HEADERS = {};

/** All changes but that of the model; undefined for none, as for most plain requests. */
function changesFor(
  adapter: ChatAdapter,
  request: ChatRequest,
  clampedTo: number | undefined,
): BodyChanges | undefined {
  const isControlled = request.members.has("provider");
  const asksForUsage =
    request.isStream && !request.wantsUsage && adapter.usageInStream === "on_request";
  const own = adapter.changes(request);
  if (!own && !isControlled && !asksForUsage && clampedTo === undefined) return undefined;
  const changes: BodyChanges = own ?? new Map();
  // Our own controls are nobody else's business.
  if (isControlled) changes.set("provider", undefined);
  if (asksForUsage) {
    const options = { ...request.streamOptions, include_usage: true };
    changes.set("stream_options", JSON.stringify(options));
  }
  if (clampedTo !== undefined) {
    changes.set(request.maxTokens?.name ?? adapter.maxTokensName, String(clampedTo));
  }
  return changes;
}

/** Members of the caller's body that this provider is not sent. */
export const leftOut = ({ leaveOut }: ChatAdapter, request: ChatRequest): readonly string[] =>
  leaveOut.length === 0 ? leaveOut : leaveOut.filter((name) => request.members.has(name));
