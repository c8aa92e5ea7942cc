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
