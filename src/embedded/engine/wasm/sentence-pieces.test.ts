import { expect, test } from "bun:test";
import { SentencePieces, type Vocabulary } from "./sentence-pieces.js";

const CONTROL: Vocabulary = ["�", "<s>", "</s>", "1", "2", "3"].map((name) => [name, 0]);
const pieces = new SentencePieces([
  ...CONTROL,
  ["▁", -3],
  ["▁a", -2],
  ["▁ab", -2.5],
  ["b", -4],
  ["c", -4],
  ["bc", -5],
  ["▁un", -1],
]);
const [SPACE, A, AB, B, C, BC] = [6, 7, 8, 9, 10, 11];

test("the likeliest cut wins, not the longest piece", () => {
  expect(pieces.encode("ab")).toEqual([AB]);
  expect(pieces.encode("abc")).toEqual([AB, C]);
  expect(pieces.encode("a bc")).toEqual([A, SPACE, BC]);
  expect(pieces.encode("abb")).toEqual([AB, B]);
});

test("spaces in a row count as one, and those around the text not at all", () => {
  expect(pieces.encode("  a \t\n ab ")).toEqual([A, AB]);
  expect(pieces.encode(" \n ")).toEqual([]);
});

test("unknown characters in a row are one unknown piece, however many bytes they have", () => {
  expect(pieces.encode("a😀ÿb")).toEqual([A, 0, B]);
});

test("compatible forms are one", () => {
  expect(pieces.encode("ａｂ")).toEqual(pieces.encode("ab"));
});
