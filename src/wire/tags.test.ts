import { expect, test } from "bun:test";
import { RouterError } from "../kernel/errors.js";
import { TAG_CHARS_MAX, TAG_NAME_CHARS_MAX, TAGS_MAX } from "../kernel/limits.js";
import { parseTags } from "./tags.js";

const many = (count: number) => Array.from({ length: count }, (_, i) => `t${i}=v`).join(",");

test("tags are told in the order of their names, whichever way they were written", () => {
  const read = ["env=prod", "team=search/eu-1"];
  for (const header of ["team=search/eu-1,env=prod", " env=prod , team=search/eu-1 "]) {
    expect(parseTags(header)).toEqual(read);
  }
  for (const nothing of [null, "", "  "]) expect(parseTags(nothing)).toEqual([]);
});

test("the longest name, the longest value and the most tags are taken", () => {
  const longest = `${"n".repeat(TAG_NAME_CHARS_MAX)}=${"v".repeat(TAG_CHARS_MAX)}`;
  expect(parseTags(longest)).toEqual([longest]);
  expect(parseTags(many(TAGS_MAX))).toHaveLength(TAGS_MAX);
});

test("anything else is refused with its reason", () => {
  const refused: readonly (readonly [header: string, reason: string])[] = [
    [many(TAGS_MAX + 1), `${TAGS_MAX} is the most`],
    ["team", "no name=value"],
    ["team=a,", "no name=value"],
    ["=a", "a name is"],
    ["te am=a", "a name is"],
    [`${"n".repeat(TAG_NAME_CHARS_MAX + 1)}=a`, "a name is"],
    ["team=", "a value is"],
    ["team==a", "a value is"],
    ["team=a b", "a value is"],
    ["team=größe", "a value is"],
    [`team=${"v".repeat(TAG_CHARS_MAX + 1)}`, "a value is"],
    ["team=a,team=b", '"team" twice'],
  ];
  for (const [header, reason] of refused) {
    expect(() => parseTags(header)).toThrow(RouterError);
    expect(() => parseTags(header)).toThrow(reason);
  }
});
