import { afterEach, expect, test } from "bun:test";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { AT_REST, chat, recordingLog, type TestApp, testApp } from "../support/app.js";
import {
  chunk,
  DONE,
  fakeProvider,
  plainAnswer,
  type Received,
  type Reply,
  streamed,
  usageChunk,
  yamlFor,
} from "../support/provider.js";
import { rawProvider } from "../support/sockets.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

function provide(reply: (received: Received) => Reply) {
  const provider = fakeProvider(reply);
  cleanUps.push(provider.stop);
  return provider;
}

const PROMPT = "the prompt nobody may log";
const ASK = {
  model: "org/model",
  messages: [{ role: "user", content: PROMPT }],
  max_tokens: 50,
};
const STREAM = { ...ASK, stream: true };

/** An app over these servers, a user, and a check that nothing leaked and nothing stayed open. */
async function start(
  origins: Readonly<Record<string, string>>,
  limits: Readonly<Record<string, number>> = {},
) {
  const { log, lines } = recordingLog();
  const app = await testApp({ yaml: yamlFor(origins, undefined, { limits }), log });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada");
  const noTrace = async (text: string): Promise<void> => {
    const told = JSON.stringify(lines) + text;
    for (const secret of [PROMPT, "key-of-", "OWN-KEY", ada.token, "UPSTREAM-BODY"]) {
      expect(told).not.toContain(secret);
    }
    expect(await app.state(ada)).toEqual(AT_REST);
  };
  return { app, ada, lines, noTrace };
}

const charged = async (app: TestApp, user: Parameters<TestApp["left"]>[0]): Promise<bigint> =>
  100_000_000n - (await app.left(user));

const html = (status = 200): Response =>
  new Response("<html>UPSTREAM-BODY</html>", { status, headers: { "content-type": "text/html" } });

const asJson = (text: string, status = 200, headers = {}): Response =>
  new Response(text, { status, headers: { "content-type": "application/json", ...headers } });

const asEvents = (text: string): Response =>
  new Response(text, { headers: { "content-type": "text/event-stream" } });

/** What one provider may answer, and why X-Turnpike-Route says it was given up. */
const FAULTS: readonly [string, () => Response, string][] = [
  ["HTML", () => html(), "html"],
  ["HTML with a 500", () => html(500), "500"],
  ["an error inside a 200", () => asJson('{"error":{"message":"UPSTREAM-BODY"}}'), "error_in_200"],
  ["an empty body", () => asJson(""), "malformed"],
  ["truncated JSON", () => asJson('{"id":"1","choices":[{"message'), "malformed"],
  ["JSON that is no object", () => asJson('["UPSTREAM-BODY"]'), "malformed"],
  ["null", () => asJson("null"), "malformed"],
  ["JSON with its choices twice", () => asJson('{"choices":[],"choices":[]}'), "malformed"],
  ["no choices", () => asJson('{"id":"1"}'), "no_choices"],
  ["choices that are no list", () => asJson('{"choices":"UPSTREAM-BODY"}'), "no_choices"],
  ["bytes that are no text", () => asJson("\u00ff\u0000\u0001"), "malformed"],
  ["a 204", () => new Response(null, { status: 204 }), "204"],
  ["a 206", () => asJson('{"choices":[]}', 206), "206"],
  ["a 500", () => asJson('{"error":"UPSTREAM-BODY"}', 500), "500"],
  ["a 502", () => html(502), "502"],
  ["a 503", () => html(503), "503"],
  ["a 529", () => asJson("{}", 529), "529"],
  ["a 408", () => asJson("{}", 408), "408"],
  ["a 409", () => asJson("{}", 409), "409"],
  ["a 425", () => asJson("{}", 425), "425"],
];

