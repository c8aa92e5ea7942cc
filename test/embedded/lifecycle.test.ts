/** What happens to requests when engines crash, grow, idle or are overrun. */
import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import type { Log, LogFacts } from "../../src/kernel/log.js";
import { type EmbeddedUnderTest, embeddedUnderTest } from "./support.js";

const LANGUAGE = "/models/embedded/fasttext-lid-176";
const ENLARGING = "/models/embedded/esrgan-slim-2x";
const HELLO = { inputs: "Guten Morgen allerseits" };
/** Keeps the engine busy for seconds. */
const SLOW = readFileSync(join(import.meta.dir, "media", "chelsea.jpg"));

let open: EmbeddedUnderTest | undefined;
const start = (...options: Parameters<typeof embeddedUnderTest>): EmbeddedUnderTest => {
  open = embeddedUnderTest(...options);
  return open;
};
afterEach(async () => {
  await open?.end();
  open = undefined;
});

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000 && !isTrue(); i++) await Bun.sleep(10);
  expect(isTrue()).toBe(true);
}

/** The engine's process, as soon as there is one other than `before`. */
async function engineOf(embedded: EmbeddedUnderTest, before?: number): Promise<number> {
  await until(() => ![undefined, before].includes(embedded.pid("wasm")));
  return embedded.pid("wasm") ?? 0;
}

test("nothing is started before the first request, nor by one that is refused at the door", async () => {
  const embedded = start();
  const big = new Uint8Array(100 * 1024 * 1024);
  const refusals = [
    [
      await embedded.ask("/models/embedded/unknown", HELLO),
      404,
      "Model embedded/unknown does not exist",
    ],
    [await embedded.ask("/v1/models", HELLO), 404, "Not Found"],
    [
      await embedded.ask(`${LANGUAGE}/v1/chat/completions`, HELLO),
      400,
      "does text-classification, but not conversational",
    ],
    [await embedded.ask(LANGUAGE, big), 413, "larger than the limit"],
    [
      await embedded.ask(LANGUAGE, HELLO, { headers: { authorization: "Bearer no" } }),
      401,
      "Invalid username",
    ],
  ] as const;
  for (const [asked, status, message] of refusals) {
    expect([asked.status, asked.json()]).toEqual([
      status,
      { error: expect.stringContaining(message) },
    ]);
  }
  expect(embedded.pid("wasm")).toBeUndefined();
});

test("a body whose length nobody said is counted as it comes", async () => {
  const embedded = start({ limits: { bodyBytesMax: 1_000 } });
  const response = await fetch(embedded.origin + LANGUAGE, {
    method: "POST",
    headers: { authorization: `Bearer ${embedded.key}`, "content-type": "application/json" },
    body: new ReadableStream({
      start: (controller) => {
        for (let i = 0; i < 20; i++) controller.enqueue(new Uint8Array(100));
        controller.close();
      },
    }),
  });
  expect([response.status, await response.json()]).toEqual([
    413,
    { error: expect.stringContaining("1000 bytes") },
  ]);
});

test("kill -9 of an engine fails the request it worked on; who waited is answered by its successor", async () => {
  const embedded = start();
  await embedded.ask(ENLARGING, SLOW.subarray(0, 10));
  const pid = await engineOf(embedded);
  const worked = embedded.ask(ENLARGING, SLOW);
  const waited = Array.from({ length: 5 }, () => embedded.ask(LANGUAGE, HELLO));
  await Bun.sleep(200);
  process.kill(pid, "SIGKILL");
  const failed = await worked;
  expect([failed.status, failed.json()]).toEqual([
    500,
    { error: expect.stringContaining("engine ended") },
  ]);
  expect((await Promise.all(waited)).map(({ status }) => status)).toEqual([
    200, 200, 200, 200, 200,
  ]);
  expect(await engineOf(embedded)).not.toBe(pid);
});

test("an engine that died while nobody asked is replaced without anyone noticing", async () => {
  const embedded = start();
  await embedded.ask(LANGUAGE, HELLO);
  const pid = await engineOf(embedded);
  process.kill(pid, "SIGKILL");
  await until(() => !isRunning(pid));
  expect((await embedded.ask(LANGUAGE, HELLO)).status).toBe(200);
});

