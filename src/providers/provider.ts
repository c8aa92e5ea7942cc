import type { BodyChanges, ChatRequest } from "../tasks/chat-completion.js";
import type { CostReader } from "./reported.js";

/** How a key is shown to a provider. Adapters never see the key itself. */
export type Auth = { readonly header: string; readonly scheme: string };

export const bearer: Auth = { header: "authorization", scheme: "Bearer" };

/** One provider: what to send and how to read what comes back, as data and pure functions. */
export type Provider = {
  readonly id: string;
  readonly name: string;
  /** Scheme, host and, where all routes share one, a first path segment. Configuration may replace it. */
  readonly origin: string;
  readonly auth: Auth;
  /** Sent with every request, polls included. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the operator's key is looked for. */
  readonly keyVariable: string | undefined;
  /** Some servers on one's own machine want no key. */
  readonly needsKey: boolean;
  /** The answer header with its own id of a request, by which its billing endpoint knows the request. */
  readonly requestIdHeader?: string;
  readonly tasks: { readonly conversational?: ChatAdapter };
};

/** Where a provider says afterwards what requests cost. */
export type BillingEndpoint = {
  readonly url: string;
  /** In lower case: the answer header with the provider's own id of the request. */
  readonly requestIdHeader: string;
  /** It need not be asked sooner than this after an answer. */
  readonly delayMs: number;
};

/** An OpenAI-shaped chat route: the body passes through but for what stands here. */
export type ChatAdapter = {
  readonly path: (providerModel: string) => string;
  /** Changes to the caller's body besides `model`. Throws a RouterError for what it must refuse. */
  readonly changes: (request: ChatRequest) => BodyChanges;
  /** Members that the provider would choke on and that change nothing about the answer. */
  readonly leaveOut: readonly string[];
  /** Whether a stream's usage must be asked for. */
  readonly usageInStream: "on_request" | "always";
  /** The member that limits the output where the caller named none. */
  readonly maxTokensName: "max_tokens" | "max_completion_tokens";
  /** Its own finish reasons, and what OpenAI calls them. */
  readonly finishReasons: Readonly<Record<string, string>>;
  /** Sends `"id": ""`, which we fill. */
  readonly hasEmptyIds: boolean;
  /** Where its answers say what they cost, and are believed. */
  readonly reported: CostReader | undefined;
};
