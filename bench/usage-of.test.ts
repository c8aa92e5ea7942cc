import { expect, test } from "bun:test";
import { coreShare, rssPeak, stolenMsIn } from "./usage-of.js";

const samples = [
  { atMs: 1000, cpuMs: 0, rssBytes: 9 },
  { atMs: 2000, cpuMs: 100, rssBytes: 5 },
  { atMs: 3000, cpuMs: 600, rssBytes: 7 },
  { atMs: 4000, cpuMs: 1600, rssBytes: 8 },
];

test("only samples inside the window count", () => {
  expect(coreShare(samples, { fromMs: 2000, toMs: 3500 })).toBe(0.5);
  expect(rssPeak(samples, { fromMs: 1500, toMs: 3500 })).toBe(7);
});

test("too few samples give no number rather than zero", () => {
  expect(coreShare(samples, { fromMs: 2000, toMs: 2500 })).toBeNaN();
  expect(rssPeak(samples, { fromMs: 2100, toMs: 2500 })).toBeNaN();
});

test("what a host gives to others is told for each core", () => {
  const stat =
    "cpu  10 0 0 0 0 0 0 99 0 0\ncpu0 1 2 3 4 5 6 7 12 9 10\ncpu1 1 2 3 4 5 6 7 0 9 10\n";
  expect(stolenMsIn(stat, 0)).toBe(120);
  expect(stolenMsIn(stat, 1)).toBe(0);
  expect(stolenMsIn(stat, 2)).toBeNaN();
  expect(stolenMsIn(stat, undefined)).toBeNaN();
});
