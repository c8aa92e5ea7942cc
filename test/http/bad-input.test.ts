import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { listen, type Server } from "../../src/http/server/server.js";
import {
  AT_REST,
  call,
  chat,
  recordingLog,
  type TestApp,
  type TestUser,
  testApp,
} from "../support/app.js";
import { type FakeProvider, fakeProvider, plainAnswer, yamlFor } from "../support/provider.js";
import { rawRequest } from "../support/sockets.js";

let app: TestApp;
let provider: FakeProvider;
let ada: TestUser;
let server: Server;
const { log, lines } = recordingLog();

beforeAll(async () => {
  provider = fakeProvider(() => plainAnswer());
  app = await testApp({
    yaml: yamlFor({ local: provider.origin }),
    log,
  });
  ada = await app.addUser("ada");
  server = listen(app.site, { host: "127.0.0.1", port: 0, sharesPort: false });
});

afterEach(async () => {
  expect(await app.state(ada)).toEqual(AT_REST);
  provider.received.length = 0;
});

afterAll(async () => {
  await server.stop();
  await app.stop();
  await provider.stop();
});

const MESSAGES = [{ role: "user", content: "hi" }];
const BODY = { model: "org/model", messages: MESSAGES };

/** The error of a request that must reach no provider and cost nothing. */
async function refused(request: Request): Promise<{ status: number; error: ErrorBody }> {
  const before = await app.left(ada);
  const response = await app.answer(request);
  const { error } = (await response.json()) as { error: ErrorBody };
  expect(error.inference_id).toBe(response.headers.get("inference-id") ?? "missing");
  expect(provider.received).toEqual([]);
  expect(await app.left(ada)).toBe(before);
  return { status: response.status, error };
}

type ErrorBody = {
  readonly message: string;
  readonly code: string;
  readonly param: string | null;
  readonly inference_id: string;
  readonly did_you_mean?: readonly string[];
};

test("truncated and invalid JSON is a bad request that quotes none of the body", async () => {
  const text = JSON.stringify({ ...BODY, messages: [{ role: "user", content: "SECRET" }] });
  const cuts = [1, 5, 12, 20, 40, text.length - 3, text.length - 1].map((at) => text.slice(0, at));
  const bodies = [
    ...cuts,
    "",
    "null",
    "42",
    '"SECRET"',
    `[${text}]`,
    `${text}x`,
    `${text}${text}`,
    text.replaceAll('"', "'"),
    text.replace("}]", "},]"),
    text.replace("SECRET", "SEC\nRET"),
    text.replace("SECRET", "\\uZZZZ SECRET"),
    text.replace('"org/model"', "NaN"),
    `\u0000${text}`,
  ];
  for (const body of bodies) {
    const { status, error } = await refused(chat(ada.token, body));
    expect({ body, status, code: error.code }).toEqual({ body, status: 400, code: "bad_request" });
    expect(error.message).not.toContain("SECRET");
  }
});

test("bytes that are no UTF-8 are refused, and what is UTF-8 goes on byte for byte", async () => {
  const text = JSON.stringify(BODY);
  for (const odd of ["h\xff", "\xc0\xa2", "\xed\xa0\x80"]) {
    const body = Buffer.from(text.replace("hi", odd), "latin1");
    const { status, error } = await refused(new Request(chat(ada.token, text), { body }));
    expect([status, error.message]).toEqual([400, "The body is not valid UTF-8."]);
  }
  const good = text.replace("hi", "größe 漢字 🙂");
  expect((await app.answer(chat(ada.token, `\ufeff${good}`))).status).toBe(200);
  const [sent] = provider.received;
  expect(sent?.body).toBe(good.replace('"org/model"', '"upstream-model"'));
});

