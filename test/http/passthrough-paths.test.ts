/** How a provider's own wire is recognized where a path or a body says less than it seems to. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { call, type TestApp, type TestUser, testApp } from "../support/app.js";
import { type FakeProvider, fakeProvider } from "../support/provider.js";

const VERSION = "dfdf537ba482b029e0a761699e6f55e9162cfd159270bfe0e44857caa5f275a6";
const JOB = "/api/v3/predictions/p1/result";

let provider: FakeProvider;
let app: TestApp;
let ada: TestUser;

beforeAll(async () => {
  provider = fakeProvider(({ path }) => {
    if (path.endsWith("/v1/predictions")) {
      return Response.json({ id: "r1", status: "succeeded", output: "https://x.example/a.wav" });
    }
    const data = { id: "p1", status: "created", urls: { get: `${provider.origin}/proxy${JOB}` } };
    return Response.json({ code: 200, message: "success", data });
  });
  const price = { request: "0.01" };
  app = await testApp({
    yaml: JSON.stringify({
      allow_literal_keys: true,
      providers: {
        wavespeed: { base_url: `${provider.origin}/proxy`, api_key: "key" },
        replicate: { base_url: provider.origin, api_key: "key" },
      },
      models: [
        {
          id: "org/pictures",
          task: "text-to-image",
          providers: [{ provider: "wavespeed", provider_model: "w/flux", price }],
        },
        {
          id: "org/voice",
          task: "text-to-speech",
          providers: [{ provider: "replicate", provider_model: `o/voice:${VERSION}`, price }],
        },
      ],
    }),
  });
  ada = await app.addUser("ada", "pro");
});
afterAll(async () => {
  await app.stop();
  await provider.stop();
});
beforeEach(() => {
  provider.received.length = 0;
});

const paths = () => provider.received.map(({ path }) => path);

test("a poll may bring along the path of the provider's base URL, as the answer before it had it", async () => {
  const submit = call("POST", "/wavespeed/api/v3/w/flux", ada.token, { prompt: "a fox" });
  expect((await app.answer(submit)).status).toBe(200);
  for (const path of [`/wavespeed/proxy${JOB}`, `/wavespeed${JOB}`, JOB]) {
    const answer = await app.answer(call("GET", path, ada.token));
    expect({ path, status: answer.status }).toEqual({ path, status: 200 });
    await answer.body?.cancel();
  }
  expect(paths()).toEqual(["/proxy/api/v3/w/flux", ...Array(3).fill(`/proxy${JOB}`)]);
  const other = await app.answer(call("GET", `/wavespeed/elsewhere${JOB}`, ada.token));
  expect(other.status).toBe(404);
});

test("a version names the model whose name ends with it, and half a version none", async () => {
  const ask = (version: string) =>
    app.answer(call("POST", "/replicate/v1/predictions", ada.token, { version, input: {} }));
  expect((await ask(VERSION)).status).toBe(200);
  expect((await ask(`o/voice:${VERSION}`)).status).toBe(200);
  for (const unknown of [VERSION.slice(1), "", "voice"]) {
    const refused = await ask(unknown);
    expect({ unknown, status: refused.status }).toEqual({ unknown, status: 400 });
  }
  expect(paths()).toHaveLength(2);
});
