/** What an engine is to the process around it. */
import type { Bytes, Call } from "../call.js";
import type { EmbeddedModel } from "../models.js";
import type { Input } from "./input.js";

export type Question = Omit<Call, "model"> & {
  readonly input: Input;
  /** The caller's `Accept`. */
  readonly accept: string;
  /** Aborts when the caller is gone. */
  readonly signal: AbortSignal;
};

export type Answer =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "bytes"; readonly bytes: Bytes; readonly contentType: string }
  /** The `data:` of server-sent events, without the frame. */
  | { readonly kind: "events"; readonly events: AsyncIterable<string> };

export type LoadedModel = {
  readonly answer: (question: Question) => Promise<Answer>;
  readonly unload: () => void | Promise<void>;
};

export type Engine = { readonly load: (model: EmbeddedModel) => Promise<LoadedModel> };

export const jsonAnswer = (value: unknown): Answer => ({ kind: "json", value });
