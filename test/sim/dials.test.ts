import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { awkwardCuts } from "../../sim/chat/play.js";
import type { Dials } from "../../sim/dials.js";
import { startSim } from "../../sim/server.js";
import { ask, chatOnce, chunksIn, contentIn, eventsIn, KEY, until } from "./support.js";

const sim = startSim();
afterAll(() => sim.stop());
beforeEach(() => sim.reset());

const STREAM = { messages: [{ role: "user", content: "hi [[tokens=10]]" }], stream: true };
const streamed = async (dials: Dials) => (await ask(sim, STREAM, { dials })).text();

describe("setting dials", () => {
  const put = (path: string, body: unknown) =>
    fetch(`${sim.origin}/_sim/dials${path}`, { method: "PUT", body: JSON.stringify(body) });

  test("the request's header beats the provider's, which beats everybody's", async () => {
    await put("", { output_tokens: 11 });
    await put("/openai", { output_tokens: 12 });
    const length = async (provider: string, dials?: Dials) =>
      (await chatOnce(sim, {}, { provider, ...(dials ? { dials } : {}) })).usage.completion_tokens;
    expect(await length("nscale")).toBe(11);
    expect(await length("openai")).toBe(12);
    expect(await length("openai", { output_tokens: 13 })).toBe(13);
  });

  test("a later setting is merged, null takes one away, DELETE takes all away", async () => {
    await put("/openai", { output_tokens: 12 });
    const merged = await (await put("/openai", { latency_ms: 1 })).json();
    expect(merged).toEqual({ output_tokens: 12, latency_ms: 1 });
    expect(await (await put("/openai", { latency_ms: null })).json()).toEqual({
      output_tokens: 12,
    });
    await fetch(`${sim.origin}/_sim/dials`, { method: "DELETE" });
    expect(await (await fetch(`${sim.origin}/_sim/dials/openai`)).json()).toEqual({});
  });

  test("an unknown dial, a bad value and an unknown provider are refused by name", async () => {
    expect(await (await put("", { speed: 1 })).json()).toEqual({ error: "there is no dial speed" });
    expect((await put("", { fail_rate: 2 })).status).toBe(400);
    expect((await put("/nobody", {})).status).toBe(404);
    expect((await ask(sim, {}, { headers: { "x-sim-dials": "{" } })).status).toBe(400);
  });
});

describe("time", () => {
  test("latency_ms delays the answer, tokens_per_second paces the stream", async () => {
    const start = performance.now();
    await chatOnce(sim, {}, { dials: { latency_ms: 40 } });
    expect(performance.now() - start).toBeGreaterThanOrEqual(39);

    const paced = performance.now();
    await streamed({ tokens_per_second: 100 });
    expect(performance.now() - paced).toBeWithin(95, 1000);
  });

  test("a paced stream arrives token by token", async () => {
    const response = await ask(sim, STREAM, { dials: { tokens_per_second: 200 } });
    let parts = 0;
    for await (const part of response.body ?? []) if (part.length > 0) parts += 1;
    expect(parts).toBeGreaterThan(5);
  });

  test("a plain answer waits for all its tokens", async () => {
    const start = performance.now();
    await chatOnce(sim, {}, { dials: { output_tokens: 50, tokens_per_second: 1000 } });
    expect(performance.now() - start).toBeGreaterThanOrEqual(49);
  });
});

