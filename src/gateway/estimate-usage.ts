/** Our own count of what a request used, where the provider gave none. Needs the tokenizer to be loaded. */
import { countTokens } from "../metering/count-tokens.js";
import type { ChatRequest } from "../tasks/chat-completion.js";
import type { Usage } from "../tasks/usage.js";
import { inputTextOf } from "../wire/chat-request.js";

/** What a chat template adds around the conversation. */
const TEMPLATE_TOKENS = 8;

export const estimateInput = (request: ChatRequest): number =>
  countTokens(inputTextOf(request.text)) + TEMPLATE_TOKENS;

export const estimateUsage = (request: ChatRequest, outputText: string): Usage => ({
  inputTokens: estimateInput(request),
  cachedInputTokens: 0,
  outputTokens: countTokens(outputText),
  reasoningTokens: 0,
  estimated: true,
});
