import { expect, test } from "bun:test";
import { LineBuffer, lineStart } from "./line-buffer.js";

test("as many lines as there are find room, and each has its own checksum", () => {
  const lines = new LineBuffer();
  const all = Array.from({ length: 5_000 }, (_, nth) => `${nth} ${"größe ".repeat(nth % 40)}`);
  for (const text of all) {
    lines.begin();
    lines.text(text);
    lines.end();
  }
  const expected = all.map((text) => {
    const checksum = Bun.hash.crc32(text).toString(16).padStart(8, "0");
    return `${checksum}${text}\n`;
  });
  expect(lines.content().toString()).toBe(expected.join(""));
  lines.clear();
  expect(lines.length).toBe(0);
});

test("a start that many lines share counts in the checksum of each", () => {
  const lines = new LineBuffer();
  for (const [start, rest] of [
    ["S[1]\t[", "a]"],
    ["größe ", ""],
  ] as const) {
    lines.clear();
    lines.begin(lineStart(start));
    lines.text(rest);
    lines.end();
    const checksum = Bun.hash
      .crc32(start + rest)
      .toString(16)
      .padStart(8, "0");
    expect(lines.content().toString()).toBe(`${checksum}${start}${rest}\n`);
  }
});
