import { countTokens, decode, encode } from "gpt-tokenizer/encoding/o200k_base";
import { COUNTED_TEXT_CHARS_MAX, COUNTED_TEXTS_MAX } from "./limits.js";
import { below, pick, type Random } from "./random.js";
import { STARTERS, UNICODE_WORDS, WORDS } from "./words.js";

/** Some text, its JSON form made beforehand, and how many tokens it is. */
export type Piece = {
  readonly text: string;
  readonly json: string;
  readonly tokens: number;
  /** The id of its (first) token; some providers print it. */
  readonly tokenId: number;
};

const pieceOf = (text: string, ids: readonly number[]): Piece => ({
  text,
  json: JSON.stringify(text),
  tokens: ids.length,
  tokenId: ids[0] ?? 0,
});

const oneToken = (text: string): Piece => pieceOf(text, encode(text));
const spaced = (word: string): Piece => oneToken(` ${word}`);

const FIRST = STARTERS.map(oneToken);
const NEXT_SENTENCE = STARTERS.map(spaced);
const PLAIN = WORDS.map(spaced);
const MIXED = [...PLAIN, ...UNICODE_WORDS.map(spaced), ...UNICODE_WORDS.map(spaced)];
const STOP = oneToken(".");

/**
 * `count` pieces of prose, one token each; ends with a full stop where there is room for one. What continues
 * another text begins with a space.
 */
export function prose(random: Random, count: number, unicode: boolean, continues = false): Piece[] {
  const words = unicode ? MIXED : PLAIN;
  const made: Piece[] = [];
  let left = 0;
  let starters = continues ? NEXT_SENTENCE : FIRST;
  while (made.length < count) {
    if (left === 0) {
      made.push(pick(random, starters));
      starters = NEXT_SENTENCE;
      left = 6 + below(random, 8);
    } else {
      left -= 1;
      made.push(left === 0 ? STOP : pick(random, words));
    }
  }
  if (count > 1 && made[count - 2] !== STOP) made[count - 1] = STOP;
  return made;
}

/** Any text as pieces. A character that takes several tokens is one piece of several tokens. */
export function piecesOf(text: string): Piece[] {
  const made: Piece[] = [];
  let group: number[] = [];
  for (const id of encode(text)) {
    group.push(id);
    const decoded = decode(group);
    if (decoded.includes("\uFFFD") && group.length < 8) continue;
    made.push(pieceOf(decoded, group));
    group = [];
  }
  if (group.length > 0) made.push(pieceOf(decode(group), group));
  return made;
}

export const textOf = (pieces: readonly Piece[]): string => {
  let text = "";
  for (const piece of pieces) text += piece.text;
  return text;
};

export const tokensOf = (pieces: readonly Piece[]): number => {
  let tokens = 0;
  for (const piece of pieces) tokens += piece.tokens;
  return tokens;
};

/** The pieces that fit in `limit` tokens. */
export function clip(pieces: readonly Piece[], limit: number): readonly Piece[] {
  let tokens = 0;
  for (let i = 0; i < pieces.length; i += 1) {
    tokens += pieces[i]?.tokens ?? 0;
    if (tokens > limit) return pieces.slice(0, i);
  }
  return pieces;
}

const counted = new Map<string, number>();

/** Real o200k_base count. Short texts are remembered: load tests repeat their prompts. */
export function countText(text: string): number {
  if (text.length > COUNTED_TEXT_CHARS_MAX) return countTokens(text);
  const known = counted.get(text);
  if (known !== undefined) return known;
  if (counted.size >= COUNTED_TEXTS_MAX) counted.clear();
  const tokens = countTokens(text);
  counted.set(text, tokens);
  return tokens;
}
