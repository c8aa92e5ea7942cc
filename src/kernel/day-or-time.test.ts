import { expect, test } from "bun:test";
import { parseDayOrTime } from "./day-or-time.js";

test("a day begins at midnight UTC, and a time is where its offset says", () => {
  expect(parseDayOrTime("2027-01-31")).toBe(Date.UTC(2027, 0, 31));
  expect(parseDayOrTime("2028-02-29")).toBe(Date.UTC(2028, 1, 29));
  expect(parseDayOrTime("2027-01-31T12:00:00+02:00")).toBe(Date.UTC(2027, 0, 31, 10));
});

test("what no calendar has is no day, and what Date guesses is no time", () => {
  for (const text of [
    ...["2027-02-30", "2027-13-01", "2027-00-10", "2027-02-29T00:00:00Z", "2027-01-31T25:00:00Z"],
    ...[
      "",
      "soon",
      "1",
      "1e12",
      "31.1.2027",
      "2027-1-3",
      "2027-01-31 12:00",
      "2027-01-31T12:00:00",
    ],
  ]) {
    expect([text, parseDayOrTime(text)]).toEqual([text, undefined]);
  }
});
