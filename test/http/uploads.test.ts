/** Large files: passed on while they come in, or kept within a budget where somebody must look into them. */
import { afterEach, expect, test } from "bun:test";
import { connect, createServer, type Server, type Socket } from "node:net";
import { listen } from "../../src/http/server/server.js";
import { AT_REST, testApp, until } from "../support/app.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const MEGABYTE = 1024 * 1024;
const PIECE = new Uint8Array(64 * 1024).fill(7);

/** An upstream that shows what arrives as it arrives, and says what it is told to say. */
async function upstream() {
  const seen = { text: "", bytes: 0, open: 0 };
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    seen.open++;
    sockets.add(socket);
    socket.on("data", (data) => {
      const part = data.toString("latin1");
      if (seen.text.length < 4_096) seen.text += part;
      seen.bytes += data.length;
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      seen.open--;
      sockets.delete(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const answer = (status: number, body: object): void => {
    const text = JSON.stringify(body);
    const head = `HTTP/1.1 ${status} Said\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n`;
    for (const socket of sockets) socket.write(`${head}x-compute-time: 0.5\r\n\r\n${text}`);
  };
  return { origin: `http://127.0.0.1:${port}`, seen, answer, sockets };
}

async function start(price: object = { compute_second: "0.01" }, limits: object = {}) {
  const up = await upstream();
  const yaml = JSON.stringify({
    ...{ allow_literal_keys: true, embedded: { enabled: false }, limits },
    providers: { "hf-inference": { base_url: up.origin, api_key: "key" } },
    models: [
      {
        ...{ id: "org/ears", task: "automatic-speech-recognition" },
        providers: [{ provider: "hf-inference", provider_model: "org/ears", price }],
      },
    ],
  });
  const app = await testApp({ yaml });
  cleanUps.push(app.stop);
  const server = listen(app.site, { host: "127.0.0.1", port: 0, sharesPort: false });
  cleanUps.push(server.stop);
  const ada = await app.addUser("ada");
  const newest = async () => {
    await app.drain();
    const [row] = await app.site.usage.newestRequests(ada.user.id, 1);
    return row;
  };
  return { app, ada, up, port: Number(new URL(server.origin).port), newest };
}

type World = Awaited<ReturnType<typeof start>>;

/** A caller who sends a file piece by piece. */
async function upload({ ada, port }: World, length: number, path = "/models/org/ears") {
  const socket = connect(port, "127.0.0.1");
  const heard = { text: "", isClosed: false };
  socket.on("data", (data) => {
    heard.text += data.toString("latin1");
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    heard.isClosed = true;
  });
  await new Promise<void>((resolve) => socket.on("connect", () => resolve()));
  cleanUps.push(() => socket.destroy());
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ada.token}\r\ncontent-type: audio/wav\r\ncontent-length: ${length}\r\n\r\n`,
  );
  let left = length;
  const send = (bytes: number): void => {
    for (let more = Math.min(bytes, left); more > 0; more -= PIECE.length) {
      const part = PIECE.subarray(0, Math.min(more, PIECE.length));
      left -= part.length;
      socket.write(part);
    }
  };
  return { socket, heard, send };
}

const headBytes = ({ seen }: World["up"]): number => seen.text.indexOf("\r\n\r\n") + 4;

test("a large file reaches the provider before its caller has sent all of it, and is charged like any other", async () => {
  const world = await start();
  const { up } = world;
  const caller = await upload(world, 4 * MEGABYTE);
  caller.send(MEGABYTE);
  await until(() => up.seen.bytes >= MEGABYTE);
  expect(up.seen.text).toStartWith("POST /models/org/ears HTTP/1.1\r\n");
  expect(up.seen.text).toContain(`content-length: ${4 * MEGABYTE}\r\n`);
  expect(up.seen.text).toContain("content-type: audio/wav\r\n");
  expect(world.app.site.bodies.bytes).toBe(0);
  caller.send(4 * MEGABYTE);
  await until(() => up.seen.bytes === 4 * MEGABYTE + headBytes(up));
  up.answer(200, { text: "hello" });
  await until(() => caller.heard.text.includes('"hello"'));
  expect(await world.newest()).toMatchObject({ outcome: "served", cost: 5_000_000n });
  expect(await world.app.state(world.ada)).toEqual(AT_REST);
});

test("an upload that breaks off ends at the provider too, is nobody's fault there, and costs nothing", async () => {
  const world = await start();
  const { up, app } = world;
  for (let time = 0; time < 6; time++) {
    const caller = await upload(world, 4 * MEGABYTE);
    caller.send(MEGABYTE);
    await until(() => up.seen.open === 1 && up.seen.bytes > 0);
    caller.socket.destroy();
    await until(() => up.seen.open === 0);
    up.seen.bytes = 0;
  }
  await until(async () => (await world.newest())?.outcome !== undefined);
  expect(await world.newest()).toMatchObject({ cost: 0n });
  await until(async () => (await app.state(world.ada)).openRequests === 0);
  expect(await app.state(world.ada)).toEqual(AT_REST);
  // It does not rest.
  const caller = await upload(world, 2 * MEGABYTE);
  caller.send(2 * MEGABYTE);
  await until(() => up.seen.bytes >= 2 * MEGABYTE);
  up.answer(200, { text: "hello" });
  await until(() => caller.heard.text.includes('"hello"'));
});

test("a provider that answers before it has heard all is believed, and its connection serves nobody else", async () => {
  const world = await start();
  const { up } = world;
  const caller = await upload(world, 8 * MEGABYTE);
  caller.send(MEGABYTE);
  await until(() => up.seen.bytes >= MEGABYTE);
  up.answer(422, { error: "no sound that I know" });
  await until(() => caller.heard.text.includes("no sound that I know"));
  expect(caller.heard.text).toStartWith("HTTP/1.1 422");
  await until(() => up.seen.open === 0);
  expect(await world.newest()).toMatchObject({ cost: 0n, outcome: "failed" });
  expect(await world.app.state(world.ada)).toEqual(AT_REST);
});

test("a provider that hangs up in the middle is a failure, told to the caller", async () => {
  const world = await start();
  const { up } = world;
  const caller = await upload(world, 8 * MEGABYTE);
  caller.send(MEGABYTE);
  await until(() => up.seen.bytes >= MEGABYTE);
  for (const socket of up.sockets) socket.destroy();
  await until(() => caller.heard.text.includes("HTTP/1.1 502"));
  expect(await world.newest()).toMatchObject({ outcome: "failed" });
  expect(await world.app.state(world.ada)).toEqual(AT_REST);
});

test("a file whose length in seconds is charged is read first", async () => {
  const world = await start({ audio_second: "0.00001" });
  const { up, app } = world;
  const caller = await upload(world, 2 * MEGABYTE);
  caller.send(MEGABYTE);
  await until(() => app.site.bodies.bytes === 2 * MEGABYTE);
  expect(up.seen.bytes).toBe(0);
  caller.send(2 * MEGABYTE);
  await until(() => up.seen.bytes >= 2 * MEGABYTE);
  up.answer(200, { text: "hello" });
  await until(() => caller.heard.text.includes('"hello"'));
  expect(app.site.bodies.bytes).toBe(0);
});

test("bodies beyond what the process keeps at a time are told to come again, and then taken", async () => {
  const world = await start({ audio_second: "0.00001" }, { upload_bytes_max: 5 * MEGABYTE });
  const { app, up } = world;
  const first = await upload(world, 4 * MEGABYTE);
  await until(() => app.site.bodies.bytes === 4 * MEGABYTE);
  const second = await upload(world, 2 * MEGABYTE);
  second.send(2 * MEGABYTE);
  await until(() => second.heard.text.includes("HTTP/1.1 429"));
  expect(second.heard.text.toLowerCase()).toContain("retry-after: 1\r\n");
  expect(second.heard.text).toContain("upload_bytes_max");
  first.socket.destroy();
  await until(() => app.site.bodies.bytes === 0);
  const third = await upload(world, 2 * MEGABYTE);
  third.send(2 * MEGABYTE);
  await until(() => up.seen.bytes >= 2 * MEGABYTE);
  up.answer(200, { text: "hello" });
  await until(() => third.heard.text.includes('"hello"'));
});

test("a file of 100 MB is refused by the limit before any of it is read, whichever way it would go", async () => {
  for (const price of [{ compute_second: "0.01" }, { audio_second: "0.00001" }]) {
    const world = await start(price);
    const caller = await upload(world, 100 * MEGABYTE);
    caller.send(MEGABYTE);
    await until(() => caller.heard.text.includes("HTTP/1.1 413"));
    expect(caller.heard.text).toContain("16777216 bytes");
    expect(world.up.seen.bytes).toBe(0);
    expect(world.app.site.bodies.bytes).toBe(0);
  }
});