describe("refusals", () => {
  test("fail_rate fails about that share, the same requests each time", async () => {
    sim.setDials("*", { fail_rate: 0.3, fail_status: 503 });
    const run = async () => {
      const statuses: number[] = [];
      for (let i = 0; i < 100; i += 1) statuses.push((await ask(sim, {})).status);
      return statuses;
    };
    const first = await run();
    expect(first.filter((status) => status === 503).length).toBeWithin(15, 45);
    sim.reset();
    sim.setDials("*", { fail_rate: 0.3, fail_status: 503 });
    expect(await run()).toEqual(first);
  });

  test("rate_limit lets some through, then refuses until the time is up", async () => {
    sim.setDials("openai", { rate_limit: { after: 2, retry_after: 0.15 } });
    const statuses: number[] = [];
    for (let i = 0; i < 4; i += 1) statuses.push((await ask(sim, {})).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
    await Bun.sleep(160);
    expect((await ask(sim, {})).status).toBe(200);
  });

  test("rate_limit_rate refuses a share with 429", async () => {
    const refused = await ask(sim, {}, { dials: { rate_limit_rate: 1 } });
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("1");
  });
});

/** What a reader got before the connection broke, and whether it broke. */
async function readAll(response: Response): Promise<{ text: string; broke: boolean }> {
  let text = "";
  try {
    const decoder = new TextDecoder();
    for await (const part of response.body ?? []) text += decoder.decode(part, { stream: true });
    return { text, broke: false };
  } catch {
    return { text, broke: true };
  }
}

describe("broken streams", () => {
  test("cut_after_events breaks the connection after so many events", async () => {
    const cut = await readAll(await ask(sim, STREAM, { dials: { cut_after_events: 4 } }));
    expect(eventsIn(cut.text).length).toBe(4);
    expect(cut.broke).toBe(true);
    const plain = await readAll(await ask(sim, {}, { dials: { cut_after_events: 1 } }));
    expect(plain.broke).toBe(true);
  });

  test("stall_after_events goes silent and stays open", async () => {
    const stop = new AbortController();
    const asked = { dials: { stall_after_events: 3 }, signal: stop.signal };
    const response = await ask(sim, STREAM, asked);
    const reader = response.body?.getReader();
    const first = await reader?.read();
    expect(eventsIn(new TextDecoder().decode(first?.value)).length).toBe(3);
    const more = reader?.read().then(
      () => "more",
      () => "hung up",
    );
    expect(await Promise.race([more, Bun.sleep(50).then(() => "silence")])).toBe("silence");
    stop.abort();
    await until(() => sim.log().length === 1);
    expect(sim.log()[0]).toMatchObject({ outcome: "aborted", completionTokensDelivered: 2 });
  });

  test("malformed_after_events puts in one event that is not JSON", async () => {
    const events = eventsIn(await streamed({ malformed_after_events: 2 }));
    expect(() => JSON.parse(events[2] ?? "")).toThrow();
    expect(() => JSON.parse(events[3] ?? "")).not.toThrow();
    const plain = await (await ask(sim, {}, { dials: { malformed_after_events: 0 } })).text();
    expect(() => JSON.parse(plain)).toThrow();
  });

  test("error_in_200 is an error with status 200, first or after some events", async () => {
    const plain = await ask(sim, {}, { dials: { error_in_200: true } });
    expect(plain.status).toBe(200);
    expect(await plain.json()).toHaveProperty("error.message");
    const first = eventsIn(await streamed({ error_in_200: true }));
    expect(first.length).toBe(1);
    expect(JSON.parse(first[0] ?? "")).toHaveProperty("error");
    const later = eventsIn(await streamed({ error_after_events: 3 }));
    expect(later.length).toBe(4);
    expect(JSON.parse(later[3] ?? "")).toHaveProperty("error");
  });

  test("missing_usage and missing_done leave them out", async () => {
    const body = { ...STREAM, stream_options: { include_usage: true } };
    const dials = { missing_usage: true, missing_done: true };
    const stream = await (await ask(sim, body, { dials })).text();
    expect(chunksIn(stream).some((chunk) => chunk.usage)).toBe(false);
    expect(eventsIn(stream)).not.toContain("[DONE]");
    const plain = await chatOnce(sim, {}, { dials });
    expect(plain.usage).toBeUndefined();
  });

  test("stream_usage overrules the provider's habit", async () => {
    const usages = async (provider: string, dials: Dials) => {
      const stream = await (await ask(sim, STREAM, { provider, dials })).text();
      return chunksIn(stream).filter((chunk) => chunk.usage).length;
    };
    expect(await usages("hf-inference", { stream_usage: "always" })).toBe(1);
    expect(await usages("cerebras", { stream_usage: "never" })).toBe(0);
    expect(await usages("cerebras", { stream_usage: "asked" })).toBe(0);
  });

  test("split and unicode send the same text in awkward pieces", async () => {
    const whole = await streamed({ unicode: true });
    const split = await streamed({ unicode: true, split: true });
    expect(contentIn(chunksIn(split))).toBe(contentIn(chunksIn(whole)));
    expect(contentIn(chunksIn(whole))).toMatch(/[^\u0020-\u007e]/);
  });

  test("awkward cuts fall inside words, inside characters and between line ends", () => {
    const bytes = new TextEncoder().encode("data: é\n\ndata: x\n\n");
    expect(awkwardCuts(bytes)).toEqual([2, 7, 9, 12, 18]);
  });
});

describe("answers that are something else", () => {
  const odd = (answer: NonNullable<Dials["answer"]>) => ask(sim, {}, { dials: { answer } });

  test("html is a page with status 200", async () => {
    const page = await odd("html");
    expect(page.headers.get("content-type")).toContain("text/html");
    expect(page.status).toBe(200);
  });

  test("redirect points to a place that notices credentials", async () => {
    const moved = await odd("redirect");
    expect(moved.status).toBe(302);
    const target = new URL(moved.headers.get("location") ?? "", sim.origin);
    await fetch(target, { headers: { authorization: `Bearer ${KEY}` } });
    const state = await (await fetch(`${sim.origin}/_sim/state`)).json();
    expect(state).toMatchObject({ redirects: { followed: 1, withCredentials: 1 } });
  });

  test("empty is nothing, wrong_length ends too early, endless goes on", async () => {
    expect(await (await odd("empty")).text()).toBe("");
    expect((await readAll(await odd("wrong_length"))).broke).toBe(true);
    const endless = await odd("endless");
    let bytes = 0;
    for await (const part of endless.body ?? []) {
      bytes += part.length;
      if (bytes > 1_000_000) break;
    }
    expect(bytes).toBeGreaterThan(1_000_000);
  });
});
