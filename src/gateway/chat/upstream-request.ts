/** From a caller's chat request to what one provider is sent. Pure. */
import type { ChatAdapter, Provider } from "../../providers/provider.js";
import type { ChatRequest } from "../../tasks/chat-completion.js";
import { withChanges } from "../../wire/json-members.js";

export type UpstreamRequest = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
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
  const changes = adapter.changes(request);
  changes.set("model", JSON.stringify(target.providerModel));
  // Our own controls are nobody else's business.
  if (request.members.has("provider")) changes.set("provider", undefined);
  if (request.isStream && !request.wantsUsage && adapter.usageInStream === "on_request") {
    changes.set(
      "stream_options",
      JSON.stringify({ ...request.streamOptions, include_usage: true }),
    );
  }
  if (target.clampedTo !== undefined) {
    changes.set(request.maxTokens?.name ?? adapter.maxTokensName, String(target.clampedTo));
  }
  return {
    path: adapter.path(target.providerModel),
    headers: headers ?? NO_HEADERS,
    body: withChanges(request.text, request.members, changes),
  };
}

const NO_HEADERS = {};

/** Members of the caller's body that this provider is not sent. */
export const leftOut = (adapter: ChatAdapter, request: ChatRequest): readonly string[] =>
  adapter.leaveOut.filter((name) => request.members.has(name));
