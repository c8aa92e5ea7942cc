import type { ChatDialect } from "./chat/dialect.js";
import type { Ids } from "./ids.js";
import type { Json } from "./json.js";
import type { PriceText } from "./money.js";

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

/** A route. `{name}` in the path takes one segment or more. */
export type Endpoint =
  | {
      readonly kind: "chat";
      readonly method: "POST";
      readonly path: string;
      readonly chat: ChatDialect;
    }
  | {
      readonly kind: "models";
      readonly method: "GET";
      readonly path: string;
      readonly list: (models: readonly ListedModel[], params: PathParams) => Json;
    };

export type PathParams = { readonly [name: string]: string };

/** A provider is data and pure functions: what it serves, how it names things, how it refuses. */
export type Provider = {
  readonly id: string;
  readonly requestIdHeader: string;
  readonly requestId: (ids: Ids) => string;
  /** For models that are not listed. */
  readonly price: PriceText;
  readonly models: readonly SimModel[];
  readonly endpoints: readonly Endpoint[];
  readonly error: (facts: ErrorFacts) => ErrorAnswer;
};
