/** Counts tokens of text where no provider did. The tokenizer's tables take time to load, so they load once. */
let encoder: ((text: string) => number) | undefined;
let loading: Promise<void> | undefined;

/** OpenAI's o200k vocabulary: within some percent of what other current models count. */
export function loadTokenizer(): Promise<void> {
  loading ??= import("gpt-tokenizer/encoding/o200k_base").then(({ countTokens }) => {
    // Text that spells a special token is ordinary text here.
    encoder = (text) => countTokens(text, { disallowedSpecial: new Set() });
  });
  return loading;
}

/** Tokens in `text`, after `loadTokenizer`. */
export function countTokens(text: string): number {
  if (!encoder) throw new Error("the tokenizer is not loaded");
  return text === "" ? 0 : encoder(text);
}
