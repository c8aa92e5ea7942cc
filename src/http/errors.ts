/** The one place that knows HTTP's side of every error. */
import { idHeaders } from "../gateway/answer-headers.js";
import { type ErrorCode, RouterError } from "../kernel/errors.js";
import { type Log, reasonOf } from "../kernel/log.js";

type OnTheWire = {
  readonly status: number;
  /** OpenAI's `type` for errors of this kind. */
  readonly type: string;
  readonly when: string;
};

/** Never 503: the JavaScript client repeats a 503 at once and without end. */
export const ON_THE_WIRE = {
  bad_request: {
    status: 400,
    type: "invalid_request_error",
    when: "malformed JSON or a wrong type; `param` names the field",
  },
  unsupported_parameter: {
    status: 400,
    type: "invalid_request_error",
    when: "a parameter that nobody here can honour",
  },
  invalid_token: {
    status: 401,
    type: "authentication_error",
    when: "the token is missing, malformed, unknown, revoked or expired",
  },
  insufficient_credit: {
    status: 402,
    type: "insufficient_quota",
    when: "not even the smallest useful answer fits, or the credit ended before an answer that is charged by the second was there (then with `charged_nano_usd`); with `bucket` and `bucket_name` (whose credit or which limit), `needed_nano_usd`, `available_nano_usd`, `resets_at`, `price`, `max_tokens_that_fit`, `cheapest_alternative`",
  },
  forbidden: {
    status: 403,
    type: "permission_error",
    when: "the token lacks the scope, or you the role; or an organization lets only some of its members bill to it",
  },
  not_a_member: {
    status: 403,
    type: "permission_error",
    when: "the organization or resource group, named in `X-HF-Bill-To` or in the path, is none of yours",
  },
  provider_disabled: {
    status: 403,
    type: "permission_error",
    when: "the organization that pays, or you in your preferences, disabled every provider that could serve this, or the one you asked for; `disabled_providers` lists them",
  },
  not_found: { status: 404, type: "not_found_error", when: "there is no such route or thing" },
  model_not_found: {
    status: 404,
    type: "not_found_error",
    when: "no such model; `did_you_mean` lists what is close",
  },
  model_not_served: {
    status: 404,
    type: "not_found_error",
    when: "the model is known, but not by this provider or not at the moment; `served_if` says what is missing",
  },
  conflict: {
    status: 409,
    type: "conflict_error",
    when: "the name is taken, the seats are, or what is asked for happened already",
  },
  idempotency_conflict: {
    status: 409,
    type: "conflict_error",
    when: "the `Idempotency-Key` was used within the last 24 hours; `first_request` has that request's `inference_id` and `state`",
  },
  body_too_large: {
    status: 413,
    type: "invalid_request_error",
    when: "the body is over the limit, which the message names",
  },
  provider_rejected: {
    status: 422,
    type: "invalid_request_error",
    when: "the provider refused the request; its message, and its status where that is a 4xx",
  },
  rate_limited: {
    status: 429,
    type: "rate_limit_error",
    when: "too many requests; `Retry-After` says when to come back, `limited_by` who limits: `provider`, or `turnpike` with `bucket` and `bucket_name` (whose limit), `rate` (which), `limit`, `needed`, `available`, `resets_at`",
  },
  provider_error: {
    status: 502,
    type: "api_error",
    when: "every attempt failed; `attempts` lists them",
  },
  provider_unavailable: {
    status: 502,
    type: "api_error",
    when: "the operator's own trouble with a provider, such as a bad key",
  },
  provider_timeout: { status: 504, type: "api_error", when: "no provider answered in time" },
  store_unavailable: {
    status: 502,
    type: "api_error",
    when: "credit can neither be checked nor charged at the moment, because the store or the disk is away",
  },
  payments_unavailable: {
    status: 502,
    type: "api_error",
    when: "credit cannot be bought here: `missing` lists what the operator has yet to set, or the payment processor does not answer",
  },
  internal: {
    status: 500,
    type: "api_error",
    when: "a fault in Turnpike; the operator's log has it",
  },
} as const satisfies Record<ErrorCode, OnTheWire>;

/** Whose way of writing errors a route speaks. */
export type Dialect =
  | "openai"
  /** Hugging Face's router. */
  | "hub"
  /** The same with codes in a header, which its Python client makes its exceptions of. */
  | "hub_api";

const MESSAGE_HEADER_CHARS_MAX = 500;

/** Turns whatever was thrown into an answer. What is no RouterError is a fault of ours: logged, and not shown. */
export function errorResponse(
  thrown: unknown,
  context: { readonly dialect: Dialect; readonly id: string; readonly log: Log },
): Response {
  const error = thrown instanceof RouterError ? thrown : internal(thrown, context);
  const { status, type } = ON_THE_WIRE[error.code];
  const headers: Record<string, string> = {
    "content-type": "application/json",
    ...idHeaders(context.id),
    // Names a header cannot hold are shown in the body only.
    "x-error-message": error.message
      .replace(/[^\x20-\x7e]/g, "?")
      .slice(0, MESSAGE_HEADER_CHARS_MAX),
  };
  if (error.detail.retryAfterSeconds !== undefined) {
    headers["retry-after"] = String(error.detail.retryAfterSeconds);
  }
  Object.assign(headers, error.detail.headers);
  if (context.dialect === "hub_api" && error.code === "model_not_found") {
    headers["x-error-code"] = "RepoNotFound";
  }
  if (status === 401) headers["www-authenticate"] = 'Bearer realm="Turnpike"';
  const body =
    context.dialect !== "openai"
      ? { error: error.message, code: error.code, inference_id: context.id, ...error.detail.extra }
      : {
          error: {
            message: error.message,
            type,
            code: error.code,
            param: error.detail.param ?? null,
            inference_id: context.id,
            ...error.detail.extra,
          },
        };
  return new Response(JSON.stringify(body), { status: error.detail.status ?? status, headers });
}

function internal(thrown: unknown, { id, log }: { id: string; log: Log }): RouterError {
  log("error", "internal_error", {
    request: id,
    reason: reasonOf(thrown),
    at: thrown instanceof Error ? thrown.stack?.split("\n")[1]?.trim() : undefined,
  });
  return new RouterError(
    "internal",
    `Something went wrong in Turnpike. Report it with the id ${id}.`,
  );
}