test("a wrong type is named by its field", async () => {
  const wrong: readonly [Record<string, unknown>, string][] = [
    [{ model: 7 }, "model"],
    [{ model: "" }, "model"],
    [{ model: null }, "model"],
    [{ model: "x".repeat(300) }, "model"],
    [{ messages: "hi" }, "messages"],
    [{ messages: [] }, "messages"],
    [{ messages: null }, "messages"],
    [{ messages: ["hi"] }, "messages[0]"],
    [{ messages: [null] }, "messages[0]"],
    [{ messages: [{ content: "hi" }] }, "messages[0].role"],
    [{ messages: [{ role: 1, content: "hi" }] }, "messages[0].role"],
    [{ messages: [...MESSAGES, { role: "user", content: 5 }] }, "messages[1].content"],
    [{ messages: [{ role: "user", content: { text: "hi" } }] }, "messages[0].content"],
    [{ messages: [{ role: "user", content: ["hi"] }] }, "messages[0].content[0]"],
    [{ stream: "true" }, "stream"],
    [{ stream_options: true }, "stream_options"],
    [{ max_tokens: "50" }, "max_tokens"],
    [{ max_tokens: 0 }, "max_tokens"],
    [{ max_tokens: -1 }, "max_tokens"],
    [{ max_tokens: 1.5 }, "max_tokens"],
    [{ max_tokens: 10_000_001 }, "max_tokens"],
    [{ max_completion_tokens: -5 }, "max_completion_tokens"],
    [{ max_tokens: 5, max_completion_tokens: 5 }, "max_tokens"],
    [{ n: 0 }, "n"],
    [{ n: 1_000_000 }, "n"],
    [{ n: "2" }, "n"],
    [{ temperature: "hot" }, "temperature"],
    [{ top_p: [] }, "top_p"],
    [{ presence_penalty: {} }, "presence_penalty"],
    [{ frequency_penalty: "" }, "frequency_penalty"],
    [{ logprobs: 1 }, "logprobs"],
    [{ top_logprobs: -1 }, "top_logprobs"],
    [{ tools: {} }, "tools"],
    [{ response_format: "json" }, "response_format"],
    [{ stop: [1] }, "stop"],
    [{ provider: "local" }, "provider"],
  ];
  for (const [change, param] of wrong) {
    const { status, error } = await refused(chat(ada.token, { ...BODY, ...change }));
    expect({ change, status, param: error.param }).toEqual({ change, status: 400, param });
    expect(error.message).toContain(param);
  }
});

test("a number no JSON can hold is refused, however it is written", async () => {
  for (const value of ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "0x10", "1e3000000"]) {
    const text = JSON.stringify(BODY).replace("{", `{"max_tokens":${value},`);
    const { status } = await refused(chat(ada.token, text));
    expect({ value, status }).toEqual({ value, status: 400 });
  }
});

test("the largest max_tokens that is taken seriously is, and is clamped to the balance", async () => {
  const response = await app.answer(chat(ada.token, { ...BODY, max_tokens: 10_000_000 }));
  expect(response.status).toBe(200);
  expect(response.headers.get("x-turnpike-clamped")).toMatch(/^max_tokens=\d+$/);
});

test("an unknown model is answered with what may have been meant", async () => {
  const { status, error } = await refused(chat(ada.token, { ...BODY, model: "org/modle" }));
  expect(status).toBe(404);
  expect(error).toMatchObject({ code: "model_not_found", param: "model" });
  expect(error.did_you_mean).toContain("org/model");
  const far = await refused(chat(ada.token, { ...BODY, model: "zzzzzzzzzzzzzzzzzzzz" }));
  expect(far.error).toMatchObject({ code: "model_not_found", did_you_mean: [] });
});

test("an unknown provider after the colon is answered with who serves the model", async () => {
  for (const suffix of ["nobody", "together", "", "Local", "FASTEST", "local "]) {
    const model = `org/model:${suffix}`;
    const { status, error } = await refused(chat(ada.token, { ...BODY, model }));
    expect({ suffix, status, code: error.code }).toEqual({
      suffix,
      status: 404,
      code: "model_not_served",
    });
    expect(error.did_you_mean).toEqual(["org/model:local"]);
  }
});

