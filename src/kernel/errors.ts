/** Every way a request can end badly. The HTTP status of each is in `http/errors.ts`. */
export type ErrorCode =
  | "bad_request"
  | "unsupported_parameter"
  | "invalid_token"
  | "insufficient_credit"
  | "forbidden"
  | "not_a_member"
  | "provider_disabled"
  | "not_found"
  | "model_not_found"
  | "model_not_served"
  | "conflict"
  | "idempotency_conflict"
  | "body_too_large"
  | "provider_rejected"
  | "rate_limited"
  | "provider_error"
  | "provider_unavailable"
  | "provider_timeout"
  | "store_unavailable"
  | "payments_unavailable"
  | "internal";

export type ErrorDetail = {
  /** The field of the request at fault. */
  readonly param?: string;
  /** The provider's own status, kept where it is a 4xx. */
  readonly status?: number;
  readonly retryAfterSeconds?: number;
  /** Further headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the error object, safe to show. */
  readonly extra?: Readonly<Record<string, unknown>>;
};

/** The end of a request, with a message meant for the caller. */
export class RouterError extends Error {
  readonly code: ErrorCode;
  readonly detail: ErrorDetail;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = "RouterError";
    this.code = code;
    this.detail = detail;
  }
}

export const badRequest = (message: string, param?: string): RouterError =>
  new RouterError("bad_request", message, param === undefined ? {} : { param });

/** For a broken assumption: becomes a 500 and a log line, never a guess. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
