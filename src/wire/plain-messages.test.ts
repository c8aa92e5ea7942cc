import { expect, test } from "bun:test";
import { MESSAGES_MAX, NAME_CHARS_MAX } from "../kernel/limits.js";
import { spanOf } from "../kernel/span.js";
import type { JsonObject } from "../tasks/json-object.js";
import { readObject } from "./json-object.js";
import { PLAIN_MESSAGES } from "./plain-messages.js";

const placesIn = (object: JsonObject, name: string) => {
  const nth = object.indexOf(name);
  const [start, valueStart] = [object.startOf(nth), object.valueStartOf(nth)];
  return { start, valueStart, end: object.endOf(nth) };
};

function isPlain(messages: string): boolean {
  const text = `{"model":"m","messages":${messages},"stream":true}`;
  const body = readObject(spanOf(text), PLAIN_MESSAGES);
  const asked = readObject(spanOf(text));
  expect(placesIn(body, "messages")).toEqual(placesIn(asked, "messages"));
  return body.isUsual;
}

test("a role and a text each, whatever else stands there", () => {
  for (const messages of [
    '[{"role":"user","content":"hi"}]',
    ' [ { "content" : "a \\"b\\" ]}" , "role" : "user" } , {"role":"assistant","content":""} ] ',
    '[{"role":"user","name":"x","content":"ä🙂","extra":[{"content":5}]}]',
    '[{"content":null,"role":1,"content":"the last one counts","role":"user"}]',
  ]) {
    expect([messages, isPlain(messages)]).toEqual([messages, true]);
  }
});

test("all else is left to a closer look", () => {
  for (const messages of [
    "null",
    "{}",
    "[]",
    "[1]",
    "[{}]",
    '["user"]',
    '[{"role":"user"}]',
    '[{"role":"user","content":null}]',
    '[{"role":"user","content":[{"type":"text","text":"hi"}]}]',
    '[{"role":1,"content":"hi"}]',
    '[{"role":"user","content":"hi"},{"role":"user"}]',
    '[{"role":"user","content":"hi","content":5}]',
    '[{"role":"user","content":"hi","conten\\u0074":5}]',
    `[{"role":"${"r".repeat(NAME_CHARS_MAX + 1)}","content":"hi"}]`,
  ]) {
    expect([messages, isPlain(messages)]).toEqual([messages, false]);
  }
});

test("no more of them than are taken", () => {
  const many = (count: number) =>
    `[${Array.from({ length: count }, () => '{"role":"user","content":"hi"}').join(",")}]`;
  expect(isPlain(many(MESSAGES_MAX))).toBe(true);
  expect(isPlain(many(MESSAGES_MAX + 1))).toBe(false);
});

test("what is no JSON is refused as everywhere", () => {
  const nested = (levels: number) =>
    `[{"role":"user","content":"hi","x":${"[".repeat(levels)}${"]".repeat(levels)}}]`;
  expect(isPlain(nested(125))).toBe(true);
  expect(() => isPlain(nested(126))).toThrow("nested deeper");
  for (const messages of [
    '[{"role":"user","content":"hi"}',
    '[{"role":"user","content":"h\ni"}]',
  ]) {
    expect(() => isPlain(messages)).toThrow("not valid JSON");
  }
});
