import { expect, test } from "bun:test";
import { MalformedRequest, RequestHead } from "./request-head.js";

const bytesOf = (...lines: readonly string[]): Buffer =>
  Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
const parse = (...lines: readonly string[]): RequestHead => RequestHead.parse(bytesOf(...lines));

const POST = "POST /v1/chat/completions?x=1 HTTP/1.1";
const HOST = "Host: turnpike.test:8080";

test("a head is read as it stands", () => {
  const head = parse(POST, HOST, "Content-Length: 12", "X-Two:  a ", "x-two:b\t", "X-Empty:");
  expect([head.method, head.url]).toEqual([
    "POST",
    "http://turnpike.test:8080/v1/chat/completions?x=1",
  ]);
  expect([head.length, head.isChunked, head.isHttp10]).toEqual([12, false, false]);
  expect(["x-two", "x-empty", "x-none"].map((name) => head.get(name))).toEqual(["a, b", "", null]);
  expect(head.get("content-length")).toBe("12");
  expect(head.messageBytes).toBe(head.headBytes + 12);
});

test("a target that names the host as well means its path", () => {
  expect(parse("GET http://elsewhere.test/a?b HTTP/1.1", HOST).url).toBe(
    "http://turnpike.test:8080/a?b",
  );
});

test("what could be read in two ways is refused, and said why", () => {
  const table: readonly [readonly string[], number, string][] = [
    [["garbage"], 400, "no HTTP/1.1"],
    [["GET /a b HTTP/1.1", HOST], 400, "no HTTP/1.1"],
    [["get / HTTP/1.1", HOST], 400, "no HTTP/1.1"],
    [["GET  / HTTP/1.1", HOST], 400, "no HTTP/1.1"],
    [["GET a HTTP/1.1", HOST], 400, "no HTTP/1.1"],
    [["GET /\u00e9 HTTP/1.1", HOST], 400, "no HTTP/1.1"],
    [["GET / HTTP/2.0", HOST], 505, "HTTP/1.1 and HTTP/1.0"],
    [["GET / HTTP/1.1"], 400, "names no host"],
    [["GET / HTTP/1.1", "Host: a/b"], 400, "names no host"],
    [["GET / HTTP/1.1", "Host: me@here"], 400, "names no host"],
    [["GET / HTTP/1.1", HOST, HOST], 400, "host is given twice"],
    [["GET / HTTP/1.1", HOST, "No colon"], 400, "no name"],
    [["GET / HTTP/1.1", HOST, "Name : x"], 400, "no name"],
    [["GET / HTTP/1.1", HOST, " folded: x"], 400, "no name"],
    [["GET / HTTP/1.1", HOST, "X: a\rY: b"], 400, "x holds a character"],
    [["GET / HTTP/1.1", HOST, "X: a\nTransfer-Encoding: chunked"], 400, "x holds a character"],
    [["GET / HTTP/1.1", HOST, "X: a\u0000"], 400, "x holds a character"],
    [[POST, HOST, "Content-Length: -1"], 400, "no whole number"],
    [[POST, HOST, "Content-Length: 1e3"], 400, "no whole number"],
    [[POST, HOST, "Content-Length: 5, 5"], 400, "no whole number"],
    [[POST, HOST, "Content-Length: 5", "Content-Length: 5"], 400, "given twice"],
    [[POST, HOST, "Content-Length: 5", "Transfer-Encoding: chunked"], 400, "two ways"],
    [[POST, HOST, "Transfer-Encoding: gzip, chunked"], 501, "only chunked"],
    [[POST, HOST, "Transfer-Encoding: xchunked"], 501, "only chunked"],
    [[POST, HOST, "Transfer-Encoding: chunked", "Transfer-Encoding: x"], 400, "given twice"],
    [["POST / HTTP/1.0", HOST, "Transfer-Encoding: chunked"], 400, "two ways"],
    [["GET / HTTP/1.1", HOST, ...Array(200).fill("A: b")], 431, "more than 200"],
  ];
  for (const [lines, status, message] of table) {
    let refused: unknown;
    try {
      parse(...lines);
    } catch (thrown) {
      refused = thrown;
    }
    expect({ lines, refused }).toEqual({ lines, refused: expect.any(MalformedRequest) });
    expect(refused).toMatchObject({ status, message: expect.stringContaining(message) });
  }
});

test("a connection is kept as the version and the caller have it", () => {
  const keeps = (version: string, ...lines: readonly string[]) =>
    parse(`GET / HTTP/${version}`, HOST, ...lines).keepsAlive;
  expect([keeps("1.1"), keeps("1.1", "Connection: Close")]).toEqual([true, false]);
  expect([keeps("1.0"), keeps("1.0", "Connection: x, Keep-Alive")]).toEqual([false, true]);
});

test("the same head again is known by its bytes, whatever length it says", () => {
  const lines = (length: string, token = "one") => [
    POST,
    HOST,
    `Authorization: Bearer ${token}`,
    `Content-Length: ${length}`,
    "Accept: */*",
  ];
  const first = parse(...lines("12"));
  for (const length of ["12", "7", "0", "345", "000012", "999999999999999"]) {
    const next = Buffer.concat([bytesOf(...lines(length)), Buffer.from('{"a":1}')]);
    const again = first.again(next);
    const anew = RequestHead.parse(bytesOf(...lines(length)));
    expect([again?.length, again?.headBytes]).toEqual([anew.length, anew.headBytes]);
    expect(again?.get("authorization")).toBe("Bearer one");
    expect(again?.get("content-length")).toBe(String(anew.length));
  }
  const others = [
    lines("12", "two"),
    lines("x2"),
    lines("12 "),
    lines(""),
    lines("1234567890123456"),
    [...lines("12"), "X: y"],
    lines("12").toReversed(),
  ];
  for (const other of others) expect(first.again(bytesOf(...other))).toBeUndefined();
  const whole = bytesOf(...lines("12"));
  for (let at = 0; at < whole.length; at++) {
    expect(first.again(whole.subarray(0, at))).toBeUndefined();
    const changed = Buffer.from(whole);
    changed[at] = (whole[at] ?? 0) ^ 64;
    expect(first.again(changed)).toBeUndefined();
  }
});

test("a head without a length is known again only as it was", () => {
  const first = parse("GET /a HTTP/1.1", HOST);
  const same = bytesOf("GET /a HTTP/1.1", HOST);
  expect(first.again(Buffer.concat([same, Buffer.from("7")]))?.length).toBeUndefined();
  expect(first.again(bytesOf("GET /b HTTP/1.1", HOST))).toBeUndefined();
  const chunked = parse(POST, HOST, "Transfer-Encoding: chunked");
  const again = chunked.again(bytesOf(POST, HOST, "Transfer-Encoding: chunked"));
  expect([again?.isChunked, again?.length]).toEqual([true, undefined]);
});