test("a body of 20 MB is refused with the limit named, whether or not it says its length", async () => {
  const text = JSON.stringify({ ...BODY, messages: [{ role: "user", content: "x".repeat(20e6) }] });
  const declared = await refused(
    chat(ada.token, text, { "content-length": String(Buffer.byteLength(text)) }),
  );
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      sent += 65_536;
      controller.enqueue(Buffer.alloc(65_536, 32));
    },
  });
  const streamed = await refused(
    new Request("http://turnpike.test/v1/chat/completions", {
      method: "POST",
      headers: { authorization: `Bearer ${ada.token}` },
      body: endless,
    }),
  );
  for (const { status, error } of [declared, streamed]) {
    expect(status).toBe(413);
    expect(error.code).toBe("body_too_large");
    expect(error.message).toContain("16777216 bytes");
  }
  expect(sent).toBeLessThan(20e6);
});

test("a body of 20 MB over a socket is refused, and the next request is served", async () => {
  const response = await fetch(`${server.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${ada.token}` },
    body: "x".repeat(20e6),
  });
  expect(response.status).toBe(413);
  expect((await fetch(`${server.origin}/healthz`)).status).toBe(200);
});

test("a compressed body is refused before it is unpacked", async () => {
  const bomb = gzipSync(Buffer.alloc(50e6, 32));
  for (const encoding of ["gzip", "br", "deflate", "gzip, gzip", "zstd"]) {
    const request = new Request("http://turnpike.test/v1/chat/completions", {
      method: "POST",
      headers: { authorization: `Bearer ${ada.token}`, "content-encoding": encoding },
      body: bomb,
    });
    const { status, error } = await refused(request);
    expect({ encoding, status, param: error.param }).toEqual({
      encoding,
      status: 400,
      param: "content-encoding",
    });
  }
});

test("nesting beyond the limit is refused, a million levels of it too", async () => {
  for (const levels of [128, 1_000, 1_000_000]) {
    const deep = "[".repeat(levels) + "]".repeat(levels);
    const text = JSON.stringify(BODY).replace("{", `{"metadata":${deep},`);
    const { status, error } = await refused(chat(ada.token, text));
    expect(status).toBe(400);
    expect(error.message).toContain("128 levels");
  }
  const open = JSON.stringify(BODY).replace("{", `{"metadata":${'{"a":'.repeat(1_000_000)}`);
  expect((await refused(chat(ada.token, open))).status).toBe(400);
});

test("a member given twice is refused, since two readers could take it two ways", async () => {
  for (const again of [
    '"model":"org/other"',
    '"max_tokens":1,"max_tokens":9',
    '"mod\\u0065l":"x"',
  ]) {
    const text = JSON.stringify(BODY).replace("{", `{${again},`);
    const { status, error } = await refused(chat(ada.token, text));
    expect({ again, status }).toEqual({ again, status: 400 });
    expect(error.message).toContain("twice");
  }
});

test("a name of JavaScript's own in the body is an ordinary member", async () => {
  const text = JSON.stringify(BODY).replace("{", '{"__proto__":{"stream":true},"constructor":1,');
  const response = await app.answer(chat(ada.token, text));
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(provider.received[0]?.body).toContain('"__proto__":{"stream":true}');
});

