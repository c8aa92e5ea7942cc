import { CACHED_PREFIXES_MAX } from "../limits.js";
import { hashOf } from "../random.js";
import { countText } from "../tokens.js";
import { type ChatAsk, contentOf } from "./ask.js";

/** What chat templates add around each message, and once at the end. */
const TOKENS_PER_MESSAGE = 4;
const TOKENS_PER_REPLY = 3;
export const TOKENS_PER_IMAGE = 256;

/** Tokens of the prompt up to and including each message; the last figure is the whole prompt. */
export function promptTokens(ask: ChatAsk): number[] {
  let sum = ask.tools.length > 0 ? countText(JSON.stringify(ask.body.tools)) : 0;
  const upTo = ask.messages.map((message) => {
    const { text, images } = contentOf(message);
    sum += (ask.raw ? 0 : TOKENS_PER_MESSAGE) + countText(text) + images * TOKENS_PER_IMAGE;
    if (message.tool_calls !== undefined) sum += countText(JSON.stringify(message.tool_calls));
    return sum;
  });
  if (!ask.raw) upTo[upTo.length - 1] = sum + TOKENS_PER_REPLY;
  return upTo;
}

export type PrefixCache = {
  /** Tokens of the longest prefix seen before; remembers this prompt's prefixes. */
  readonly cached: (provider: string, ask: ChatAsk, upTo: readonly number[]) => number;
  readonly clear: () => void;
};

/** Remembers prompts message by message, as the hash of all that came before. */
export function makePrefixCache(): PrefixCache {
  const seen = new Set<number>();
  return {
    cached(provider, ask, upTo) {
      let hash = hashOf(`${provider} ${ask.model} ${JSON.stringify(ask.body.tools ?? null)}`);
      let cached = 0;
      let known = true;
      ask.messages.forEach((message, i) => {
        hash = hashOf(`${hash} ${JSON.stringify(message)}`);
        known &&= seen.has(hash);
        if (known) cached = upTo[i] ?? 0;
        if (seen.size < CACHED_PREFIXES_MAX) seen.add(hash);
      });
      // At least one token is always computed anew, as providers do.
      return Math.max(0, Math.min(cached, (upTo.at(-1) ?? 1) - 1));
    },
    clear: () => seen.clear(),
  };
}