const STREAM_FAULTS: readonly [string, () => Response, string][] = [
  ["a plain answer instead of a stream", () => plainAnswer(), "malformed"],
  ["HTML", () => html(), "html"],
  ["nothing at all", () => asEvents(""), "empty_stream"],
  ["only comments", () => asEvents(": hello\n\n: still here\n\n"), "empty_stream"],
  ["only the end", () => asEvents(DONE), "empty_stream"],
  [
    "an error first",
    () => asEvents('data: {"error":{"message":"UPSTREAM-BODY"}}\n\n'),
    "error_in_200",
  ],
  ["a first event that is no JSON", () => asEvents("data: UPSTREAM-BODY\n\n"), "malformed"],
  ["a first event without an end", () => asEvents(`data: ${"x".repeat(5e6)}`), "malformed"],
  ["a 500", () => html(500), "500"],
];

for (const [isStream, faults] of [
  [false, FAULTS],
  [true, STREAM_FAULTS],
] as const) {
  const kind = isStream ? "stream" : "plain answer";
  test(`whatever a provider sends instead of a ${kind} is a 502 that tells none of it`, async () => {
    let fault: () => Response = () => html();
    const provider = provide(() => fault());
    const { app, ada, noTrace } = await start({ local: provider.origin });
    for (const [name, reply, why] of faults) {
      fault = reply;
      const response = await app.answer(chat(ada.token, { ...ASK, stream: isStream }));
      const text = await response.text();
      expect({ name, status: response.status }).toEqual({ name, status: 502 });
      expect({ name, error: JSON.parse(text).error }).toMatchObject({
        name,
        error: { code: "provider_error", attempts: [`local:${why}`] },
      });
      expect(response.headers.get("x-turnpike-route")).toBe(`policy=fastest; tried=local:${why}`);
      expect(response.headers.get("x-inference-provider")).toBeNull();
      await noTrace(text + JSON.stringify(response.headers));
    }
    expect(await charged(app, ada)).toBe(0n);
  });

  test(`a second provider answers where the first fails to give a ${kind}`, async () => {
    let fault: () => Response = () => html();
    const bad = provide(() => fault());
    const good = provide(() =>
      isStream ? streamed([chunk("Hi", "stop"), usageChunk(10, 5), DONE]) : plainAnswer(),
    );
    const { app, ada, noTrace } = await start({ bad: bad.origin, good: good.origin });
    const me = app.site.gateway;
    for (const [name, reply, why] of faults) {
      fault = reply;
      for (const model of me.catalog.all())
        for (const m of model.mappings) me.breakers.succeeded(m, Infinity);
      const body = { ...ASK, model: "org/model:preferred", stream: isStream };
      const response = await app.answer(chat(ada.token, body));
      expect({ name, route: response.headers.get("x-turnpike-route") }).toEqual({
        name,
        route: `policy=preferred; tried=bad:${why},good:200`,
      });
      expect(response.headers.get("x-inference-provider")).toBe("good");
      await noTrace(await response.text());
    }
    expect(await charged(app, ada)).toBe(20_000n * BigInt(faults.length));
  });
}

test("a redirect is never followed, and the key goes nowhere else", async () => {
  const elsewhere = provide(() => plainAnswer());
  for (const status of [301, 302, 303, 307, 308]) {
    const location = `${elsewhere.origin}/chat/completions`;
    const provider = provide(() => new Response(null, { status, headers: { location } }));
    const { app, ada, noTrace } = await start({ local: provider.origin });
    const response = await app.answer(chat(ada.token, ASK));
    expect(response.status).toBe(502);
    expect(response.headers.get("location")).toBeNull();
    const text = await response.text();
    expect(text).toContain("local:redirect");
    await noTrace(text);
  }
  expect(elsewhere.received).toEqual([]);
});

test("an account that the provider refuses is the operator's trouble, and never the caller's", async () => {
  for (const status of [401, 402, 403]) {
    const provider = provide(() =>
      asJson('{"error":{"message":"UPSTREAM-BODY: bad key key-of-local"}}', status),
    );
    const { app, ada, lines, noTrace } = await start({ local: provider.origin });
    const response = await app.answer(chat(ada.token, ASK));
    const text = await response.text();
    expect(response.status).toBe(502);
    expect(JSON.parse(text).error).toMatchObject({ code: "provider_unavailable" });
    expect(response.headers.get("www-authenticate")).toBeNull();
    expect(lines).toContainEqual(
      expect.objectContaining({ facts: expect.objectContaining({ needs_operator: true }) }),
    );
    await noTrace(text);
  }
});