test("percent signs that stand for nothing, and other odd paths, are answered and not thrown", async () => {
  const token = ada.token;
  const table: readonly [string, string, number][] = [
    ["GET", "/v1/models/%", 400],
    ["GET", "/v1/models/%zz/x", 400],
    ["GET", "/v1/models/%c3%28", 400],
    ["GET", "/v1/models/%00", 404],
    ["GET", "/v1/models/%2e%2e%2f%2e%2e", 404],
    ["GET", "/v1/models//", 404],
    ["GET", "/v1/models/", 404],
    ["DELETE", "/api/turnpike/me/tokens/%", 400],
    ["DELETE", "/api/turnpike/me/tokens/%27%20or%201=1", 404],
    ["GET", "/v1/chat/completions/", 404],
    ["GET", "//v1/models", 404],
    ["GET", "/%76%31/models", 404],
    ["GET", `/${"a/".repeat(2_000)}`, 404],
  ];
  for (const [method, path, status] of table) {
    const response = await app.answer(call(method, path, token));
    expect({ path, status: response.status }).toEqual({ path, status });
    expect(await response.json()).toHaveProperty("error");
  }
});

test("a wrong method is told which ones there are", async () => {
  for (const method of ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
    const response = await app.answer(call(method, "/v1/chat/completions", ada.token));
    expect(response.status).toBe(404);
    expect((await response.json()).error.message).toContain("takes POST");
  }
});

test("tokens with odd characters are refused, and shown nowhere", async () => {
  const flipped = ada.token.slice(0, -1) + (ada.token.endsWith("a") ? "b" : "a");
  const headers = [
    "",
    "Bearer",
    "Bearer ",
    ada.token,
    `Basic ${ada.token}`,
    `Bearer ${ada.token} ${ada.token}`,
    `Bearer ${ada.token}, Bearer ${ada.token}`,
    `Bearer "${ada.token}"`,
    `Bearer ${ada.token.toUpperCase()}`,
    `Bearer ${flipped}`,
    `Bearer ${ada.token}\u00e9`,
    "Bearer ' or 1=1 --",
    "Bearer ../../etc/passwd",
    "Bearer \u00ff\u00fe",
    `Bearer hf_tp${"é".repeat(34)}`,
    `Bearer ${"x".repeat(10_000)}`,
  ];
  for (const authorization of headers) {
    const { status, error } = await refused(
      new Request("http://turnpike.test/v1/chat/completions", {
        method: "POST",
        headers: { authorization },
        body: JSON.stringify(BODY),
      }),
    );
    expect({ authorization, status, code: error.code }).toEqual({
      authorization,
      status: 401,
      code: "invalid_token",
    });
    expect(error.message).not.toContain(ada.token.slice(6, 20));
  }
});

test("two tokens in two headers are one bad token, not a choice", async () => {
  const request = chat(ada.token, BODY);
  request.headers.append("authorization", `Bearer ${ada.token}`);
  expect((await refused(request)).status).toBe(401);
});

test("a header of ours that is given twice is refused, not chosen from", async () => {
  const table: readonly [string, number, string][] = [
    ["x-turnpike-provider-key", 400, "bad_request"],
    ["idempotency-key", 400, "bad_request"],
    ["x-hf-bill-to", 403, "not_a_member"],
  ];
  for (const [name, status, code] of table) {
    const request = chat(ada.token, { ...BODY, model: "org/model:local" }, { [name]: "one" });
    request.headers.append(name, "two");
    const refusal = await refused(request);
    expect({ name, status: refusal.status, code: refusal.error.code }).toEqual({
      name,
      status,
      code,
    });
  }
});

test("an own provider key with characters no header can carry is refused and not repeated", async () => {
  for (const key of ["two words", "tab\tkey", "caf\u00e9-SECRET", "k".repeat(4_097)]) {
    const { status, error } = await refused(
      chat(ada.token, { ...BODY, model: "org/model:local" }, { "x-turnpike-provider-key": key }),
    );
    expect(status).toBe(400);
    expect(error.param).toBe("x-turnpike-provider-key");
    expect(error.message).not.toContain("SECRET");
  }
});

const head = (lines: readonly string[]): string => `${lines.join("\r\n")}\r\n\r\n`;

