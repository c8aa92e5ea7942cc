import type { ErrorAnswer, ErrorFacts, ErrorKind } from "../failure.js";
import type { JsonObject } from "../json.js";

/** How one provider words one kind of error. */
export type Wording = {
  readonly status?: number;
  readonly message?: (facts: ErrorFacts) => string;
  readonly type?: string;
  readonly code?: string | number | null;
  readonly param?: string | null;
};

export type Wordings = { readonly [kind in ErrorKind]?: Wording };

/** OpenAI's documented errors. */
const OPENAI: { readonly [kind in ErrorKind]: Required<Omit<Wording, "status">> } = {
  unauthorized: {
    message: ({ keySent }) =>
      keySent
        ? "Incorrect API key provided. You can find your API key in your account."
        : "You didn't provide an API key. You need to provide your API key in an Authorization header.",
    type: "invalid_request_error",
    code: "invalid_api_key",
    param: null,
  },
  rate_limited: {
    message: ({ about }) => `Rate limit reached for ${about}. Please try again later.`,
    type: "requests",
    code: "rate_limit_exceeded",
    param: null,
  },
  unknown_model: {
    message: ({ about }) =>
      `The model \`${about}\` does not exist or you do not have access to it.`,
    type: "invalid_request_error",
    code: "model_not_found",
    param: null,
  },
  unknown_field: {
    message: ({ about }) => `Unrecognized request argument supplied: ${about}`,
    type: "invalid_request_error",
    code: null,
    param: null,
  },
  bad_request: {
    message: ({ message }) => message,
    type: "invalid_request_error",
    code: null,
    param: null,
  },
  not_found: {
    message: ({ about }) => `Invalid URL (${about})`,
    type: "invalid_request_error",
    code: null,
    param: null,
  },
  server_error: {
    message: () => "The server had an error while processing your request.",
    type: "server_error",
    code: null,
    param: null,
  },
};

export type Worded = {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly code: string | number | null;
  readonly param: string | null;
};

/** The error in the provider's words, before it is put in the provider's shape. */
export function worded(facts: ErrorFacts, wordings: Wordings): Worded {
  const own = wordings[facts.kind] ?? {};
  const common = OPENAI[facts.kind];
  return {
    // A status that a test dialled (fail_status) is kept: only the usual ones have a provider's own.
    status: facts.kind === "server_error" ? facts.status : (own.status ?? facts.status),
    message: (own.message ?? common.message)(facts),
    type: own.type ?? common.type,
    code: own.code === undefined ? common.code : own.code,
    param: own.param === undefined ? common.param : own.param,
  };
}

const body = ({ message, type, param, code }: Worded): JsonObject => ({
  message,
  type,
  param,
  code,
});

/** `{"error": {message, type, param, code}}` */
export const openAiErrors =
  (wordings: Wordings = {}) =>
  (facts: ErrorFacts): ErrorAnswer => {
    const error = worded(facts, wordings);
    return { status: error.status, body: { error: body(error) } };
  };

/** The same four fields at the top level. */
export const flatErrors =
  (wordings: Wordings = {}) =>
  (facts: ErrorFacts): ErrorAnswer => {
    const error = worded(facts, wordings);
    return { status: error.status, body: body(error) };
  };

const VLLM_TYPES: { readonly [kind in ErrorKind]: string } = {
  unauthorized: "AuthenticationError",
  rate_limited: "RateLimitError",
  unknown_model: "NotFoundError",
  unknown_field: "BadRequestError",
  bad_request: "BadRequestError",
  not_found: "NotFoundError",
  server_error: "InternalServerError",
};

/** vLLM's server: an exception's name for a type, the status for a code. */
export const vllmErrors =
  (wordings: Wordings = {}) =>
  (facts: ErrorFacts): ErrorAnswer => {
    const error = worded(facts, wordings);
    const type = wordings[facts.kind]?.type ?? VLLM_TYPES[facts.kind];
    return { status: error.status, body: { error: { ...body(error), type, code: error.status } } };
  };
