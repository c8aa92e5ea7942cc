/** OpenAI's completions, and text generation as others offer it. */
import { RouterError } from "../../kernel/errors.js";
import { parseUsage } from "../../tasks/openai-usage.js";
import type { Json, TaskInput } from "../../tasks/task-call.js";
import type { ProviderReply, Step, TaskAdapter } from "../provider.js";
import { at, listAt, MalformedReply } from "../reply.js";
import { doneWith, flat, postJson, without } from "../request.js";
import { openAiChat } from "./openai-chat.js";
import { textOf } from "./task-input.js";

/**
 * `/completions`: `inputs` is its prompt, `max_new_tokens` its `max_tokens`. Parameters of Text Generation Inference's
 * own go along as they are, for the provider to judge.
 */
export const openAiCompletions = (path: string | ((model: string) => string)): TaskAdapter => ({
  start: (input, { providerModel }) =>
    postJson(typeof path === "string" ? path : path(providerModel), {
      ...completionOptions(input),
      prompt: onePrompt(input),
      model: providerModel,
    }),
  next: ({ json }) => completion(json, "text"),
  // Finish reasons of Text Generation Inference and of Together, which some of these servers are.
  streamed: openAiChat({ path, finishReasons: { eos: "stop", eos_token: "stop" } }),
});

/** Text generation by way of chat: the prompt becomes the only message. */
export const chatCompletions = (path: string): TaskAdapter => ({
  start: (input, { providerModel }) =>
    postJson(path, {
      ...completionOptions(input),
      messages: [{ role: "user", content: onePrompt(input) }],
      model: providerModel,
    }),
  next: ({ json }) => completion(json, "message", "content"),
});

/** One answer to one prompt is all that the task can say; more would be paid for and lost. */
export function onePrompt(input: TaskInput): string {
  const { stream, n } = flat(input);
  if (stream === true) throw unsupported("stream", "Text generation does not stream here.");
  if (typeof n === "number" && n > 1) throw unsupported("n", "Text generation gives one answer.");
  return textOf(input);
}

const unsupported = (param: string, message: string): RouterError =>
  new RouterError("unsupported_parameter", message, { param });

function completionOptions(input: TaskInput): Json {
  const { max_new_tokens: maxTokens, ...parameters } = input.parameters;
  return {
    // `stream` can only be false here, and details are always answered.
    ...without(input.extra, "stream"),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...without(parameters, "stream", "details"),
  };
}

/** The first choice, its text where the path says. A model may have nothing to say. */
function completion(json: unknown, ...path: readonly string[]): Step {
  const [choice] = listAt(json, "choices");
  const text = at(choice, ...path);
  if (typeof text !== "string") throw new MalformedReply("no text at choices.0");
  const details = detailsOf(choice);
  return doneWith({ generated_text: text, ...details }, parseUsage(at(json, "usage")));
}

function detailsOf(choice: unknown): Json {
  const [finish, seed] = [at(choice, "finish_reason"), at(choice, "seed")];
  if (typeof finish !== "string") return {};
  return { details: { finish_reason: finish, ...(typeof seed === "number" && { seed }) } };
}

/** Whether an answer is a completion in OpenAI's form. */
export const isCompletion = ({ json }: ProviderReply): boolean =>
  Array.isArray(at(json, "choices"));
