import type { Json } from "./json.js";

export type ErrorKind =
  | "unauthorized"
  | "rate_limited"
  | "unknown_model"
  | "unknown_field"
  | "bad_request"
  | "not_found"
  | "server_error";

/** Why a request is refused, and what about it. */
export type Failure = {
  readonly kind: ErrorKind;
  readonly about: string;
  readonly message?: string;
  readonly status?: number;
  readonly headers?: { readonly [name: string]: string };
};

/** What a provider is told of it. */
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

/** How it says so. */
export type ErrorAnswer = {
  readonly status: number;
  /** Text goes out as text/plain. */
  readonly body: Json;
  readonly headers?: { readonly [name: string]: string };
};
