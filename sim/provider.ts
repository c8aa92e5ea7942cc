import type { ChatDialect } from "./chat/dialect.js";
import type { Ids } from "./ids.js";
import type { Json } from "./json.js";
import type { PriceText } from "./money.js";
import type { TaskAnswer } from "./task/answer.js";
import type { TaskAsk } from "./task/ask.js";
import type { UnitPriceText } from "./units.js";

/** A model the provider lists. Others are served too: any id is accepted unless a dial says otherwise. */
export type SimModel = {
  /** The provider's own id. */
  readonly id: string;
  /** The Hub's id for it. */
  readonly hub: string;
  readonly context: number;
  readonly tools: boolean;
  readonly structured: boolean;
  readonly price: PriceText;
};

/** A model for another task than chat. */
export type TaskModel = {
  /** The provider's own id. */
  readonly id: string;
  /** The Hub's id for it. */
  readonly hub: string;
  /** By the name the Hub uses, e.g. `text-to-image`. */
  readonly task: string;
  readonly price: UnitPriceText;
};

export type ErrorKind =
  | "unauthorized"
  | "rate_limited"
  | "unknown_model"
  | "unknown_field"
  | "bad_request"
  | "not_found"
  | "server_error";

export type ErrorFacts = {
  readonly kind: ErrorKind;
  /** The usual status for the kind; a provider may know better. */
  readonly status: number;
  readonly message: string;
  /** The model id, the field or the key that the error is about. */
  readonly about: string;
  /** Whether a key was sent at all. */
  readonly keySent: boolean;
  readonly requestId: string;
};

export type ErrorAnswer = {
  readonly status: number;
  /** Text goes out as text/plain. */
  readonly body: Json;
  readonly headers?: { readonly [name: string]: string };
};

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

export type PathParams = { readonly [name: string]: string };

/** A provider is data and pure functions: what it serves, how it names things, how it refuses. */
export type Provider = {
  readonly id: string;
  readonly requestIdHeader: string;
  readonly requestId: (ids: Ids) => string;
  /** Where the key is, if not in `Authorization: Bearer`. */
  readonly keyIn?: (headers: Headers) => string | undefined;
  /** For chat models that are not listed; absent: no chat. */
  readonly price?: PriceText;
  readonly models: readonly SimModel[];
  /** Models of other tasks. The first of a task also prices the ones that are not listed. */
  readonly tasks?: readonly TaskModel[];
  readonly endpoints: readonly Endpoint[];
  readonly error: (facts: ErrorFacts) => ErrorAnswer;
};
