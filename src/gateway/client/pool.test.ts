import { afterEach, expect, test } from "bun:test";
import { systemClock } from "../../kernel/clock.js";
import { Deadline } from "../deadline.js";
import { HttpPool } from "./pool.js";

const pool = new HttpPool();
const servers: { stop: (force: boolean) => void }[] = [];

afterEach(() => {
  pool.close();
  for (const server of servers.splice(0)) server.stop(true);
});

const deadline = () => new Deadline(systemClock, new AbortController(), 1e15, 1e15);

const request = (
  port: number,
  overrides: { path?: string; headers?: Record<string, string> } = {},
) => ({
  baseUrl: `http://127.0.0.1:${port}/v1`,
  path: "/chat",
  headers: { authorization: "Bearer k" },
  requestId: "r",
  body: "{}",
  ...overrides,
});

/** A raw server: what it answers to each request, by number from 0; undefined closes the connection. */
function rawServer(answerTo: (index: number) => string | undefined) {
  const seen = { requests: 0, connections: 0 };
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: () => {
        seen.connections++;
      },
      data: (socket) => {
        const answer = answerTo(seen.requests++);
        if (answer === undefined) socket.end();
        else socket.write(answer);
      },
    },
  });
  servers.push(server);
  return { port: server.port, seen };
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async function send(port: number, overrides = {}): Promise<string> {
  const exchange = await pool.send(request(port, overrides), deadline(), 1_000, () => {});
  let text = "";
  for (let part = await exchange.read(); part; part = await exchange.read())
    text += Buffer.from(part);
  return text;
}

test("one connection serves one request after the other", async () => {
  const { port, seen } = rawServer(() => OK);
  expect(await send(port)).toBe("ok");
  expect(await send(port)).toBe("ok");
  expect(seen).toEqual({ requests: 2, connections: 1 });
});

test("a connection that the answer closes, that answered unasked, or whose answer ends in two places is not used again", async () => {
  for (const answer of [
    OK.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
    `${OK}HTTP/1.1 200 OK`,
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  ]) {
    const { port, seen } = rawServer(() => answer);
    await send(port).catch(() => undefined);
    await send(port).catch(() => undefined);
    expect(seen.connections).toBe(2);
  }
});

test("a kept connection that the other side had closed is replaced, once, and unseen", async () => {
  const { port, seen } = rawServer((index) => (index === 1 ? undefined : OK));
  expect(await send(port)).toBe("ok");
  expect(await send(port)).toBe("ok");
  expect(seen).toEqual({ requests: 3, connections: 2 });
});

test("a fresh connection that closes without an answer is an error, and nothing is sent twice", async () => {
  const { port, seen } = rawServer(() => undefined);
  await expect(send(port)).rejects.toThrow("middle of the answer");
  expect(seen.requests).toBe(1);
});

test("an answer with two lengths is none, unless both say the same", async () => {
  const answers = [OK, OK.replace("\r\n\r\n", "\r\ncontent-length: 2\r\n\r\n")];
  const { port } = rawServer((index) => answers[index]);
  expect(await send(port)).toBe("ok");
  expect(await send(port)).toBe("ok");
  for (const second of ["3", "02", "2, 2", ""]) {
    const { port } = rawServer(() =>
      OK.replace("\r\n\r\n", `\r\nX-Between: 1\r\nContent-Length: ${second}\r\n\r\n`),
    );
    await expect(send(port)).rejects.toThrow("content-length");
  }
});

test("an announcement before the answer is passed over", async () => {
  const { port } = rawServer(() => `HTTP/1.1 100 Continue\r\n\r\n${OK}`);
  expect(await send(port)).toBe("ok");
});

test("nothing in a path or a header can begin a line of its own", async () => {
  const { port, seen } = rawServer(() => OK);
  await expect(send(port, { path: "/x HTTP/1.1\r\nevil: 1" })).rejects.toThrow("path");
  await expect(send(port, { headers: { authorization: "a\r\nevil: 1" } })).rejects.toThrow(
    "line break",
  );
  expect(seen.requests).toBe(0);
});

// Skipped where there is no openssl to make a certificate with.
test.skipIf(!Bun.which("openssl"))(
  "a certificate that is not good for the host is refused before anything is sent",
  async () => {
    let requests = 0;
    const { key, cert } = await selfSigned();
    const server = Bun.serve({
      port: 0,
      tls: { key, cert },
      fetch: () => {
        requests++;
        return new Response("ok");
      },
    });
    servers.push(server);
    const target = { ...request(0), baseUrl: `https://localhost:${server.port}` };
    await expect(pool.send(target, deadline(), 1_000, () => {})).rejects.toThrow("no connection");
    expect(requests).toBe(0);
  },
);

/** A key and a certificate nobody vouches for, made by the openssl that is everywhere Git is. */
async function selfSigned(): Promise<{ key: string; cert: string }> {
  const made = Bun.spawnSync(
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout - -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost".split(
      " ",
    ),
  );
  const text = made.stdout.toString();
  const split = text.indexOf("-----BEGIN CERTIFICATE-----");
  return { key: text.slice(0, split), cert: text.slice(split) };
}