test("the same refusal of a caller's own key is the caller's to hear", async () => {
  for (const status of [401, 402, 403, 404]) {
    const provider = provide(() => asJson('{"error":{"message":"this key is no good"}}', status));
    const { app, ada, noTrace } = await start({ local: provider.origin });
    const body = { ...ASK, model: "org/model:local" };
    const response = await app.answer(
      chat(ada.token, body, { "x-turnpike-provider-key": "OWN-KEY-1234" }),
    );
    expect(provider.received[0]?.headers.authorization).toBe("Bearer OWN-KEY-1234");
    expect(response.status).toBe(status);
    const text = await response.text();
    expect(JSON.parse(text).error).toMatchObject({ code: "provider_rejected" });
    expect(text).toContain("this key is no good");
    await noTrace(text);
  }
});

test("whom a provider limits is told: the service, or the caller's own key", async () => {
  const provider = provide(() => asJson('{"error":{"message":"slow down"}}', 429));
  const { app, ada } = await start({ local: provider.origin });
  const body = { ...ASK, model: "org/model:local" };
  for (const [headers, whom] of [
    [{}, "this service (not you)"],
    [{ "x-turnpike-provider-key": "OWN-KEY-1234" }, "your own key"],
  ] as const) {
    const response = await app.answer(chat(ada.token, body, headers));
    expect(response.status).toBe(429);
    expect((await response.json()).error.message).toStartWith(
      `The provider is rate limiting ${whom}: local:429.`,
    );
  }
});

test("a request the provider refuses keeps its status and message, and goes to nobody else", async () => {
  const shapes = [
    '{"error":{"message":"temperature is too hot"}}',
    '{"message":"temperature is too hot"}',
    '{"detail":[{"loc":["body"],"msg":"temperature is too hot"}]}',
    '{"error":"temperature is too hot"}',
  ];
  const other = provide(() => plainAnswer());
  for (const [i, status] of [400, 422, 413, 415].entries()) {
    const provider = provide(() => asJson(shapes[i] ?? "", status));
    const { app, ada, noTrace } = await start({ local: provider.origin, other: other.origin });
    const body = { ...ASK, model: "org/model:preferred" };
    const response = await app.answer(chat(ada.token, body));
    expect(response.status).toBe(status);
    const text = await response.text();
    expect(JSON.parse(text).error).toMatchObject({
      code: "provider_rejected",
      attempts: [`local:${status}`],
    });
    expect(text).toContain("temperature is too hot");
    expect(response.headers.get("x-inference-provider")).toBe("local");
    expect(response.headers.get("x-turnpike-route")).toBe(
      `policy=preferred; tried=local:${status}`,
    );
    expect(await charged(app, ada)).toBe(0n);
    expect(app.site.gateway.breakers.restsForMs(mappingOf(app), 0)).toBe(0);
    await noTrace(text);
  }
  expect(other.received).toEqual([]);
});

const mappingOf = (app: TestApp) => {
  const mapping = app.site.gateway.catalog.model("org/model")?.mappings[0];
  if (!mapping) throw new Error("no mapping");
  return mapping;
};

test("a key that a provider repeats in its error is not passed on", async () => {
  const error = '{"error":{"message":"bad header: Bearer key-of-local, sorry"}}';
  for (const reply of [
    () => asJson(error, 400),
    () => streamed([FIRST, gap, `data: ${error}\n\n`]),
  ]) {
    const provider = provide(reply);
    const { app, ada, noTrace } = await start({ local: provider.origin });
    const response = await app.answer(chat(ada.token, STREAM));
    const text = await response.text();
    expect(text).toContain("bad header: Bearer …, sorry");
    await noTrace(text);
  }
});

