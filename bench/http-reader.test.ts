import { expect, test } from "bun:test";
import { HttpReader } from "./http-reader.js";

const messages = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\nX-A: b\r\ncontent-length: 0\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\n",
  "GET /stats HTTP/1.1\r\nHost: x\r\n\r\n",
  "POST / HTTP/1.1\r\nCONTENT-LENGTH: 2\r\n\r\n{}",
];
const bodies = ["hello", "", "abc0123456789", "", "{}"];

function bodiesOf(bytes: Buffer, pieceBytes: number): string[] {
  const done: string[] = [];
  let body = "";
  const reader = new HttpReader({
    onHead: () => {
      body = "";
    },
    onBody: (part) => {
      body += part.toString();
    },
    onEnd: () => done.push(body),
  });
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    reader.feed(bytes.subarray(at, at + pieceBytes));
  }
  return done;
}

test("messages are framed alike however the bytes are split", () => {
  const bytes = Buffer.from(messages.join(""));
  for (const pieceBytes of [1, 2, 3, 7, 50, bytes.length]) {
    expect(bodiesOf(bytes, pieceBytes)).toEqual(bodies);
  }
});

test("an answer that ends only with the connection is refused", () => {
  expect(() => bodiesOf(Buffer.from("HTTP/1.1 200 OK\r\n\r\nhello"), 99)).toThrow("neither");
});

test("a chunk that is longer than its size is refused", () => {
  const bad = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n";
  expect(() => bodiesOf(Buffer.from(bad), 99)).toThrow("longer");
});
