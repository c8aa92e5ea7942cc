/** Providers that Hugging Face's clients dropped in 2026-07 and others still use: what is odd about them. */
import { afterAll, beforeEach, expect, test } from "bun:test";
import { startSim } from "../../sim/server.js";
import { ask, chunksIn, KEY } from "./support.js";

const sim = startSim();
afterAll(() => sim.stop());
beforeEach(() => sim.reset());

const used = (chunk: ReturnType<typeof chunksIn>[number]) =>
  (chunk.usage as { completion_tokens?: number } | undefined)?.completion_tokens;

const stream = {
  stream: true,
  messages: [{ role: "user", content: "hi [[tokens=3]]" }],
};

test("hyperbolic says in every chunk what was used so far", async () => {
  const asked = { ...stream, stream_options: { include_usage: true } };
  const text = await (await ask(sim, asked, { provider: "hyperbolic" })).text();
  expect(chunksIn(text).map(used)).toEqual([0, 1, 2, 3, 3]);
});

test("hyperbolic's usage can be taken away like any other", async () => {
  const asked = { provider: "hyperbolic", dials: { missing_usage: true } };
  const text = await (await ask(sim, stream, asked)).text();
  expect(chunksIn(text).every((chunk) => used(chunk) === undefined)).toBe(true);
});

test("hyperbolic's validator names the missing field", async () => {
  const answer = await ask(sim, { messages: undefined }, { provider: "hyperbolic" });
  expect(answer.status).toBe(422);
  expect(await answer.json()).toEqual({
    detail: [{ type: "missing", loc: ["body", "messages"], msg: "Field required" }],
  });
});

test("sambanova refuses a strict schema", async () => {
  const format = (strict: boolean) => ({
    response_format: { type: "json_schema", json_schema: { name: "a", strict, schema: {} } },
  });
  const asked = { provider: "sambanova" };
  expect((await ask(sim, format(true), asked)).status).toBe(400);
  expect((await ask(sim, format(false), asked)).status).toBe(200);
});

test("clarifai takes a key by its own word for the scheme", async () => {
  const headers = { authorization: `Key ${KEY}` };
  const answer = await ask(sim, {}, { provider: "clarifai", key: null, headers });
  expect(answer.status).toBe(200);
  const refused = await ask(sim, {}, { provider: "clarifai", key: null });
  expect(await refused.json()).toMatchObject({ status: { description: "API key not found" } });
});

test("nvidia's errors have a title and a detail", async () => {
  const refused = await ask(sim, {}, { provider: "nvidia", key: "bad-key" });
  expect(await refused.json()).toEqual({
    status: 401,
    title: "Unauthorized",
    detail: "Authentication failed",
  });
});
