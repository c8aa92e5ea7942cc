import { expect, test } from "bun:test";
import { membersOf, withChanges } from "./json-members.js";

const change = (text: string, changes: Record<string, string | undefined>) =>
  withChanges(text, membersOf(text), new Map(Object.entries(changes)));

test("everything but the changed member keeps its bytes", () => {
  const text =
    '{ "model" : "a:cheapest",\n "seed": 12345678901234567890, "x": [1, {"model":"}"}] }';
  expect(change(text, { model: '"b"' })).toBe(text.replace('"a:cheapest"', '"b"'));
});

test("members can be added, left out and replaced at once", () => {
  expect(change('{"a":1,"b":2,"c":3}', { a: undefined, b: "20", d: "4" })).toBe(
    '{"b":20,"c":3,"d":4}',
  );
  expect(change('{"a":1,"b":2}', { b: undefined })).toBe('{"a":1}');
  expect(change('{"a":1}', { a: undefined, z: "null" })).toBe('{"z":null}');
  expect(change("{}", { z: "1" })).toBe('{"z":1}');
});

test("random objects survive random changes as JSON.parse sees them", () => {
  let seed = 42;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  const values = ['"q\\"u{ote\\\\"', "[1,[2,{}]]", "-1.5e3", "null", '{"deep":{"x":"]"}}', '""'];
  for (let round = 0; round < 500; round++) {
    const object: Record<string, unknown> = {};
    for (let i = random(6); i > 0; i--)
      object[`k${random(8)}`] = JSON.parse(values[random(6)] ?? "0");
    const text = JSON.stringify(object, null, random(3));
    const changes = { [`k${random(8)}`]: undefined, [`k${random(8)}`]: values[random(6)], n: "7" };
    const expected: Record<string, unknown> = { ...object };
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) delete expected[name];
      else expected[name] = JSON.parse(value);
    }
    expect(JSON.parse(change(text, changes))).toEqual(expected);
  }
});

test("an escaped name is the name it spells", () => {
  expect(membersOf('{"mod\\u0065l":1}').has("model")).toBe(true);
  expect(() => membersOf('{"model":1,"mod\\u0065l":2}')).toThrow('"model" twice');
});

test("a name given twice is found however many there are", () => {
  const names = Array.from({ length: 500 }, (_, i) => `"n${i}":${i}`);
  expect(membersOf(`{${names.join(",")}}`).count).toBe(500);
  for (const again of [0, 63, 64, 65, 499]) {
    const text = `{${[...names, `"n${again}":0`].join(",")}}`;
    expect(() => membersOf(text)).toThrow(`"n${again}" twice`);
  }
});

test("what is no object, breaks off or nests too deep is refused", () => {
  for (const text of [
    "",
    "[]",
    "1",
    "null",
    "{",
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":"x',
    '{"a":[1}',
    '{"a":1 "b":2}',
    "{a:1}",
    '{"a":}',
  ]) {
    expect(() => {
      membersOf(text);
      JSON.parse(text);
    }).toThrow();
  }
  const deep = (levels: number) => `{"a":${"[".repeat(levels)}${"]".repeat(levels)}}`;
  expect(membersOf(deep(127)).count).toBe(1);
  expect(() => membersOf(deep(128))).toThrow("deeper than 128");
  expect(() => membersOf(deep(1_000_000))).toThrow("deeper than 128");
});
