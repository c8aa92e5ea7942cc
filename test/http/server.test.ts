import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { connect } from "node:net";
import { StreamReply } from "../../src/gateway/reply.js";
import { answer } from "../../src/http/answer.js";
import { listen, type Server } from "../../src/http/server/server.js";
import { systemClock } from "../../src/kernel/clock.js";
import { chat, type TestApp, type TestUser, testApp, until } from "../support/app.js";
import { type FakeProvider, fakeProvider, plainAnswer, yamlFor } from "../support/provider.js";
import { rawRequest } from "../support/sockets.js";

let app: TestApp;
let provider: FakeProvider;
let ada: TestUser;
let server: Server;

beforeAll(async () => {
  provider = fakeProvider(() => plainAnswer());
  app = await testApp({ yaml: yamlFor({ local: provider.origin }) });
  ada = await app.addUser("ada");
  await app.grant(ada, "100");
  server = listen(app.site, { host: "127.0.0.1", port: 0, sharesPort: false });
});

beforeEach(() => {
  provider.received.length = 0;
});

afterAll(async () => {
  await server.stop();
  await app.stop();
  await provider.stop();
});

const head = (lines: readonly string[]): string => `${lines.join("\r\n")}\r\n\r\n`;
const HEALTH = head(["GET /healthz HTTP/1.1", "Host: x"]);

/** A whole chat request; `content` may be in any language. */
function chatRequest(content = "hi", more: readonly string[] = [], token = ada.token): string {
  const body = JSON.stringify({ model: "org/model", messages: [{ role: "user", content }] });
  // What is sent is latin1, a byte a character.
  const bytes = Buffer.from(body).toString("latin1");
  return head([...chatLines(token), `Content-Length: ${bytes.length}`, ...more]) + bytes;
}

const chatLines = (token = ada.token): readonly string[] => [
  "POST /v1/chat/completions HTTP/1.1",
  "Host: x",
  `Authorization: Bearer ${token}`,
];

/** A connection that says what came in so far, and ends when it is told to. */
function connection() {
  const { hostname, port } = new URL(server.origin);
  const socket = connect(Number(port), hostname);
  let text = "";
  let isClosed = false;
  socket.on("data", (data) => {
    text += data.toString("latin1");
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    isClosed = true;
  });
  return {
    send: (data: string) => socket.write(Buffer.from(data, "latin1")),
    text: () => text,
    isClosed: () => isClosed,
    until: async (isSo: () => boolean) => {
      for (let i = 0; i < 400 && !isSo(); i++) await Bun.sleep(5);
      expect({ isSo: isSo(), text }).toEqual({ isSo: true, text });
    },
    end: () => socket.destroy(),
  };
}

/** The status lines of all answers in a text. */
const statuses = (text: string): readonly string[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status = ""]) => status);

const contentsReceived = (): readonly string[] =>
  provider.received.map(({ body }) => JSON.parse(body).messages[0].content);

test("one connection serves one request after the other, each with its own body and token", async () => {
  const caller = connection();
  const contents = ["hi", "a longer one", "größe 漢字 🙂", "x".repeat(100_000), "hi"];
  for (const [nth, content] of contents.entries()) {
    caller.send(chatRequest(content));
    await caller.until(() => statuses(caller.text()).length === nth + 1);
  }
  const stranger = `${ada.token.slice(0, -1)}${ada.token.endsWith("a") ? "b" : "a"}`;
  caller.send(chatRequest("hi", [], stranger));
  await caller.until(() => statuses(caller.text()).length === 6);
  caller.end();
  expect(statuses(caller.text())).toEqual(["200", "200", "200", "200", "200", "401"]);
  expect(contentsReceived()).toEqual(contents);
});

test("an answer is as long as it says, in whatever script it is, and whether or not it tells its usage", async () => {
  const contents = ["plain", "größe", "漢字 🙂", "\u007f\u0080\u00ff"];
  for (const content of contents) {
    for (const usage of [{ prompt: 3, completion: 2 }, undefined]) {
      const speaker = fakeProvider(() => plainAnswer(usage, content));
      const other = await testApp({ yaml: yamlFor({ local: speaker.origin }) });
      const user = await other.addUser("bo");
      const own = listen(other.site, { host: "127.0.0.1", port: 0, sharesPort: false });
      const answer = await rawRequest(own.origin, chatRequest("hi", [], user.token));
      const [lines = "", body = ""] = answer.split("\r\n\r\n");
      expect(lines).toContain(`content-length: ${body.length}`);
      const told = JSON.parse(Buffer.from(body, "latin1").toString("utf8"));
      expect(told.choices[0].message.content).toBe(content);
      expect(told.usage).toHaveProperty("cost_nano_usd");
      await own.stop();
      await other.stop();
      await speaker.stop();
    }
  }
}, 30_000);

