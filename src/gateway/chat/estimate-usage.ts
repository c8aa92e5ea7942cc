/** Our own count of what a request used, where the provider gave none. */
import type { ChatRequest } from "../../tasks/chat-completion.js";
import { noUsage, type Usage } from "../../tasks/usage.js";
import { inputTextOf } from "../../wire/chat-request.js";
import { countTokens } from "../tokenizer.js";

/** What a chat template adds around the conversation. */
const TEMPLATE_TOKENS = 8;

/** In tokens. */
export const estimateInput = async (request: ChatRequest): Promise<number> =>
  (await countTokens(inputTextOf(request))) + TEMPLATE_TOKENS;

/** `outputText` is all that was written, reasoning and calls of tools too. */
export async function estimateUsage(request: ChatRequest, outputText: string): Promise<Usage> {
  const [inputTokens, outputTokens] = await Promise.all([
    estimateInput(request),
    countTokens(outputText),
  ]);
  return { ...noUsage, inputTokens, outputTokens, estimated: true };
}