test("a model that the provider does not know is tried elsewhere, and else the operator's to mend", async () => {
  const provider = provide(() => asJson('{"error":"no such model"}', 404));
  const alone = await start({ local: provider.origin });
  const response = await alone.app.answer(chat(alone.ada.token, ASK));
  expect(response.status).toBe(502);
  expect((await response.json()).error.code).toBe("provider_unavailable");

  const other = provide(() => plainAnswer());
  const both = await start({ local: provider.origin, other: other.origin });
  const served = await both.app.answer(
    chat(both.ada.token, { ...ASK, model: "org/model:preferred" }),
  );
  expect(served.headers.get("x-turnpike-route")).toBe(
    "policy=preferred; tried=local:404,other:200",
  );
});

test("a provider's 429 is passed on as its own limit, with when to come back", async () => {
  for (const [header, seconds] of [
    ["7", "7"],
    ["0.2", "1"],
    ["soon", "1"],
    [undefined, "1"],
  ] as const) {
    const provider = provide(() =>
      asJson("{}", 429, header === undefined ? {} : { "retry-after": header }),
    );
    const { app, ada, noTrace } = await start({ local: provider.origin });
    const response = await app.answer(chat(ada.token, ASK));
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe(seconds);
    const text = await response.text();
    expect(JSON.parse(text).error).toMatchObject({
      code: "rate_limited",
      limited_by: "provider",
      attempts: ["local:429"],
    });
    expect(await charged(app, ada)).toBe(0n);
    await noTrace(text);
  }
});

test("an endless plain answer is cut off at the limit, and the provider is told", async () => {
  let sent = 0;
  let isCancelled = false;
  const provider = provide(
    () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += 65_536;
            controller.enqueue(Buffer.alloc(65_536, 32));
          },
          cancel() {
            isCancelled = true;
          },
        }),
        { headers: { "content-type": "application/json" } },
      ),
  );
  const { app, ada, noTrace } = await start(
    { local: provider.origin },
    { answer_bytes_max: 1_000_000 },
  );
  const response = await app.answer(chat(ada.token, ASK));
  const text = await response.text();
  expect(response.status).toBe(502);
  expect(text).toContain("local:too_large");
  await Bun.sleep(50);
  expect(isCancelled).toBe(true);
  expect(sent).toBeLessThan(50e6);
  await noTrace(text);
});

test("a compressed answer that would unpack beyond the limit is cut off there", async () => {
  const bomb = gzipSync(Buffer.alloc(100e6, 32));
  const provider = provide(
    () =>
      new Response(bomb, {
        headers: { "content-type": "application/json", "content-encoding": "gzip" },
      }),
  );
  const { app, ada, noTrace } = await start(
    { local: provider.origin },
    { answer_bytes_max: 1_000_000 },
  );
  const response = await app.answer(chat(ada.token, ASK));
  const text = await response.text();
  expect(provider.received[0]?.headers["accept-encoding"]).toBe("identity");
  expect(response.status).toBe(502);
  expect(text).toContain("local:too_large");
  await noTrace(text);
});

test("an answer compressed against our wish is read all the same", async () => {
  const text = await plainAnswer().text();
  const provider = provide(
    () =>
      new Response(gzipSync(text), {
        headers: { "content-type": "application/json", "content-encoding": "gzip" },
      }),
  );
  const { app, ada } = await start({ local: provider.origin });
  const response = await app.answer(chat(ada.token, ASK));
  expect(response.status).toBe(200);
  expect((await response.json()).choices[0].message.content).toContain("Hello");
  expect(response.headers.get("content-encoding")).toBeNull();
});

test("an answer that says it is encoded as itself is not encoded", async () => {
  const provider = provide(({ body }) => {
    const reply = body.includes('"stream":true')
      ? streamed([chunk("Hi", "stop"), usageChunk(10, 5), DONE])
      : plainAnswer();
    reply.headers.set("content-encoding", "Identity");
    return reply;
  });
  const { app, ada } = await start({ local: provider.origin });
  for (const body of [ASK, STREAM]) {
    const response = await app.answer(chat(ada.token, body));
    expect(response.headers.get("x-turnpike-route")).toBe("policy=fastest; tried=local:200");
    await response.text();
  }
  expect(await charged(app, ada)).toBe(40_000n);
});

