import { expect, test } from "bun:test";
import { twiceNamed } from "./twice-named.js";

test("a name that one object has twice is found, however it is written and however deep", () => {
  const table: readonly [string, string | undefined][] = [
    ['{"a":1,"a":1}', "a"],
    ['{"a" :1,"\\u0061":2}', "a"],
    ['[{"b":{"c":[{"d":1,"e":{},"d":2}]}}]', "d"],
    ['{"a":{"a":[{"a":1},{"a":2}]},"b":"a"}', undefined],
    ['{"a":"\\"a\\":{","b":"}\\\\","c":["a","a"]}', undefined],
    ['{"__proto__":1,"b":{"__proto__":2}}', undefined],
    ['"a"', undefined],
    ["null", undefined],
  ];
  for (const [json, name] of table)
    expect({ json, name: twiceNamed(json) }).toEqual({ json, name });
});
