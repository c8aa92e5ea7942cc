import { expect, test } from "bun:test";
import { RouterError } from "../kernel/errors.js";
import { spanOf } from "../kernel/span.js";
import type { JsonObject } from "../tasks/json-object.js";
import { withChanges } from "./json-changes.js";
import { parseObject, readObject } from "./json-object.js";

const read = (text: string) => readObject(spanOf(text));

const change = (text: string, changes: Record<string, string | undefined>) =>
  withChanges(read(text), new Map(Object.entries(changes))).toString();

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

test("whatever is left out, replaced and added, the rest is what it was", () => {
  const names = ["a", "b", "c", "d"];
  const text = '{ "a" : 1 , "b":[2], "c": "3" ,"d":{} }';
  // Each member is kept, replaced or left out; one more is added, or none, or two.
  for (let ways = 0; ways < 3 ** 5; ways++) {
    const changes: Record<string, string | undefined> = {};
    const expected: Record<string, unknown> = JSON.parse(text);
    for (const [i, name] of names.entries()) {
      const way = Math.floor(ways / 3 ** i) % 3;
      if (way === 1) {
        changes[name] = `"new ${name}"`;
        expected[name] = `new ${name}`;
      }
      if (way === 2) {
        changes[name] = undefined;
        delete expected[name];
      }
    }
    for (let i = Math.floor(ways / 3 ** 4); i > 0; i--) {
      changes[`n${i}`] = String(i);
      expected[`n${i}`] = i;
    }
    const changed = change(text, changes);
    expect([changed, JSON.parse(changed)]).toEqual([changed, expected]);
    const nothing = change("{ }", changes);
    const added = Object.entries(changes).filter(([, value]) => value !== undefined);
    expect(Object.keys(JSON.parse(nothing))).toEqual(added.map(([name]) => name));
  }
});

test("a text that begins with the mark of its byte order twice is no JSON", () => {
  expect(parseObject('\ufeff{"a":1}')).toEqual({ a: 1 });
  expect(() => parseObject('\ufeff\ufeff{"a":1}')).toThrow(RouterError);
});

test("an escaped name is the name it spells", () => {
  expect(read('{"mod\\u0065l":1}').has("model")).toBe(true);
  expect(() => read('{"model":1,"mod\\u0065l":2}')).toThrow('"model" twice');
});

test("a name given twice is found however many there are", () => {
  const names = Array.from({ length: 500 }, (_, i) => `"n${i}":${i}`);
  expect(read(`{${names.join(",")}}`).count).toBe(500);
  for (const again of [0, 63, 64, 65, 499]) {
    const text = `{${[...names, `"n${again}":0`].join(",")}}`;
    expect(() => read(text)).toThrow(`"n${again}" twice`);
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
    expect(() => read(text)).toThrow(RouterError);
  }
  const deep = (levels: number) => `{"a":${"[".repeat(levels)}${"]".repeat(levels)}}`;
  expect(read(deep(127)).count).toBe(1);
  expect(() => read(deep(128))).toThrow("deeper than 128");
  expect(() => read(deep(1_000_000))).toThrow("deeper than 128");
});

const placesIn = (object: JsonObject, name: string) => {
  const nth = object.indexOf(name);
  const [start, valueStart] = [object.startOf(nth), object.valueStartOf(nth)];
  return { start, valueStart, end: object.endOf(nth) };
};

test("what stands around an object in its buffer is none of its business", () => {
  const bytes = Buffer.from('POST {"a": [1, {}] } {"b":2}');
  const end = bytes.indexOf(' {"b"');
  expect(placesIn(readObject({ bytes, start: 5, end }), "a")).toEqual({
    start: 6,
    valueStart: 11,
    end: 18,
  });
  expect(() => readObject({ bytes, start: 5, end: end + 5 })).toThrow("at byte 16");
  expect(() => readObject({ bytes, start: 5, end: end - 2 })).toThrow("breaks off");
});

test("an error says where a text is no JSON, and nothing of what stands there", () => {
  expect(() => read('{"a":secret}')).toThrow(
    "The body is not valid JSON: it goes wrong at byte 5.",
  );
  expect(() => read('{"a":"secret')).toThrow("The body is not valid JSON: it breaks off.");
});

/** Pieces of which some are JSON, put together at random. */
const PIECES = [
  ...["{", "}", "[", "]", ",", ":", '"a"', '"b"', '"c\\n"', '"\\u00e4"', '"ä🙂"', "true", "false"],
  ...["null", "0", "-0", "01", "1.5", "1.", ".5", "1e5", "1e", "-", "+1", "NaN", " ", "\n", "\t"],
  ...['"\\x"', '"\\u12"', '"\n"', '"\u0000"', "\u00a0", '"', "tru", "1E+2", "\ufeff", "/**/"],
];

test("what it takes is what JSON.parse takes, for 200,000 texts of good and bad pieces", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >>> 8) % below;
  };
  let good = 0;
  for (let round = 0; round < 200_000; round++) {
    const count = 1 + random(6);
    const pieces = Array.from({ length: count }, () => PIECES[random(PIECES.length)]);
    const text = `{"x":${pieces.join("")}}`;
    const isGood = isAccepted(() => JSON.parse(text));
    if (isGood) good++;
    expect([text, isAccepted(() => readPlain(text))]).toEqual([text, isGood]);
  }
  expect(good).toBeGreaterThan(5_000);
});

/** A name given twice is none of the faults that are looked for. */
function readPlain(text: string): void {
  try {
    read(text);
  } catch (thrown) {
    if (!String(thrown).includes("twice")) throw thrown;
  }
}

function isAccepted(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}
