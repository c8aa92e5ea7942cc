import { expect, test } from "bun:test";
import { crc32 } from "./crc32.js";

test("the checksum of a stretch of bytes is zlib's", () => {
  const bytes = crypto.getRandomValues(new Uint8Array(64));
  for (let start = 0; start < 12; start++) {
    for (let end = start; end <= bytes.length; end++) {
      expect(crc32(bytes, start, end)).toBe(Bun.hash.crc32(bytes.subarray(start, end)));
    }
  }
});

test("the checksum of nine digits is the one that everybody knows", () => {
  expect(crc32(Buffer.from("123456789"), 0, 9)).toBe(0xcbf43926);
});

test("a checksum goes on where another one ended", () => {
  const bytes = Buffer.from("a beginning, and what comes after it");
  for (let at = 0; at <= bytes.length; at++) {
    const before = crc32(bytes, 0, at);
    expect(crc32(bytes, at, bytes.length, before)).toBe(Bun.hash.crc32(bytes));
  }
});
