import { expect, test } from "bun:test";
import { ResponseHead } from "./response-head.js";

const HEAD = [
  "HTTP/1.1 200 OK",
  "Content-Type: application/json",
  "X-Odd:",
  "x-padded: \t a b \t ",
  "no colon",
  "odd name : x",
  " folded: x",
  "breaks: a\nb",
  "CONNECTION: Close",
  "Twice: 1",
  "twice: 2",
].join("\r\n");

function read(text: string): ResponseHead {
  const head = ResponseHead.read(Buffer.from(`${text}\r\n\r\nbody`), 0);
  if (!head) throw new Error("no head");
  return head;
}

test("a header is found whatever its letters, and the first of two", () => {
  const head = read(HEAD);
  expect(head.status).toBe(200);
  expect(head.get("content-type")).toBe("application/json");
  expect(head.get("x-odd")).toBe("");
  expect(head.get("x-padded")).toBe("a b");
  expect(head.get("twice")).toBe("1");
  for (const name of ["no colon", "content", "http/1.1 200 ok", "body", ""]) {
    expect([name, head.get(name)]).toEqual([name, undefined]);
  }
  expect(head.says("connection", "close")).toBe(true);
  expect(head.says("x-padded", "a")).toBe(false);
  expect(head.hasAnyOf(["x-o"])).toBe(true);
  expect(head.hasAnyOf(["http", "body"])).toBe(false);
  expect(head.entries()).toEqual([
    ["content-type", "application/json"],
    ["x-odd", ""],
    ["x-padded", "a b"],
    ["connection", "Close"],
    ["twice", "1"],
    ["twice", "2"],
  ]);
});

test("a head ends with its blank line, wherever it begins, and not before that has come in", () => {
  const bytes = Buffer.from(`HTTP/1.1 100 Continue\r\n\r\n${HEAD}\r\n\r\nbody`);
  const first = ResponseHead.read(bytes, 0);
  expect(first?.status).toBe(100);
  const second = ResponseHead.read(bytes, first?.end ?? 0);
  expect(second?.get("content-type")).toBe("application/json");
  expect(bytes.toString("latin1", second?.end)).toBe("body");
  for (let length = 0; length < (first?.end ?? 0); length++) {
    expect(ResponseHead.read(bytes.subarray(0, length), 0)).toBeUndefined();
  }
});

test("what is no HTTP/1, too long, or says two lengths is refused", () => {
  for (const line of ["", "HTTP/2 200 OK", "HTTP/1.1 2x0 OK", "HTTP/1.1  200", "HTTP/1.1", "hi"]) {
    expect(() => read(line)).toThrow("not HTTP/1.1");
  }
  expect(() => read(`HTTP/1.1 200 OK\r\na: ${"b".repeat(70_000)}`)).toThrow("too long");
  expect(() => ResponseHead.read(Buffer.alloc(70_000, "a"), 0)).toThrow("too long");
  const length = (lines: string) => read(`HTTP/1.1 200 OK\r\n${lines}`).contentLength();
  expect(length("a: b")).toBeUndefined();
  expect(length("Content-Length:  12 \r\ncontent-length: 12")).toBe(12);
  expect(() => length("Content-Length: 12\r\ncontent-length: 13")).toThrow("two");
  for (const said of ["", "-1", "1 2", "0x1", "01", "1234567890123456"]) {
    expect(() => length(`Content-Length: ${said}`)).toThrow("no number");
  }
});
