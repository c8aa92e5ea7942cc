import { expect, test } from "bun:test";
import { parseCoreList } from "./machine.js";

test("a core list may be single cores and ranges", () => {
  expect(parseCoreList("0-2,5")).toEqual([0, 1, 2, 5]);
  expect(parseCoreList("3")).toEqual([3]);
  expect(parseCoreList("")).toEqual([]);
});
