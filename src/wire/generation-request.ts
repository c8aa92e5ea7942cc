/** A text generation that is to be streamed, in Text Generation Inference's form: `{inputs, parameters, stream: true}`. */

import { badRequest } from "../kernel/errors.js";
import { spanOf } from "../kernel/span.js";
import type { ChatRequest, Generation } from "../tasks/chat-completion.js";
import type { Json, TaskInput } from "../tasks/task-call.js";
import { parseCompletionRequest } from "./chat-request.js";

/**
 * Kept as it came for providers that speak it, and translated into OpenAI's form for all others, who judge of parameters
 * that they do not know. `model` as in the path, with its suffix. Throws a RouterError naming the field.
 */
export function parseGenerationRequest(
  text: string,
  model: string,
  { inputs, parameters, extra }: TaskInput,
): ChatRequest {
  if (typeof inputs !== "string" || inputs === "") {
    throw badRequest('"inputs" must be a string that is not empty.', "inputs");
  }
  const { details, stream: _asked, max_new_tokens: maxTokens, ...options } = said(parameters);
  const completion = {
    ...said(extra),
    ...options,
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    prompt: inputs,
    model,
    stream: true,
  };
  const request = parseCompletionRequest(spanOf(JSON.stringify(completion)));
  const body = { ...extra, inputs, parameters };
  const generation: Generation = {
    text,
    wantsDetails: details === true,
    limitedTo: (max_new_tokens) =>
      JSON.stringify({ ...body, parameters: { ...parameters, max_new_tokens } }),
  };
  return { ...request, generation };
}

/** What is null says nothing. */
const said = (json: Json): Json =>
  Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));
