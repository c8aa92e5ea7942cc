import type { PathParams } from "./call.js";
import type { ChatDialect } from "./chat/dialect.js";
import type { Json } from "./json.js";
import type { ProviderFacts, SimModel } from "./provider-facts.js";
import type { TaskAnswer } from "./task/answer.js";
import type { TaskAsk } from "./task/ask.js";

export type ListedModel = SimModel & {
  readonly created: number;
  /** USD per million tokens as JSON numbers, as providers print them. */
  readonly pricing: {
    readonly input: number;
    readonly output: number;
    readonly cached_input?: number;
  };
};

/** A route may serve some of what its path matches and leave the rest to the next one. */
type Guarded = { readonly serves?: (params: PathParams) => boolean };

/** Any task but chat, and what belongs to it: polls, cancellations, results. */
export type TaskEndpoint = Guarded & {
  readonly kind: "task";
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  /**
   * By the name the Hub uses; what the delivery log says and the price is looked up by. Empty where the
   * path serves several: the answer says which.
   */
  readonly task: string;
  readonly answer: (ask: TaskAsk) => TaskAnswer | Promise<TaskAnswer>;
};

/** A route. `{name}` in the path takes one segment or more. */
export type Endpoint =
  | TaskEndpoint
  | (Guarded & {
      readonly kind: "chat";
      readonly method: "POST";
      readonly path: string;
      /** By the name the Hub uses; `conversational` when absent. Text generation is chat without a template. */
      readonly task?: "text-generation";
      readonly chat: ChatDialect;
    })
  | (Guarded & {
      readonly kind: "models";
      readonly method: "GET";
      readonly path: string;
      readonly list: (models: readonly ListedModel[], params: PathParams) => Json;
    });

/** A provider is data and pure functions: what it serves, how it names things, how it refuses. */
export type Provider = ProviderFacts & { readonly endpoints: readonly Endpoint[] };
