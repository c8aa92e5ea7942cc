import { afterAll, beforeAll, expect, test } from "bun:test";
import { call, chat, type TestApp, type TestUser, testApp } from "../support/app.js";
import { fakeProvider, plainAnswer, yamlFor } from "../support/provider.js";

const provider = fakeProvider(() => plainAnswer());
let app: TestApp;
let ada: TestUser;

beforeAll(async () => {
  app = await testApp({ yaml: yamlFor({ local: provider.origin }) });
  ada = await app.addUser("ada");
});
afterAll(async () => {
  await app.stop();
  await provider.stop();
});

const PAGE = { origin: "https://page.example" };
const ASKING = {
  ...PAGE,
  "access-control-request-method": "POST",
  "access-control-request-headers": "authorization,content-type,x-stainless-lang",
};
const ASK = { model: "org/model", messages: [{ role: "user", content: "hi" }], max_tokens: 5 };

test("a browser is told that a page of another origin may call models, with the headers it wants", async () => {
  for (const path of ["/v1/chat/completions", "/models/org/model", "/local/v1/chat/completions"]) {
    const response = await app.answer(call("OPTIONS", path, undefined, undefined, ASKING));
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-allow-headers": "authorization,content-type,x-stainless-lang",
      "access-control-allow-methods": expect.stringContaining("POST"),
    });
    expect(response.headers.get("access-control-allow-credentials")).toBeNull();
  }
  expect(provider.received).toEqual([]);
});

test("a page may read answers and errors with all their headers, and other callers are told nothing of it", async () => {
  for (const [response, status] of [
    [await app.answer(chat(ada.token, ASK, PAGE)), 200],
    [await app.answer(chat(ada.token, "{", PAGE)), 400],
    [await app.answer(chat("hf_x", ASK, PAGE)), 401],
    [await app.answer(call("GET", "/v1/models", undefined, undefined, PAGE)), 200],
    [await app.answer(call("GET", "/api/models", undefined, undefined, PAGE)), 200],
  ] as const) {
    expect(response.status).toBe(status);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("access-control-expose-headers")).toBe("*");
  }
  const plain = await app.answer(chat(ada.token, ASK));
  expect(plain.headers.get("access-control-allow-origin")).toBeNull();
});

test("our own API is for nobody else's pages", async () => {
  for (const path of ["/api/turnpike/me", "/api/turnpike/admin/users", "/"]) {
    const asked = await app.answer(call("OPTIONS", path, undefined, undefined, ASKING));
    expect(asked.status).toBe(404);
    const read = await app.answer(call("GET", path, ada.token, undefined, PAGE));
    for (const { headers } of [asked, read]) {
      expect(headers.get("access-control-allow-origin")).toBeNull();
    }
  }
});

test("an OPTIONS that is no browser's question is a 404 like any method that a route lacks", async () => {
  const response = await app.answer(call("OPTIONS", "/v1/chat/completions"));
  expect(response.status).toBe(404);
});
