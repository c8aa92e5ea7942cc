import { expect, test } from "bun:test";
import { type Anchor, anchorOn, CALENDAR, moveAnchor, parseMonth, periodAt } from "./period.js";

const at = (text: string): number => Date.parse(`${text}Z`);
const shown = (anchor: Anchor, time: string) => {
  const { start, end, name } = periodAt(anchor, at(time));
  const day = (ms: number) => new Date(ms).toISOString().replace("T00:00:00.000Z", "");
  return [day(start), day(end), name];
};

test("a calendar month begins on its first day and ends where the next one begins", () => {
  expect(shown(CALENDAR, "2026-11-01T00:00:00.000")).toEqual([
    "2026-11-01",
    "2026-12-01",
    "2026-11",
  ]);
  expect(shown(CALENDAR, "2026-11-30T23:59:59.999")).toEqual([
    "2026-11-01",
    "2026-12-01",
    "2026-11",
  ]);
  expect(shown(CALENDAR, "2026-12-31T12:00:00")).toEqual(["2026-12-01", "2027-01-01", "2026-12"]);
});

test("a period begins on its anchor day, in the month before when that day has not come", () => {
  const anchor = anchorOn(15);
  expect(shown(anchor, "2026-11-14T23:59:59.999")).toEqual([
    "2026-10-15",
    "2026-11-15",
    "2026-10-15",
  ]);
  expect(shown(anchor, "2026-11-15T00:00:00")).toEqual(["2026-11-15", "2026-12-15", "2026-11-15"]);
  expect(shown(anchor, "2027-01-03T00:00:00")).toEqual(["2026-12-15", "2027-01-15", "2026-12-15"]);
});

test("the 31st is the last day of a shorter month, in leap years too", () => {
  const anchor = anchorOn(31);
  expect(shown(anchor, "2027-02-27T00:00:00")).toEqual(["2027-01-31", "2027-02-28", "2027-01-31"]);
  expect(shown(anchor, "2027-02-28T00:00:00")).toEqual(["2027-02-28", "2027-03-31", "2027-02-28"]);
  expect(shown(anchor, "2028-02-28T00:00:00")).toEqual(["2028-01-31", "2028-02-29", "2028-01-31"]);
  expect(shown(anchor, "2028-03-30T00:00:00")).toEqual(["2028-02-29", "2028-03-31", "2028-02-29"]);
});

test("a new anchor day lets the period under way end, and a shorter one follows", () => {
  const moved = moveAnchor(CALENDAR, 15, at("2026-11-10T00:00:00"));
  expect(shown(moved, "2026-11-10T00:00:00")).toEqual(["2026-11-01", "2026-12-01", "2026-11"]);
  expect(shown(moved, "2026-11-30T23:59:59")).toEqual(["2026-11-01", "2026-12-01", "2026-11"]);
  expect(shown(moved, "2026-12-01T00:00:00")).toEqual(["2026-12-01", "2026-12-15", "2026-12"]);
  expect(shown(moved, "2026-12-15T00:00:00")).toEqual(["2026-12-15", "2027-01-15", "2026-12-15"]);
});

test("whatever the anchor is moved to, and how often, periods follow each other and none is named twice", () => {
  const days = [31, 30, 1, 15, 15, 29, 28, 31, 2];
  let anchor = CALENDAR;
  let now = at("2026-11-10T00:00:00");
  const ends = new Map<string, number>();
  let lastEnd: number | undefined;
  for (let step = 0; step < 4_000; step++) {
    const period = periodAt(anchor, now);
    expect(period.start <= now && now < period.end).toBe(true);
    const known = ends.get(period.name);
    if (known === undefined) {
      if (lastEnd !== undefined) expect(period.start).toBe(lastEnd);
      ends.set(period.name, period.end);
      lastEnd = period.end;
    } else expect(period.end).toBe(known);
    if (step % 7 === 0) anchor = moveAnchor(anchor, days[(step / 7) % days.length] ?? 1, now);
    now += 86_400_000 / 2;
  }
  expect(ends.size).toBeGreaterThan(60);
});

test("a month is named by four digits and two, of years that dates can tell", () => {
  expect(parseMonth("2026-11")?.name).toBe("2026-11");
  expect(parseMonth("0100-01")?.name).toBe("0100-01");
  for (const name of ["0000-01", "0099-12", "2026-13", "2026-00", "2026-1", "2026-11-01", "x"]) {
    expect([name, parseMonth(name)]).toEqual([name, undefined]);
  }
});
