/** The thread behind `tokenizer.ts`. */
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import type { Counted } from "./tokenizer.js";

declare const self: Worker;

// Text that spells a special token is ordinary text here.
const asText = { disallowedSpecial: new Set<string>() };

self.onmessage = ({ data }: MessageEvent<{ id: number; text: string }>) => {
  const counted: Counted = { id: data.id, tokens: countTokens(data.text, asText) };
  self.postMessage(counted);
};
