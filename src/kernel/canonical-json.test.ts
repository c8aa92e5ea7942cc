import { expect, test } from "bun:test";
import { canonicalJson, type Json } from "./canonical-json.js";

test("members stand in the order of their names, and nothing stands between them", () => {
  expect(canonicalJson({ b: [1, "ä", null], a: { z: true, "": "\n" } })).toBe(
    '{"a":{"":"\\n","z":true},"b":[1,"ä",null]}',
  );
});

test("the order and the blanks of what was read do not matter", () => {
  const text = '{ "b": 1.0,\n "a": [ { "d": "x", "c": 2 } ] }';
  expect(canonicalJson(JSON.parse(text))).toBe('{"a":[{"c":2,"d":"x"}],"b":1}');
});

test("what is nested without end is refused rather than followed", () => {
  let deep: Json = [];
  for (let i = 0; i < 200; i++) deep = [deep];
  expect(() => canonicalJson(deep)).toThrow(RangeError);
});
