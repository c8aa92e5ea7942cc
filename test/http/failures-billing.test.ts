import { afterEach, expect, test } from "bun:test";
import { AT_REST, chat, testApp } from "../support/app.js";
import { fakeProvider, plainAnswer } from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

test("what a provider says later of an attempt that failed there is not the caller's to pay", async () => {
  const failing = fakeProvider(({ path, body }) => {
    if (path !== "/billing") {
      return new Response("<html>", { headers: { "x-request-id": "told-later-1" } });
    }
    const { requestIds } = JSON.parse(body) as { requestIds: string[] };
    return Response.json({
      requests: requestIds.map((requestId) => ({ requestId, costNanoUsd: 900_000 })),
    });
  });
  const serving = fakeProvider(() => plainAnswer());
  cleanUps.push(failing.stop, serving.stop);
  const price = { input: "1", output: "2" };
  const app = await testApp({
    yaml: JSON.stringify({
      providers: {
        a: {
          type: "openai-compatible",
          base_url: failing.origin,
          billing: { url: `${failing.origin}/billing`, request_id_header: "x-request-id" },
        },
        b: { type: "openai-compatible", base_url: serving.origin },
      },
      models: [
        {
          id: "org/model",
          task: "conversational",
          providers: ["a", "b"].map((provider) => ({ provider, provider_model: "m", price })),
        },
      ],
    }),
  });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada");
  const ask = { model: "org/model:preferred", messages: [{ role: "user", content: "hi" }] };
  const response = await app.answer(chat(ada.token, ask));
  expect(response.headers.get("x-turnpike-route")).toContain("tried=a:malformed,b:200");
  await response.text();
  expect(await app.left(ada)).toBe(100_000_000n - 20_000n);
  await app.askForCosts();
  expect(await app.left(ada)).toBe(100_000_000n - 20_000n);
  expect(await app.state(ada)).toEqual(AT_REST);
});
