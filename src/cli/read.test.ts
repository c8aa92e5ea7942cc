import { expect, test } from "bun:test";
import { readWhole } from "./read.js";

test("a whole number is taken up to its limit, the limit too", () => {
  const most = 1_000_000_000;
  for (const number of [1, 60, most]) {
    expect(readWhole("--n", String(number), [1, most])).toBe(number);
  }
  for (const text of ["0", "1000000001", "1.5", "-1", "1e3", "", "9".repeat(40)]) {
    expect(() => readWhole("--n", text, [1, most])).toThrow("--n: expected a whole number from 1");
  }
});