test("a content-length that is wrong is a broken answer, and the next request is served", async () => {
  const good = await plainAnswer().text();
  const write = (length: number | string, body: string) =>
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`;
  let answer = "";
  const provider = await rawProvider((socket) => socket.end(Buffer.from(answer)));
  cleanUps.push(provider.stop);
  const { app, ada, noTrace } = await start({ local: provider.origin });
  for (const broken of [
    write(good.length + 50, good),
    write(good.length - 50, good),
    write(0, good),
    write("-1", good),
    write("many", good),
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nUPSTREAM-BODY\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n50\r\nUPSTREAM-BODY",
    "this is not HTTP at all\r\n\r\n",
    "HTTP/1.1 200 OK\r\nbad header line\r\n\r\n",
    `HTTP/1.1 200 OK\r\nx-big: ${"a".repeat(1_000_000)}\r\n\r\n`,
    "",
  ]) {
    answer = broken;
    const response = await app.answer(chat(ada.token, ASK));
    const text = await response.text();
    expect({ broken, status: response.status }).toEqual({ broken, status: 502 });
    await noTrace(text);
  }
  expect(await charged(app, ada)).toBe(0n);
  answer = write(Buffer.byteLength(good), good);
  expect((await app.answer(chat(ada.token, ASK))).status).toBe(200);
});

test("a provider that is not there is a 502, and the next one is asked", async () => {
  const gone = fakeProvider(() => plainAnswer());
  await gone.stop();
  const good = provide(() => plainAnswer());
  const { app, ada, noTrace } = await start({ gone: gone.origin, good: good.origin });
  const served = await app.answer(chat(ada.token, { ...ASK, model: "org/model:preferred" }));
  expect(served.headers.get("x-turnpike-route")).toBe(
    "policy=preferred; tried=gone:connect,good:200",
  );
  await served.text();
  const alone = await app.answer(chat(ada.token, { ...ASK, model: "org/model:gone" }));
  expect(alone.status).toBe(502);
  await noTrace(await alone.text());
});

/** A port that takes no connection: its queue of waiting ones is full. */
async function deafOrigin(): Promise<string> {
  const script =
    "import socket,time;s=socket.socket();s.bind(('127.0.0.1',0));s.listen(0);print(s.getsockname()[1],flush=True);time.sleep(30)";
  const python = Bun.spawn(["python3", "-c", script], { stdout: "pipe", stdin: "ignore" });
  cleanUps.push(() => python.kill());
  const { value } = await python.stdout.getReader().read();
  const port = Number(Buffer.from(value ?? []).toString());
  const fillers = [1, 2, 3].map(() => connect(port, "127.0.0.1").on("error", () => undefined));
  cleanUps.push(() => fillers.map((socket) => socket.destroy()));
  await Bun.sleep(20);
  return `http://127.0.0.1:${port}`;
}

test.skipIf(Bun.which("python3") === null)(
  "a host that swallows connections is given up after the connect limit",
  async () => {
    const { app, ada, noTrace } = await start({ local: await deafOrigin() }, { connect_ms: 60 });
    const started = performance.now();
    const response = await app.answer(chat(ada.token, ASK));
    const text = await response.text();
    expect(response.status).toBe(504);
    expect(text).toContain("local:connect_timeout");
    expect(performance.now() - started).toBeLessThan(1_000);
    await noTrace(text);
  },
);

/** A reply that comes only when the provider stops. */
const never = (): Promise<Response> => new Promise(() => undefined);

test("a provider that accepts and then says nothing is a 504 after its limit", async () => {
  const provider = provide(never);
  for (const [limits, body] of [
    [{ plain_answer_ms: 60 }, ASK],
    [{ first_byte_ms: 60 }, STREAM],
    [{ total_ms: 60 }, ASK],
    [{ total_ms: 60 }, STREAM],
  ] as const) {
    const { app, ada, noTrace } = await start({ local: provider.origin }, limits);
    const response = await app.answer(chat(ada.token, body));
    const text = await response.text();
    expect({ limits, status: response.status }).toEqual({ limits, status: 504 });
    expect(JSON.parse(text).error).toMatchObject({
      code: "provider_timeout",
      attempts: ["local:timeout"],
    });
    expect(await charged(app, ada)).toBe(0n);
    await noTrace(text);
  }
});

test("headers without a body are given up after the gap limit, plain and streamed", async () => {
  const provider = provide((received) =>
    received.body.includes('"stream":true')
      ? streamed([never as never])
      : new Response(new ReadableStream({ start() {} }), {
          headers: { "content-type": "application/json" },
        }),
  );
  const { app, ada, noTrace } = await start(
    { local: provider.origin },
    { chunk_gap_ms: 60, first_byte_ms: 60, plain_answer_ms: 60 },
  );
  for (const body of [ASK, STREAM]) {
    const response = await app.answer(chat(ada.token, body));
    expect(response.status).toBe(504);
    await noTrace(await response.text());
  }
});

/** The events of a stream, and its error where it ended with one. */
async function readStream(response: Response) {
  const text = await response.text();
  const data = [...text.matchAll(/^data: (.*)$/gm)].map(([, json = ""]) => json);
  const last = data.at(-1) ?? "";
  const comment = /^: turnpike (.*)$/m.exec(text)?.[1];
  return {
    text,
    isDone: data.includes("[DONE]"),
    error: last.startsWith("{") ? JSON.parse(last).error : undefined,
    comment: comment === undefined ? undefined : JSON.parse(comment),
  };
}

const gap = () => Bun.sleep(10);
const FIRST = chunk("Hello there, dear friend");

test("a stream that fails after its first event ends with an error, without [DONE], and is settled", async () => {
  const faults: readonly [string, () => Reply, string][] = [
    [
      "an error event",
      () => streamed([FIRST, gap, 'data: {"error":{"message":"the model tripped"}}\n\n']),
      "the model tripped",
    ],
    ["a malformed event", () => streamed([FIRST, gap, "data: {oops\n\n", DONE]), "not JSON"],
    ["a null event", () => streamed([FIRST, gap, "data: null\n\n", DONE]), "not JSON"],
    ["a null choice", () => streamed([FIRST, gap, 'data: {"choices":[null]}\n\n']), "broke off"],
    ["an oversized event", () => streamed([FIRST, gap, `data: ${"x".repeat(5e6)}`]), "longer than"],
    ["an early end", () => streamed([FIRST, gap]), "broke off"],
    ["silence", () => streamed([FIRST, never as never]), "gap between chunks"],
  ];
  for (const [name, reply, words] of faults) {
    const provider = provide(reply);
    const { app, ada, noTrace } = await start({ local: provider.origin }, { chunk_gap_ms: 400 });
    const response = await app.answer(chat(ada.token, STREAM));
    expect(response.status).toBe(200);
    const { text, isDone, error, comment } = await readStream(response);
    expect({ name, starts: text.startsWith(FIRST), isDone }).toEqual({
      name,
      starts: true,
      isDone: false,
    });
    expect({ name, error }).toMatchObject({ name, error: { type: "api_error" } });
    expect(error.message).toContain(words);
    expect(error.inference_id).toBe(response.headers.get("inference-id"));
    // What was delivered is charged, counted by us and said to be.
    expect(comment).toMatchObject({ estimated: true });
    expect(BigInt(comment.cost_nano_usd)).toBeGreaterThan(0n);
    expect(await charged(app, ada)).toBe(BigInt(comment.cost_nano_usd));
    await noTrace(text);
  }
});

test("a connection torn in the middle of a stream is an error event, and what came is paid for", async () => {
  const start200 = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
  for (const framing of ["transfer-encoding: chunked\r\n", "content-length: 100000\r\n"]) {
    const provider = await rawProvider((socket) => {
      const isChunked = framing.startsWith("transfer");
      const size = `${Buffer.byteLength(FIRST).toString(16)}\r\n`;
      socket.write(`${start200}${framing}\r\n${isChunked ? `${size}${FIRST}\r\n` : FIRST}`);
      setTimeout(() => socket.destroy(), 20);
    });
    cleanUps.push(provider.stop);
    const { app, ada, noTrace } = await start({ local: provider.origin });
    const { text, isDone, error, comment } = await readStream(
      await app.answer(chat(ada.token, STREAM)),
    );
    expect(text).toStartWith(FIRST);
    expect(isDone).toBe(false);
    expect(error.message).toMatch(/broke/);
    expect(await charged(app, ada)).toBe(BigInt(comment.cost_nano_usd));
    expect(comment).toMatchObject({ estimated: true });
    await noTrace(text);
  }
});

test("a stream without an end is stopped by the total limit", async () => {
  let isOpen = true;
  const provider = provide((received) => {
    received.signal.addEventListener("abort", () => {
      isOpen = false;
    });
    return new Response(
      new ReadableStream({
        async pull(controller) {
          await Bun.sleep(5);
          controller.enqueue(Buffer.from(chunk("x")));
        },
      }),
      { headers: { "content-type": "text/event-stream" } },
    );
  });
  const { app, ada, noTrace } = await start({ local: provider.origin }, { total_ms: 150 });
  const { text, isDone, error } = await readStream(await app.answer(chat(ada.token, STREAM)));
  expect(isDone).toBe(false);
  expect(error).toMatchObject({ code: "provider_timeout" });
  expect(error.message).toContain("total");
  await Bun.sleep(30);
  expect(isOpen).toBe(false);
  await noTrace(text);
});

test("a stream that lacks [DONE] after its finish is complete, and the caller gets one", async () => {
  const provider = provide(() => streamed([FIRST, chunk("", "stop"), usageChunk(10, 5)]));
  const { app, ada, noTrace } = await start({ local: provider.origin });
  const { text, isDone, comment } = await readStream(await app.answer(chat(ada.token, STREAM)));
  expect(isDone).toBe(true);
  expect(comment.cost_nano_usd).toBe("20000");
  expect(await charged(app, ada)).toBe(20_000n);
  await noTrace(text);
});

test("events cut at every byte, with CRLF and comments between them, arrive whole", async () => {
  const events = `: hi\r\n\r\ndata: ${JSON.stringify({ id: "1", choices: [{ index: 0, delta: { content: "naïve 🦊" } }] })}\r\n\r\nevent: x\nid: 7\ndata:${JSON.stringify({ id: "1", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\ndata:[DONE]\n\n`;
  const bytes = Buffer.from(events);
  const provider = provide(() => streamed([...bytes].map((byte) => Uint8Array.of(byte))));
  const { app, ada, noTrace } = await start({ local: provider.origin });
  const { text, isDone } = await readStream(await app.answer(chat(ada.token, STREAM)));
  expect(text).toContain("naïve 🦊");
  expect(isDone).toBe(true);
  await noTrace(text);
});

test("a byte order mark before the first event takes nothing away from it", async () => {
  const bytes = Buffer.from(`\ufeff${FIRST}${chunk("", "stop")}${usageChunk(10, 5)}${DONE}`);
  for (const parts of [[bytes], [...bytes].map((byte) => Uint8Array.of(byte))]) {
    const provider = provide(() => streamed(parts));
    const { app, ada } = await start({ local: provider.origin });
    const { text, isDone } = await readStream(await app.answer(chat(ada.token, STREAM)));
    expect(text).toStartWith(FIRST);
    expect(isDone).toBe(true);
  }
});

test("a caller who reads slowly is not taken for a provider that stalls", async () => {
  const provider = provide(() =>
    streamed([FIRST, gap, FIRST, gap, chunk("", "stop"), usageChunk(10, 5), DONE]),
  );
  const { app, ada, noTrace } = await start({ local: provider.origin }, { chunk_gap_ms: 50 });
  const response = await app.answer(chat(ada.token, STREAM));
  let text = "";
  let parts = 0;
  for await (const part of response.body ?? []) {
    text += Buffer.from(part).toString();
    if (++parts === 2) await Bun.sleep(200);
  }
  expect(text.endsWith(DONE)).toBe(true);
  expect(await charged(app, ada)).toBe(20_000n);
  await noTrace(text);
});
