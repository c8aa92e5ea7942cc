import { afterAll, beforeAll, expect, test } from "bun:test";
import { responseOf } from "../../src/gateway/reply.js";
import { answer } from "../../src/http/answer.js";
import { ON_THE_WIRE } from "../../src/http/errors.js";
import { call, chat, recordingLog, type TestApp, type TestUser, testApp } from "../support/app.js";

let app: TestApp;
let ada: TestUser;
const { log, lines } = recordingLog();

beforeAll(async () => {
  app = await testApp({ log });
  ada = await app.addUser("ada");
});

afterAll(() => app.stop());

const ASK = { model: "org/model", messages: [{ role: "user", content: "SECRET-PROMPT" }] };

test("errors under /v1 and of our own API have OpenAI's shape, with our id in header and body", async () => {
  for (const [request, status, code, type] of [
    [call("POST", "/v1/chat/completions"), 401, "invalid_token", "authentication_error"],
    [call("GET", "/v1/nothing"), 404, "not_found", "not_found_error"],
    [call("GET", "/v1/models/x/y/z"), 404, "model_not_found", "not_found_error"],
    [chat(ada.token, "{"), 400, "bad_request", "invalid_request_error"],
    [chat(ada.token, ASK), 404, "model_not_found", "not_found_error"],
    [call("GET", "/api/turnpike/nothing"), 404, "not_found", "not_found_error"],
    [call("GET", "/api/turnpike/admin/users", ada.token), 403, "forbidden", "permission_error"],
  ] as const) {
    const response = await app.answer(request);
    const { error, ...rest } = await response.json();
    expect(response.status).toBe(status);
    expect(rest).toEqual({});
    expect(error).toMatchObject({ type, code, inference_id: response.headers.get("inference-id") });
    expect(error.message).toBeString();
    expect(error).toHaveProperty("param");
    expect(response.headers.get("x-error-message")).toBe(error.message);
    expect(response.headers.get("content-type")).toBe("application/json");
    // Where OpenAI's and Hugging Face's clients look for it.
    expect(response.headers.get("x-request-id")).toBe(error.inference_id);
  }
});

test("errors anywhere else have the Hub's shape: a string", async () => {
  for (const path of ["/nothing", "/models", "/api/whoami-v3", "/together/v1/x", "/v1"]) {
    const response = await app.answer(call("POST", path));
    const body = await response.json();
    expect(response.status).toBe(404);
    expect(body.error).toBeString();
    expect(response.headers.get("x-error-message")).toBe(body.error);
    expect(body.inference_id).toBe(response.headers.get("inference-id"));
  }
});

test("in the Hub's shape too an error says what can be done about it", async () => {
  const response = await app.answer(call("POST", "/models/org/model", ada.token, { inputs: "x" }));
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ code: "model_not_found", did_you_mean: [] });
});

test("a stranger at the Hub's routes for tasks is told so in the Hub's shape", async () => {
  const response = await app.answer(call("POST", "/models/org/name"));
  expect(response.status).toBe(401);
  expect((await response.json()).error).toBeString();
});

test("a 401 names the scheme, and no other error does", async () => {
  const without = await app.answer(call("POST", "/v1/chat/completions"));
  expect(without.headers.get("www-authenticate")).toStartWith("Bearer");
  const bad = await app.answer(chat(ada.token, "{"));
  expect(bad.headers.get("www-authenticate")).toBeNull();
});

test("a message that no header can hold is whole in the body and harmless in the header", async () => {
  const model = `café 🦊\r\nX-Injected: 1 ${"long ".repeat(30)}`;
  const response = await app.answer(chat(ada.token, { ...ASK, model: `org/x${model}` }));
  expect(response.status).toBe(404);
  expect((await response.json()).error.message).toContain("café 🦊");
  const header = response.headers.get("x-error-message") ?? "";
  expect(header).toMatch(/^[\x20-\x7e]+$/);
  expect(header.length).toBeLessThanOrEqual(500);
  expect(response.headers.get("x-injected")).toBeNull();
});

test("a fault of ours is a 500 with an id, and its inside goes to the log only", async () => {
  const catalog = { ...app.site.gateway.catalog };
  Object.assign(catalog, {
    model: () => {
      throw new TypeError("INSIDE is not a function");
    },
  });
  const site = { ...app.site, gateway: { ...app.site.gateway, catalog } } as typeof app.site;
  const response = responseOf(await answer(site, chat(ada.token, ASK)));
  const text = await response.text();
  expect(response.status).toBe(500);
  expect(JSON.parse(text).error).toMatchObject({ code: "internal", type: "api_error" });
  expect(text).not.toContain("INSIDE");
  expect(text).not.toContain(".ts");
  const line = lines.find(({ event }) => event === "internal_error");
  expect(line?.facts).toMatchObject({
    request: response.headers.get("inference-id") ?? "",
    reason: "INSIDE is not a function",
  });
  expect(JSON.stringify(lines)).not.toContain("SECRET-PROMPT");
  expect(JSON.stringify(lines)).not.toContain(ada.token);
});

test("no error is ever a 503, which the JavaScript client repeats without end", () => {
  for (const [code, { status }] of Object.entries(ON_THE_WIRE)) {
    expect({ code, is503: Number(status) === 503 }).toEqual({ code, is503: false });
  }
});
