/** From a caller's chat request to what one provider is sent. Pure. */
import type { Content } from "../../kernel/content.js";
import { readOnce } from "../../kernel/read-once.js";
import type { ChatAdapter, Provider } from "../../providers/provider.js";
import type { ChatRequest } from "../../tasks/chat-completion.js";
import type { Changes } from "../../tasks/json-object.js";
import { withChanges, withMember } from "../../wire/json-changes.js";

export type UpstreamRequest = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Content;
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
      body: Buffer.from(target.clampedTo === undefined ? text : limitedTo(target.clampedTo)),
    };
  }
  const path = adapter.path(target.providerModel);
  const changes = changesFor(adapter, request, target.clampedTo);
  const body = changes
    ? withChanges(request.body, changes.set("model", JSON.stringify(target.providerModel)))
    : withMember(request.body, "model", quoted(target.providerModel));
  return { path, headers: headers ?? NO_HEADERS, body };
}

const NO_HEADERS = {};
const quoted = readOnce((model) => Buffer.from(JSON.stringify(model)));

/** All changes but that of the model; undefined for none, as for most plain requests. */
function changesFor(
  adapter: ChatAdapter,
  request: ChatRequest,
  clampedTo: number | undefined,
): Changes | undefined {
  const isControlled = request.body.has("provider");
  const asksForUsage =
    request.isStream && !request.wantsUsage && adapter.usageInStream === "on_request";
  const own = adapter.changes(request);
  if (!own && !isControlled && !asksForUsage && clampedTo === undefined) return undefined;
  const changes: Changes = own ?? new Map();
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
  leaveOut.length === 0 ? leaveOut : leaveOut.filter((name) => request.body.has(name));
