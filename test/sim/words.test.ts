import { expect, test } from "bun:test";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { randomFrom } from "../../sim/random.js";
import { piecesOf, prose, textOf, tokensOf } from "../../sim/tokens.js";
import { STARTERS, UNICODE_WORDS, WORDS } from "../../sim/words.js";

test("every word of the vocabulary is one token with its space", () => {
  const wrong = [...STARTERS, ...WORDS, ...UNICODE_WORDS].filter(
    (word) => encode(` ${word}`).length !== 1,
  );
  expect(wrong).toEqual([]);
});

test("every starter is one token at the very start", () => {
  expect(STARTERS.filter((word) => encode(word).length !== 1)).toEqual([]);
});

test("prose of n pieces is n tokens, however long and in whatever script", () => {
  for (const unicode of [false, true]) {
    for (const count of [0, 1, 2, 3, 7, 40, 999]) {
      const pieces = prose(randomFrom(count), count, unicode);
      expect(pieces.length).toBe(count);
      expect(encode(textOf(pieces)).length).toBe(count);
    }
  }
});

test("any text cut into pieces is the same text and the same number of tokens", () => {
  for (const text of ["", '{"a":[1,2.5,"x"]}', "smile 😀 and 👩‍👩‍👧 done", "日本語のテキスト"]) {
    const pieces = piecesOf(text);
    expect(textOf(pieces)).toBe(text);
    expect(tokensOf(pieces)).toBe(encode(text).length);
  }
});
