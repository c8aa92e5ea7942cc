/** Text generation on hf-inference's wire, which has two forms of it: OpenAI's, and Text Generation Inference's own. */
import { parseUsage } from "../../tasks/openai-usage.js";
import type { TaskInput } from "../../tasks/task-call.js";
import type { Usage } from "../../tasks/usage.js";
import type { ProviderReply, TaskAdapter } from "../provider.js";
import { at, MalformedReply } from "../reply.js";
import { computeTimeHeader } from "../reported.js";
import { doneWith, postJson, without } from "../request.js";
import { isCompletion, onePrompt, openAiCompletions } from "./openai-completions.js";

/** What `/v1/completions` cannot be asked for. */
const OWN_PARAMETERS: readonly string[] = [
  "adapter_id",
  "best_of",
  "decoder_input_details",
  "details",
  "do_sample",
  "grammar",
  "repetition_penalty",
  "return_full_text",
  "top_k",
  "top_n_tokens",
  "truncate",
  "typical_p",
  "watermark",
];

const completions = openAiCompletions((model) => `/models/${model}/v1/completions`);

/** The JavaScript client only knows the first form, Python's only the second: the parameters tell who is asking. */
export const hfTextGeneration: TaskAdapter = {
  start: (input, target) =>
    OWN_PARAMETERS.some((name) => input.parameters[name] != null)
      ? postJson(`/models/${target.providerModel}`, ownForm(input))
      : completions.start(input, target),
  next: (reply, target) =>
    isCompletion(reply) ? completions.next(reply, target) : ownAnswer(reply),
  reported: computeTimeHeader,
  ...(completions.streamed && {
    streamed: { ...completions.streamed, generationPath: (model) => `/models/${model}` },
  }),
};

const ownForm = (input: TaskInput): object => ({
  ...without(input.extra, "stream"),
  inputs: onePrompt(input),
  parameters: without(input.parameters, "stream"),
});

/** `{generated_text, details?}`, from some servers as the only element of a list. */
function ownAnswer(reply: ProviderReply) {
  const answer = Array.isArray(reply.json) ? reply.json[0] : reply.json;
  if (typeof at(answer, "generated_text") !== "string") {
    throw new MalformedReply("neither generated_text nor choices");
  }
  return doneWith(answer, tokensIn(reply, answer));
}

/** In headers, or in the details. A prompt's tokens are in the headers only. */
function tokensIn({ header }: ProviderReply, answer: unknown): Usage | undefined {
  const generated = header("x-generated-tokens") ?? at(answer, "details", "generated_tokens");
  return parseUsage({
    prompt_tokens: Number(header("x-prompt-tokens")),
    completion_tokens: Number(generated),
  });
}
