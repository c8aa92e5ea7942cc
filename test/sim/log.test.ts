import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { Dials } from "../../sim/dials.js";
import { makeLog } from "../../sim/log.js";
import { costOf, nanoUsdOf, readPrice } from "../../sim/money.js";
import { startSim } from "../../sim/server.js";
import { ask, chatOnce, KEY, modelOf, providerOf, providers, until } from "./support.js";

const sim = startSim();
afterAll(() => sim.stop());
beforeEach(() => sim.reset());

const says = (content: string) => ({ messages: [{ role: "user", content }] });
const last = () => {
  const entry = sim.log().at(-1);
  if (!entry) throw new Error("the log is empty");
  return entry;
};

describe("the delivery log", () => {
  test("agrees with the answer's usage, price and ids for every provider, plain and streamed", async () => {
    for (const provider of providers) {
      for (const stream of [false, true]) {
        const body = { ...says("hi [[tokens=10]]"), stream };
        const response = await ask(sim, body, {
          provider: provider.id,
          headers: { "x-turnpike-request-id": "ours-1" },
        });
        await response.text();
        const entry = last();
        const price = readPrice(provider.models[0]?.price ?? { input: "0", output: "0" });
        const counts = { prompt: entry.promptTokens, cached: 0, completion: 10 };
        expect(entry).toMatchObject({
          provider: provider.id,
          model: modelOf(provider),
          providerRequestId: response.headers.get(provider.requestIdHeader) ?? "-",
          clientRequestId: "ours-1",
          stream,
          status: 200,
          completionTokensGenerated: 10,
          completionTokensDelivered: 10,
          costNanoUsd: costOf(counts, price).toString(),
          outcome: "complete",
        });
      }
    }
    expect(new Set(sim.log().map((entry) => entry.providerRequestId)).size).toBe(
      providers.length * 2,
    );
  });

  test("never holds a key, only tells keys apart", async () => {
    await ask(sim, {}, { key: "secret-one" });
    await ask(sim, {}, { key: "secret-two" });
    expect(JSON.stringify(sim.log())).not.toContain("secret-");
    expect(new Set(sim.log().map((entry) => entry.keyHash)).size).toBe(2);
  });

  test("refused requests are failures that cost nothing", async () => {
    await ask(sim, {}, { key: "bad-key" });
    await ask(sim, {}, { dials: { fail_rate: 1, fail_status: 503 } });
    await ask(sim, {}, { dials: { rate_limit_rate: 1 } });
    await ask(sim, { messages: [] });
    const entries = sim.log();
    expect(entries.map((entry) => entry.status)).toEqual([401, 503, 429, 400]);
    expect(entries.every((entry) => entry.outcome === "failed")).toBe(true);
    expect(entries.every((entry) => entry.costNanoUsd === "0")).toBe(true);
  });

  test("a cut stream owes the prompt and what went out before the cut", async () => {
    const response = await ask(
      sim,
      { ...says("hi [[tokens=10]]"), stream: true },
      { dials: { cut_after_events: 4 } },
    );
    await response.text().catch(() => "");
    const entry = last();
    expect(entry).toMatchObject({ outcome: "cut", completionTokensDelivered: 3 });
    const price = readPrice(providerOf("openai").models[0]?.price ?? { input: "0", output: "0" });
    const counts = { prompt: entry.promptTokens, cached: 0, completion: 3 };
    expect(entry.costNanoUsd).toBe(costOf(counts, price).toString());
  });

  test("cached tokens are charged at the cached price", async () => {
    sim.setDials("*", { cache: true });
    await chatOnce(sim, says("river ".repeat(50)));
    await chatOnce(sim, says("river ".repeat(50)));
    const [first, second] = sim.log();
    expect(second?.cachedTokens).toBeGreaterThan(40);
    expect(BigInt(second?.costNanoUsd ?? "0")).toBeLessThan(BigInt(first?.costNanoUsd ?? "0"));
  });

  test("is read and cleared over HTTP, by provider and since a moment", async () => {
    const read = async (query: string) =>
      (await (await fetch(`${sim.origin}/_sim/log${query}`)).json()) as unknown[];
    await ask(sim, {}, { provider: "groq" });
    await ask(sim, {}, { provider: "nscale" });
    expect((await read("")).length).toBe(2);
    expect((await read("?provider=groq")).length).toBe(1);
    expect((await read(`?since=${Date.now() + 1000}`)).length).toBe(0);
    await fetch(`${sim.origin}/_sim/log`, { method: "DELETE" });
    expect(await read("")).toEqual([]);
  });

  test("keeps the newest entries and forgets the oldest", async () => {
    await chatOnce(sim, {});
    const { id: _id, ...facts } = last();
    const log = makeLog(3);
    for (let i = 1; i <= 5; i += 1) log.add({ ...facts, providerRequestId: `r${i}` });
    expect(log.all().map((entry) => entry.id)).toEqual([3, 4, 5]);
    expect(log.byRequestId(facts.provider, "r2")).toBeUndefined();
    expect(log.byRequestId(facts.provider, "r5")?.id).toBe(5);
  });
});

