import type { PricePerMillion } from "../kernel/money.js";
import type { JsonObject } from "./json-object.js";

/** A chat request as everyone downstream sees it: checked once, its bytes kept for passing on. */
export type ChatRequest = {
  /** As it came. */
  readonly body: JsonObject;
  /** Without a `:suffix`. */
  readonly model: string;
  /** What stood after the colon, if anything. */
  readonly suffix: string | undefined;
  readonly isStream: boolean;
  /** Whether the caller asked for usage at the end of the stream. */
  readonly wantsUsage: boolean;
  readonly maxTokens: { readonly name: MaxTokensName; readonly value: number } | undefined;
  /** `n`. */
  readonly choices: number;
  readonly usesTools: boolean;
  readonly responseFormat: ResponseFormat | undefined;
  /** The caller's own `stream_options`, where there are any. */
  readonly streamOptions: Readonly<Record<string, unknown>> | undefined;
  readonly controls: RouteControls;
  /** No tokenizer makes more tokens of the input than this. */
  readonly inputTokensMost: number;
  /** The body without its pictures. */
  readonly textBytes: number;
  /** What its messages hold besides text, each kind once. */
  readonly attachments: readonly Attachment[];
  /** Text that goes on where a prompt ends, in events like those of chat, or chat itself. */
  readonly task: "conversational" | "text-generation";
  /** Set where the caller speaks Text Generation Inference's form, of which `body` is a translation into OpenAI's. */
  readonly generation?: Generation;
};

/** A text generation to be streamed, as its caller wrote it. */
export type Generation = {
  readonly text: string;
  readonly wantsDetails: boolean;
  /** With the output limited to so many tokens. */
  readonly limitedTo: (outputTokens: number) => string;
};

export type Attachment = "image" | "audio" | "video";

/** What a caller may say of providers in the body: the `provider` object, which no provider ever sees. */
export type RouteControls = {
  /** Provider ids to try first, in this order. */
  readonly order: readonly string[] | undefined;
  /** Nobody but these. */
  readonly only: readonly string[] | undefined;
  readonly ignore: readonly string[];
  readonly sort: "price" | "throughput" | "latency" | undefined;
  readonly allowFallbacks: boolean;
  /** Whether another provider may go on with a stream that broke off; undefined: as the operator has it. */
  readonly allowContinuation: boolean | undefined;
  /** Nobody who would leave out, or refuse, a parameter that the body has. */
  readonly requireParameters: boolean;
  /** Nobody who is dearer. */
  readonly maxPrice: MaxPrice | undefined;
  /** Nobody who keeps what they are sent, or of whom that is not known. */
  readonly deniesDataCollection: boolean;
};

/** The most that each may cost: a million tokens in and out, one request, one image. */
export type MaxPrice = {
  readonly prompt?: PricePerMillion;
  readonly completion?: PricePerMillion;
  readonly request?: PricePerMillion;
  readonly image?: PricePerMillion;
};

/**
 * How a provider is asked to go on with an answer: by a last message of the assistant's as it is, by one that says so,
 * or by vLLM's own members of the body.
 */
export const CONTINUATION_FORMS = ["final_message", "prefix", "continue_final_message"] as const;
export type ContinuationForm = (typeof CONTINUATION_FORMS)[number];

export type MaxTokensName = "max_tokens" | "max_completion_tokens";

/** The ways in which clients write that an answer must be JSON; all but the first two carry a schema. */
export type ResponseFormatForm =
  | "text"
  | "json_object"
  /** OpenAI: `{type: "json_schema", json_schema: {name, schema, strict}}` */
  | "openai_schema"
  /** Together: `{type: "json_schema", schema}` */
  | "flat_schema"
  /** Cohere, Fireworks: `{type: "json_object", schema}` */
  | "object_schema"
  /** TGI, and Python's huggingface_hub to any base_url: `{type: "json_object", value: schema}` */
  | "object_value"
  /** Something else, passed on for the provider to judge. */
  | "other";

export type ResponseFormat = {
  readonly form: ResponseFormatForm;
  readonly schema: unknown;
  readonly name: string | undefined;
  readonly strict: boolean | undefined;
};
