import { expect, test } from "bun:test";
import { LineBuffer } from "./line-buffer.js";

/** What one line holds, without its checksum. */
function written(write: (line: LineBuffer) => void): string {
  const lines = new LineBuffer();
  lines.begin();
  write(lines);
  lines.end();
  return lines.content().toString("utf8").slice(8, -1);
}

test("numbers are written as JavaScript writes them", () => {
  const powers = Array.from({ length: 20 }, (_, digits) => 10 ** digits);
  const wholes = powers.flatMap((power) => [power - 1, power, power + 1, 7 * power]);
  for (const value of [...wholes, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER, 1.5, -3, 1e-9]) {
    expect(written((line) => line.number(value))).toBe(String(value));
  }
});

test("texts are written as they are, and in quotes as JSON has them", () => {
  const texts = [
    "",
    "org/model",
    'a "b" \\c',
    "tab\tand\nline",
    "größe 漢字 🙂",
    "\u007f",
    "\ud800",
  ];
  for (const text of [...texts, ...texts.map((short) => short.repeat(300))]) {
    expect(written((line) => line.text(text))).toBe(Buffer.from(text).toString());
    expect(written((line) => line.quoted(text))).toBe(JSON.stringify(text));
  }
});

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
  expect(lines.isEmpty).toBe(true);
});