test("requests that come in one piece are answered in their order", async () => {
  const answer = await rawRequest(
    server.origin,
    chatRequest("one") + HEALTH + chatRequest("two") + head(["GET /nowhere HTTP/1.1", "Host: x"]),
  );
  expect(statuses(answer)).toEqual(["200", "200", "200", "404"]);
  expect(contentsReceived()).toEqual(["one", "two"]);
});

test("a request is the same wherever it is cut", async () => {
  const request = chatRequest("größe");
  const cuts = Array.from({ length: request.length - 1 }, (_, i) => i + 1);
  const once = async (at: number): Promise<string> => {
    const caller = connection();
    caller.send(request.slice(0, at));
    await Bun.sleep(15);
    caller.send(request.slice(at));
    await caller.until(() => caller.text().includes("cost_nano_usd"));
    caller.end();
    return caller.text().slice(0, 15);
  };
  const all: string[] = [];
  for (let i = 0; i < cuts.length; i += 40) {
    all.push(...(await Promise.all(cuts.slice(i, i + 40).map(once))));
  }
  expect(new Set(all)).toEqual(new Set(["HTTP/1.1 200 OK"]));
  expect(new Set(contentsReceived())).toEqual(new Set(["größe"]));
  expect(contentsReceived().length).toBe(cuts.length);
});

test("a body in chunks is put together, and nothing may stand behind its end", async () => {
  const body = JSON.stringify({ model: "org/model", messages: [{ role: "user", content: "hi" }] });
  const chunks = [body.slice(0, 7), body.slice(7, 8), body.slice(8)]
    .map((part) => `${part.length.toString(16)}\r\n${part}\r\n`)
    .join("");
  const chunked = head([...chatLines(), "Transfer-Encoding: chunked"]);
  expect(statuses(await rawRequest(server.origin, `${chunked}${chunks}0\r\n\r\n`))).toEqual([
    "200",
  ]);
  const smuggled = await rawRequest(server.origin, `${chunked}${chunks}0\r\n\r\n${HEALTH}`);
  expect(statuses(smuggled)).toEqual(["400"]);
  const broken = await rawRequest(server.origin, `${chunked}zz\r\n${chunks}`);
  expect(statuses(broken)).toEqual(["400"]);
  expect(contentsReceived()).toEqual(["hi"]);
});

test("who waits to be told to go on is told so, once, and only where the body is wanted", async () => {
  const whole = chatRequest("hi", ["Expect: 100-continue"]);
  const bodyAt = whole.indexOf("\r\n\r\n") + 4;
  const caller = connection();
  caller.send(whole.slice(0, bodyAt));
  await caller.until(() => caller.text() === "HTTP/1.1 100 Continue\r\n\r\n");
  caller.send(whole.slice(bodyAt));
  await caller.until(() => statuses(caller.text()).length === 2);
  expect(statuses(caller.text())).toEqual(["100", "200"]);
  caller.end();
  const refused = chatRequest("hi", ["Expect: 100-continue"], "nobody");
  const answer = await rawRequest(server.origin, refused.slice(0, refused.indexOf("\r\n\r\n") + 4));
  expect(statuses(answer)).toEqual(["401"]);
});

test("HEAD is told what GET would be, without the body", async () => {
  const [got, told] = await Promise.all(
    ["GET", "HEAD"].map((method) =>
      rawRequest(server.origin, head([`${method} /healthz HTTP/1.1`, "Host: x"])),
    ),
  );
  const undated = (text = "") => text.replace(/^date: .*\r\n/m, "");
  const [gotHead, gotBody] = undated(got).split("\r\n\r\n");
  expect(gotBody).toBe('{"status":"ok"}');
  expect(undated(told)).toBe(`${gotHead}\r\n\r\n`);
  expect(gotHead).toContain(`content-length: ${gotBody?.length}`);
});

test("a connection ends when its caller wants it to, and with HTTP/1.0 unless it does not", async () => {
  const table: readonly [string, boolean][] = [
    ["GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", false],
    ["GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", true],
    ["GET /healthz HTTP/1.0\r\nHost: x\r\n\r\n", true],
    ["GET /healthz HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", false],
  ];
  for (const [request, ends] of table) {
    const caller = connection();
    caller.send(request);
    await caller.until(() => caller.text().endsWith('{"status":"ok"}'));
    if (ends) {
      await caller.until(caller.isClosed);
      expect(caller.text()).toContain("connection: close");
    } else {
      caller.send(request);
      await caller.until(() => statuses(caller.text()).length === 2);
    }
    caller.end();
  }
});

test("an answer can be read by whoever is still sending, and then the connection ends", async () => {
  const caller = connection();
  caller.send(head([...chatLines(), "Content-Length: 30000000"]));
  for (let i = 0; i < 100; i++) caller.send("x".repeat(50_000));
  await caller.until(() => statuses(caller.text()).length === 1);
  expect(statuses(caller.text())).toEqual(["413"]);
  expect(caller.text()).toContain("connection: close");
  await caller.until(() => caller.text().endsWith("}"));
  caller.end();
});