describe("a caller who hangs up", () => {
  const hangUp = async (body: object, dials: object, afterMs: number) => {
    const stop = new AbortController();
    const asked = { dials, signal: stop.signal };
    const response = ask(sim, body, asked);
    if ("stream" in body) await (await response).body?.getReader().read();
    setTimeout(() => stop.abort(), afterMs);
    await response.then((one) => one.text()).catch(() => "");
    await until(() => sim.log().length > 0);
    const entry = last();
    await Bun.sleep(20);
    expect(sim.log().length).toBe(1);
    return entry;
  };

  test("stops a paced stream and owes what was delivered by then", async () => {
    const body = { ...says("hi [[tokens=1000]]"), stream: true };
    const entry = await hangUp(body, { tokens_per_second: 200 }, 50);
    expect(entry.outcome).toBe("aborted");
    expect(entry.completionTokensDelivered).toBeWithin(3, 500);
    expect(entry.completionTokensGenerated).toBe(entry.completionTokensDelivered);
    expect(entry.costNanoUsd).not.toBe("0");
  });

  test("before the first byte owes nothing", async () => {
    const entry = await hangUp({}, { latency_ms: 500 }, 30);
    expect(entry).toMatchObject({ outcome: "aborted", completionTokensDelivered: 0 });
    expect(entry.costNanoUsd).toBe("0");
  });

  test("on a plain answer stops it part of the way", async () => {
    const entry = await hangUp(says("hi [[tokens=1000]]"), { tokens_per_second: 1000 }, 50);
    expect(entry.outcome).toBe("aborted");
    expect(entry.completionTokensGenerated).toBeWithin(20, 900);
    expect(entry.costNanoUsd).toBe("0");
  });

  test("on a long unpaced stream without reading it stops it too", async () => {
    const body = JSON.stringify({ model: "m", stream: true, ...says("hi [[tokens=100000]]") });
    const path = "/openai/v1/chat/completions";
    const request = `POST ${path} HTTP/1.1\r\nhost: sim\r\nauthorization: Bearer ${KEY}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: Number(new URL(sim.origin).port),
      socket: {
        data: () => {},
        open(one) {
          one.write(request);
          one.pause();
        },
      },
    });
    await Bun.sleep(100);
    socket.terminate();
    await until(() => sim.log().length === 1);
    expect(last().outcome).toBe("aborted");
    expect(last().completionTokensDelivered).toBeLessThan(100_000);
  });
});

describe("the billing callback", () => {
  const bill = (requestIds: unknown, key = KEY) =>
    fetch(`${sim.url("novita")}/_billing`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify({ requestIds }),
    });

  test("knows the cost of what was delivered, and leaves out what it does not know", async () => {
    const response = await ask(sim, says("hi [[tokens=10]]"), { provider: "novita" });
    const requestId = response.headers.get("inference-id") ?? "";
    const costNanoUsd = Number(last().costNanoUsd);
    const answer = await (await bill([requestId, "unknown"])).json();
    expect(answer).toEqual({ requests: [{ requestId, costNanoUsd }] });
    expect(await (await bill([requestId, requestId])).json()).toHaveProperty("requests.length", 2);
  });

  test("does what its dials say", async () => {
    const response = await ask(sim, {}, { provider: "novita" });
    const requestId = response.headers.get("inference-id") ?? "";
    const cost = Number(last().costNanoUsd);
    const told = async (dials: Dials): Promise<unknown> => {
      sim.setDials("novita", dials);
      const answer = await bill([requestId]);
      return answer.status === 200 ? await answer.json().catch(() => "no JSON") : answer.status;
    };
    const entry = (costNanoUsd: unknown) => ({ requestId, costNanoUsd });
    expect(await told({ billing_fail_rate: 1 })).toBe(500);
    expect(await told({ billing_fail_rate: 0, billing_omit_rate: 1 })).toEqual({ requests: null });
    expect(await told({ billing_omit_rate: 0, billing_factor: 0.5 })).toEqual({
      requests: [entry(cost / 2)],
    });
    const table: readonly [NonNullable<Dials["billing"]>, unknown][] = [
      ["garbage", "no JSON"],
      ["shape", { costs: { [requestId]: cost } }],
      ["null", { requests: null }],
      ["text", { requests: [entry(String(cost))] }],
      ["negative", { requests: [entry(-1 - cost)] }],
      ["twice", { requests: [entry(cost), entry(cost + 1)] }],
    ];
    for (const [billing, answer] of table) {
      expect({ billing, answer: await told({ billing_factor: 1, billing }) }).toEqual({
        billing,
        answer,
      });
    }
    const unsteady = [await told({ billing: "unsteady" }), await told({ billing: "unsteady" })];
    expect(unsteady[0]).not.toEqual(unsteady[1]);
    expect(await told({ billing: "strangers" })).toHaveProperty("requests.length", 2);
  });

  test("says null while nothing is known, and wants a key and a list", async () => {
    const response = await ask(sim, {}, { provider: "novita" });
    const requestId = response.headers.get("inference-id");
    sim.setDials("novita", { billing_delay_ms: 60_000 });
    expect(await (await bill([requestId])).json()).toEqual({ requests: null });
    expect((await bill([requestId], "bad-key")).status).toBe(401);
    expect((await bill("x")).status).toBe(400);
  });
});

describe("money", () => {
  test("decimal text is read exactly", () => {
    expect(nanoUsdOf("0.0375")).toBe(37_500_000n);
    expect(nanoUsdOf("10")).toBe(10_000_000_000n);
    for (const wrong of ["", "-1", "1e3", "0.1234567891", "1,5"]) {
      expect(() => nanoUsdOf(wrong)).toThrow(RangeError);
    }
  });

  test("lines are summed first and rounded up once", () => {
    const price = { input: 500_000n, output: 400_000n, cached: 1n };
    expect(costOf({ prompt: 1, cached: 0, completion: 1 }, price)).toBe(1n);
    expect(costOf({ prompt: 2, cached: 0, completion: 0 }, price)).toBe(1n);
    expect(costOf({ prompt: 2, cached: 1, completion: 1 }, price)).toBe(1n);
    expect(costOf({ prompt: 0, cached: 0, completion: 0 }, price)).toBe(0n);
  });
});
