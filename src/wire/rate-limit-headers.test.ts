import { expect, test } from "bun:test";
import { parseReset, pauseAskedFor, usedUpMs } from "./rate-limit-headers.js";

const NOW = Date.UTC(2026, 10, 28, 12);
const from = (headers: Readonly<Record<string, string>>) => (name: string) => headers[name];

test("a reset is read in every form that providers write it in", () => {
  const forms: readonly (readonly [string, number | undefined])[] = [
    ["1", 1_000],
    ["8.998601913452148", 8_999],
    ["6m0s", 360_000],
    ["2m59.56s", 179_560],
    ["1h2m3s", 3_723_000],
    ["1d", 86_400_000],
    ["120ms", 120],
    ["1s500ms", 1_500],
    ["17.3ms", 18],
    [String(NOW / 1_000 + 7), 7_000],
    [String(NOW + 7), 7],
    [String(NOW / 1_000 - 7), 0],
    ["2026-11-28T12:00:30Z", 30_000],
    ["Sat, 28 Nov 2026 12:01:00 GMT", 60_000],
    ["Sat, 28 Nov 2026 11:01:00 GMT", 0],
    ["soon", undefined],
    ["", undefined],
    ["-3", undefined],
  ];
  for (const [text, ms] of forms) expect([text, parseReset(text, NOW)]).toEqual([text, ms]);
});

test("Retry-After counts before all other headers, and its exact form before the rounded one", () => {
  const usedUp = { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s" };
  expect(pauseAskedFor(from(usedUp), NOW)).toBe(360_000);
  expect(pauseAskedFor(from({ ...usedUp, "retry-after": "2" }), NOW)).toBe(2_000);
  const exact = { ...usedUp, "retry-after": "2", "retry-after-ms": "1234.5" };
  expect(pauseAskedFor(from(exact), NOW)).toBe(1_235);
  const date = { "retry-after": "Sat, 28 Nov 2026 12:00:05 GMT" };
  expect(pauseAskedFor(from(date), NOW)).toBe(5_000);
  expect(pauseAskedFor(from({ "retry-after": "later" }), NOW)).toBeUndefined();
});

test("a limit is used up where nothing remains of it, and the last one to be full again decides", () => {
  const table: readonly (readonly [Readonly<Record<string, string>>, number | undefined])[] = [
    [{}, undefined],
    [{ "x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "6m0s" }, undefined],
    [{ "x-ratelimit-remaining-requests": "0" }, undefined],
    [{ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "120ms" }, 120],
    [
      {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "2s",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "120ms",
      },
      2_000,
    ],
    [
      { "x-ratelimit-remaining-tokens-minute": "0", "x-ratelimit-reset-tokens-minute": "33.9" },
      33_900,
    ],
    [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(NOW / 1_000 + 2) }, 2_000],
    [{ "ratelimit-remaining": "0", "ratelimit-reset": "1" }, 1_000],
    [{ ratelimit: '"api";r=0;t=55' }, 55_000],
    [{ ratelimit: '"api";r=12;t=55' }, undefined],
    [{ ratelimit: '"a";r=0;t=5, "b";r=0;t=9' }, 9_000],
    [
      {
        "x-ratelimit-limit-tokens": "0",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "1s",
      },
      undefined,
    ],
  ];
  for (const [headers, ms] of table) {
    expect([headers, usedUpMs(from(headers), NOW)]).toEqual([headers, ms]);
  }
});