test("what is no request is refused in words, and nothing behind it is served", async () => {
  const table: readonly [string, string, string][] = [
    ["nonsense\r\n\r\n", "400", "no HTTP/1.1"],
    [head(["GET / HTTP/3.0", "Host: x"]), "505", "Only HTTP/1.1"],
    [head(["GET /healthz HTTP/1.1", "Host: x", "Host: y"]), "400", "host is given twice"],
    [head(["GET /healthz HTTP/1.1", "Host: x", ` ${"folded"}: y`]), "400", "no name"],
    [head(["GET /healthz HTTP/1.1", "Host: x", "A: b\nC: d"]), "400", "may hold"],
    [head([...chatLines(), "Content-Length: 3", "Transfer-Encoding: chunked"]), "400", "two ways"],
    [head([...chatLines(), "Transfer-Encoding: chunked, chunked"]), "501", "chunked"],
    [head(["GET /healthz HTTP/1.1", "Host: x", `A: ${"b".repeat(70_000)}`]), "431", "65536 bytes"],
  ];
  for (const [request, status, message] of table) {
    const answer = await rawRequest(server.origin, request + HEALTH, 60);
    expect({ request, statuses: statuses(answer) }).toEqual({ request, statuses: [status] });
    const { error } = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4));
    expect(error.message).toContain(message);
    expect(answer).toContain("connection: close");
  }
  expect(provider.received).toEqual([]);
});

test("line breaks before a request are passed over, as old clients send them", async () => {
  expect(statuses(await rawRequest(server.origin, `\r\n\r\n${HEALTH}`))).toEqual(["200"]);
});

test("a slow caller who has taken all of a stream so far keeps nobody else waiting", async () => {
  let say: (content: string) => void = () => {};
  const silent = fakeProvider(() => {
    const body = new ReadableStream({
      start: (controller) => {
        say = (content) => {
          const choices = [{ index: 0, delta: { content } }];
          const event = {
            id: "a",
            object: "chat.completion.chunk",
            created: 1,
            model: "m",
            choices,
          };
          controller.enqueue(`data: ${JSON.stringify(event)}\n\n`);
        };
        say("one");
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  });
  let looks = 0;
  const elapsed = (): number => {
    // A loop that never gives way could not be ended by a time limit of the test's.
    if (++looks > 20_000) throw new Error("it spins");
    return systemClock.elapsed();
  };
  const clock = { ...systemClock, elapsed };
  const other = await testApp({ yaml: yamlFor({ local: silent.origin }), clock });
  const user = await other.addUser("bo");
  const hangUp = new AbortController();
  const messages = [{ role: "user", content: "hi" }];
  const asked = chat(user.token, { model: "org/model", messages, stream: true }, {}, hangUp.signal);
  const reply = await answer(other.site, asked);
  if (!(reply instanceof StreamReply)) throw new Error("no stream");
  let written = "";
  let isSlow = false;
  const running = reply.source.run({
    write: (bytes) => {
      written += Buffer.from(bytes).toString();
    },
    flush: () => (isSlow ? Bun.sleep(20) : undefined),
    close: () => {},
  });
  await until(() => written.includes("one"));
  isSlow = true;
  say("two");
  await until(() => written.includes("two"));
  isSlow = false;
  await Bun.sleep(50);
  looks = 0;
  await Bun.sleep(100);
  expect(looks).toBeLessThan(1_000);
  say("three");
  await until(() => written.includes("three"));
  hangUp.abort();
  await running;
  await until(() => other.site.gateway.spool.openRequests() === 0);
  await other.stop();
  await silent.stop();
});

test("a server that stops answers what is under way, and lets go of who asks nothing", async () => {
  let answerNow = (): void => {};
  const asked = new Promise<void>((resolve) => {
    answerNow = resolve;
  });
  const slow = fakeProvider(async () => {
    await asked;
    return plainAnswer();
  });
  const other = await testApp({ yaml: yamlFor({ local: slow.origin }) });
  const user = await other.addUser("bo");
  const stopping = listen(other.site, { host: "127.0.0.1", port: 0, sharesPort: false });
  const answer = fetch(`${stopping.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${user.token}` },
    body: JSON.stringify({ model: "org/model", messages: [{ role: "user", content: "hi" }] }),
  });
  const idle = rawRequest(stopping.origin, HEALTH, 5_000);
  while (slow.received.length === 0) await Bun.sleep(5);
  const stopped = stopping.stop();
  expect(statuses(await idle)).toEqual(["200"]);
  answerNow();
  const response = await answer;
  expect([response.status, response.headers.get("connection")]).toEqual([200, "close"]);
  await stopped;
  await other.stop();
  await slow.stop();
});
