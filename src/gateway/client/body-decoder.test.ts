import { expect, test } from "bun:test";
import { BodyDecoder } from "./body-decoder.js";
import { framingOf, ResponseHead } from "./response-head.js";

const head = (headers: string, status = 200): ResponseHead => {
  const parsed = ResponseHead.read(
    Buffer.from(`HTTP/1.1 ${status} OK\r\n${headers}\r\n${headers === "" ? "" : "\r\n"}`),
    0,
  );
  if (!parsed) throw new Error("no head");
  return parsed;
};

const decoderFor = (headers: string, status?: number): BodyDecoder =>
  new BodyDecoder(framingOf(head(headers, status)));

/** Feeds `text` in pieces of `size` bytes; the body, and whether it is complete. */
function decode(headers: string, text: string, size: number): { body: string; isDone: boolean } {
  const decoder = decoderFor(headers);
  const bytes = Buffer.from(text);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size)
    decoder.push(bytes.subarray(at, at + size), parts);
  return { body: Buffer.concat(parts).toString(), isDone: decoder.isDone };
}

const CHUNKED = "Transfer-Encoding: chunked";

test("chunks are put together whatever way they were cut", () => {
  const text = "5;name=value\r\nhello\r\n1\r\n \r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
  for (let size = 1; size <= text.length; size++) {
    expect(decode(CHUNKED, text, size)).toEqual({ body: "hello 0123456789", isDone: true });
  }
});

test("a length ends the body, and one byte more is an error", () => {
  expect(decode("Content-Length: 5", "hel", 3)).toEqual({ body: "hel", isDone: false });
  expect(decode("Content-Length: 5", "hello", 2)).toEqual({ body: "hello", isDone: true });
  expect(() => decode("Content-Length: 5", "hello!", 6)).toThrow("longer");
  expect(decoderFor("Content-Length: 0").isDone).toBe(true);
  expect(decoderFor("", 204).isDone).toBe(true);
});

test("framing that is no framing is refused", () => {
  for (const text of [
    "x\r\n",
    "-1\r\n",
    "5\r\nhello!\r\n",
    "123456789\r\n",
    "0\r\n\r\nmore",
    `${"1".repeat(2_000)}`,
  ]) {
    expect(() => decode(CHUNKED, text, 4)).toThrow();
  }
  for (const length of ["-1", "abc", "1e3", "5, 5"]) {
    expect(() => decoderFor(`Content-Length: ${length}`)).toThrow("no number");
  }
});

test("without length or chunks the end of the connection is the end of the body", () => {
  const decoder = decoderFor("Content-Type: text/plain");
  const parts: Buffer[] = [];
  decoder.push(Buffer.from("abc"), parts);
  expect(parts.length).toBe(1);
  expect([decoder.isDone, decoder.endsWhole()]).toEqual([false, true]);
});