test("one more than may wait is told to come back", async () => {
  const embedded = start({ limits: { waitingMax: 1 } });
  const first = embedded.ask(ENLARGING, await sharp(SLOW).resize(160).png().toBuffer());
  await engineOf(embedded);
  const second = embedded.ask(LANGUAGE, HELLO);
  await Bun.sleep(50);
  const third = await embedded.ask(LANGUAGE, HELLO);
  expect([third.status, third.headers.get("retry-after")]).toEqual([429, "2"]);
  expect(third.json()).toEqual({ error: expect.any(String) });
  expect((await Promise.all([first, second])).map(({ status }) => status)).toEqual([200, 200]);
});

test("a caller who hangs up sets the engine free for the next one", async () => {
  const embedded = start();
  await embedded.ask(LANGUAGE, HELLO);
  const gone = new AbortController();
  const asked = embedded.ask(ENLARGING, SLOW, { signal: gone.signal }).catch(() => "gone");
  await Bun.sleep(300);
  gone.abort();
  expect(await asked).toBe("gone");
  const next = await embedded.ask(LANGUAGE, HELLO);
  expect([next.status, Number(next.headers.get("x-compute-time")) < 0.5]).toEqual([200, true]);
});

describe("with an eye on the log", () => {
  const seen: (readonly [string, LogFacts | undefined])[] = [];
  const log: Log = (_level, event, facts) => void seen.push([event, facts]);
  const events = () => seen.map(([event]) => event);
  afterEach(() => void seen.splice(0));

  test("an engine over its memory is replaced between two requests", async () => {
    const embedded = start({ log, limits: { engineBytesMax: 1 } });
    expect((await embedded.ask(LANGUAGE, HELLO)).status).toBe(200);
    expect((await embedded.ask(LANGUAGE, HELLO)).status).toBe(200);
    expect(events()).toEqual([
      ...["engine_started", "engine_over_its_memory"],
      ...["engine_started", "engine_over_its_memory"],
    ]);
  });

  test("an idle engine ends, and starts again when it is needed", async () => {
    const embedded = start({ log, limits: { idleMs: 50 } });
    await embedded.ask(LANGUAGE, HELLO);
    await until(() => embedded.pid("wasm") === undefined);
    expect((await embedded.ask(LANGUAGE, HELLO)).status).toBe(200);
    expect(events().slice(0, 3)).toEqual(["engine_started", "engine_idle", "engine_started"]);
  });

  test("an engine that takes longer than it may is ended, and its request fails", async () => {
    const embedded = start({ log, limits: { answerMs: 100 } });
    const asked = await embedded.ask(ENLARGING, SLOW);
    expect([asked.status, asked.json()]).toEqual([500, { error: expect.any(String) }]);
    expect(events()).toContain("engine_crashed");
  });
});

test("no engine outlives a parent that was killed", async () => {
  const script = `
    import { startEmbedded } from ${JSON.stringify(join(import.meta.dir, "../../src/embedded/embedded.ts"))};
    const embedded = startEmbedded({ folder: "/nowhere", log: () => {} });
    const ask = (path, inputs) => fetch(embedded.origin + path, {
      method: "POST",
      headers: { authorization: "Bearer " + embedded.key, "content-type": "application/json" },
      body: JSON.stringify({ inputs }),
    });
    await ask("${LANGUAGE}", "x");
    // Busy, so that the engine cannot look after itself.
    void ask("${ENLARGING}", ${JSON.stringify(SLOW.toString("base64"))});
    await Bun.sleep(100);
    console.log(embedded.pid("wasm"));
    await Bun.sleep(60_000);
  `;
  const parent = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  const { value } = await parent.stdout.getReader().read();
  const pid = Number(new TextDecoder().decode(value));
  expect(isRunning(pid)).toBe(true);
  parent.kill("SIGKILL");
  await until(() => !isRunning(pid));
});