test("a header of 1 MB ends its connection, and the server lives on", async () => {
  const answer = await rawRequest(
    server.origin,
    head(["GET /healthz HTTP/1.1", "Host: x", `X-Big: ${"a".repeat(1_000_000)}`]),
  );
  expect(answer).not.toContain("200 OK");
  expect((await fetch(`${server.origin}/healthz`)).status).toBe(200);
});

test("line breaks in header values bring no header of their own into the answer", async () => {
  const text = JSON.stringify({ ...BODY, model: "org/model:x\r\nX-Injected: 1\r\n\r\n<html>" });
  const answer = await rawRequest(
    server.origin,
    head([
      "POST /v1/chat/completions HTTP/1.1",
      "Host: x",
      `Authorization: Bearer ${ada.token}`,
      `Content-Length: ${Buffer.byteLength(text)}`,
    ]) + text,
  );
  const [headers = ""] = answer.split("\r\n\r\n");
  expect(answer).toStartWith("HTTP/1.1 404");
  expect(headers.toLowerCase()).not.toMatch(/^x-injected:/m);
});

test("malformed requests over a socket are refused one by one, and the server lives on", async () => {
  const text = JSON.stringify(BODY);
  const authorization = `Authorization: Bearer ${ada.token}`;
  const post = "POST /v1/chat/completions HTTP/1.1";
  const requests = [
    "\r\n\r\n\r\n",
    "garbage\r\n\r\n",
    `\u0000\u0001\u0002${"\u00ff".repeat(100)}\r\n\r\n`,
    head(["GET / HTTP/9.9", "Host: x"]),
    head(["GET /v1/models HTTP/1.1", "Host: x", "No colon here"]),
    head(["GET /v1/models HTTP/1.1", "Host: x", "Bad\u0000Name: x"]),
    head([post, "Host: x", authorization, "Content-Length: -5"]) + text,
    head([post, "Host: x", authorization, "Content-Length: 5, 6"]) + text,
    head([post, "Host: x", authorization, "Content-Length: 3", "Content-Length: 99"]) + text,
    head([post, "Host: x", authorization, "Content-Length: 9", "Transfer-Encoding: chunked"]) +
      text,
    `${head([post, "Host: x", authorization, "Transfer-Encoding: chunked"])}zz\r\n${text}`,
    `${head([post, "Host: x", `${authorization}\r`, "Content-Length: 2"])}{}`,
  ];
  for (const request of requests) {
    const answer = await rawRequest(server.origin, request, 60);
    expect({ request, answer: answer.slice(0, 12) }).toEqual({
      request,
      answer: expect.stringMatching(/^(|HTTP\/1\.1 4\d\d|HTTP\/1\.1 505)$/),
    });
  }
  expect(provider.received).toEqual([]);
  expect((await fetch(`${server.origin}/healthz`)).status).toBe(200);
});

test("an odd Host header is answered, and never with the inside of the server", async () => {
  for (const host of [
    "",
    "[::1",
    "a b",
    "%%%",
    "x:99999999",
    "http://x/",
    "<script>alert(1)</script>",
  ]) {
    const answer = await rawRequest(
      server.origin,
      head(["GET /v1/models HTTP/1.1", `Host: ${host}`, "Connection: close"]),
      100,
    );
    expect({ host, start: answer.slice(0, 12) }).toEqual({
      host,
      start: expect.stringMatching(/^(HTTP\/1\.1 [24]\d\d)?$/),
    });
    expect(answer).not.toMatch(/routes\.ts|<script|node_modules/);
  }
});

test("a caller who hangs up in the middle of a body is no fault of ours", async () => {
  const half = head([
    "POST /v1/chat/completions HTTP/1.1",
    "Host: x",
    `Authorization: Bearer ${ada.token}`,
    "Content-Length: 5000",
  ]);
  const answer = await rawRequest(server.origin, `${half}{"model":`, 50);
  expect(answer).toBe("");
  await Bun.sleep(20);
  expect(lines.map(({ event }) => event)).not.toContain("internal_error");
});
