import { expect, test } from "bun:test";
import { coreShare, rssPeak } from "./usage-of.js";

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
