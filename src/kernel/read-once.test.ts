import { expect, test } from "bun:test";
import { SHARED_TEXT_CHARS_MAX } from "./limits.js";
import { readOnce } from "./read-once.js";

test("a text is read once, until there are too many of them", () => {
  const read: string[] = [];
  const lengthOf = readOnce((text) => {
    read.push(text);
    return text.length;
  }, 100);
  expect([lengthOf("one"), lengthOf("three"), lengthOf("one")]).toEqual([3, 5, 3]);
  expect(read).toEqual(["one", "three"]);
  for (let i = 0; i < 100; i++) lengthOf(`text ${i}`);
  expect(lengthOf("one")).toBe(3);
  expect(read.filter((text) => text === "one")).toHaveLength(2);
});

test("a text as long as a body is not kept", () => {
  let count = 0;
  const counted = readOnce(() => ++count);
  const long = "a".repeat(SHARED_TEXT_CHARS_MAX);
  expect([counted(long), counted(long)]).toEqual([1, 1]);
  expect([counted(`${long}a`), counted(`${long}a`)]).toEqual([2, 3]);
});

test("what cannot be read is not remembered", () => {
  const number = readOnce((text) => {
    if (Number.isNaN(Number(text))) throw new Error(text);
    return Number(text);
  });
  expect(() => number("x")).toThrow("x");
  expect(() => number("x")).toThrow("x");
});
