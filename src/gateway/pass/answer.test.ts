import { expect, test } from "bun:test";
import { assert } from "../../kernel/errors.js";
import { ResponseHead } from "../client/response-head.js";
import { headersAs } from "./answer.js";

const THEIRS = [
  "HTTP/1.1 200 OK",
  "Content-Type: application/json",
  "X-Request-Id: theirs",
  "X-Turnpike-Cost-Nano-Usd: 0",
  "Set-Cookie: a=b",
  'RateLimit: "requests";r=7',
  'RateLimit-Policy: "requests";q=9',
].join("\r\n");

function passedOn(own: Record<string, string>): Record<string, string> {
  const head = ResponseHead.read(Buffer.from(`${THEIRS}\r\n\r\n`), 0);
  assert(head, "a head");
  return Object.fromEntries(headersAs(head, new Headers(own)));
}

const RATES = { ratelimit: '"requests";r=7', "ratelimit-policy": '"requests";q=9' };
const OURS = { "inference-id": "ours", "x-request-id": "ours" };
const BOTH = {
  "content-type": "application/json",
  "inference-id": "ours",
  "x-request-id": "theirs",
};

test("a provider's headers are passed on beside ours, but for those that would speak for us", () => {
  expect(passedOn(OURS)).toEqual({ ...BOTH, ...RATES });
});

test("a provider's rates and ours are never told in one answer", () => {
  const left = { ratelimit: '"tokens";r=1;t=9' };
  const policy = { "ratelimit-policy": '"concurrent";q=1' };
  expect(passedOn({ ...OURS, ...left })).toEqual({ ...BOTH, ...left });
  expect(passedOn({ ...OURS, ...policy })).toEqual({ ...BOTH, ...policy });
});
