/** The catalog as the operator sees and changes it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { call, chat, type TestApp, type TestUser, testApp } from "../support/app.js";
import { type FakeProvider, fakeProvider, plainAnswer, yamlFor } from "../support/provider.js";

const ADMIN = "/api/turnpike/admin";
const STARTER = "openai/gpt-oss-120b";
let upstream: FakeProvider;
let app: TestApp;
let owner: TestUser;
let ada: TestUser;

beforeAll(async () => {
  upstream = fakeProvider(() => plainAnswer({ prompt: 10, completion: 5 }));
  app = await testApp({
    yaml: yamlFor({ local: upstream.origin }, undefined, { validation: "none" }),
  });
  owner = await app.addOwner();
  ada = await app.addUser("ada", "pro");
});
afterAll(async () => {
  await app.stop();
  upstream.stop();
});

async function send(method: string, path: string, body?: unknown, who: TestUser = owner) {
  const response = await app.answer(call(method, `${ADMIN}${path}`, who.token, body));
  return { status: response.status, body: await response.json() };
}

type Offer = Readonly<Record<string, unknown>> & { readonly provider: string };
const offerOf = (body: { model: { mappings: Offer[] } }, provider: string) =>
  body.model.mappings.find((offer) => offer.provider === provider);

test("an offer is written, priced and priced anew, with all of its past", async () => {
  const offer = {
    provider: "local",
    task: "conversational",
    provider_model: "m",
    context_length: 4_096,
  };
  const first = await send("PUT", "/models/org/written", {
    ...offer,
    price: { input: "1", output: "2" },
    source: "their contract",
  });
  expect(first.status).toBe(200);
  expect(offerOf(first.body, "local")).toMatchObject({
    mapping_id: expect.stringMatching(/^[0-9a-f]{24}$/),
    written_in: "store",
    status: "live",
    context_length: 4_096,
    price: { input: "1.00", output: "2.00" },
    source: "their contract",
    priced_at: new Date().toISOString().slice(0, 10),
  });
  const costOf = async () => {
    const messages = [{ role: "user", content: "hi" }];
    const asked = { model: "org/written", messages, max_tokens: 50 };
    const answer = await app.answer(chat(ada.token, asked));
    return answer.headers.get("x-turnpike-cost-nano-usd");
  };
  expect(await costOf()).toBe("20000");
  await send("PUT", "/models/org/written", {
    provider: "local",
    price: { input: "3", output: "3" },
  });
  // What is not said stays what it is.
  await send("PUT", "/models/org/written", { provider: "local", supports_tools: true });
  expect(await costOf()).toBe("45000");
  const { body } = await send("GET", "/models/org/written");
  expect(offerOf(body, "local")).toMatchObject({
    ...{ provider_model: "m", context_length: 4_096, supports_tools: true },
    history: [
      { price: { input: "3.00", output: "3.00" }, set_by: "owner", source: "set by owner" },
      { price: { input: "1.00", output: "2.00" }, set_by: "owner", source: "their contract" },
    ],
  });
});

test("an offer of the starter catalog is overridden with the facts that it had", async () => {
  const before = (await send("GET", `/models?search=${encodeURIComponent(STARTER)}&provider=groq`))
    .body;
  const model = before.models[0];
  const groq = model.mappings.find(({ provider }: Offer) => provider === "groq");
  expect(groq).toMatchObject({
    written_in: "starter",
    mapping_id: null,
    provider_model: STARTER,
  });
  const price = { input: "0.5", output: "0.5" };
  const { body } = await send("PUT", `/models/${model.id}`, { provider: "groq", price });
  expect(offerOf(body, "groq")).toMatchObject({
    ...{ written_in: "store", provider_model: STARTER },
    ...{ context_length: groq.context_length, price: { input: "0.50", output: "0.50" } },
  });
  const listed = (await send("GET", "/models?provider=local")).body.models;
  expect(listed.map(({ id }: { id: string }) => id)).toEqual(
    expect.arrayContaining(["org/model", "org/written"]),
  );
  expect(listed).toHaveLength(2);
});

test("what cannot be is refused, and the field is named", async () => {
  const table: readonly [string, object, number, string][] = [
    ["/models/org/x", { provider: "nobody" }, 400, '"provider"'],
    ["/models/org/x", { provider: "local" }, 400, '"task"'],
    ["/models/org/x", { provider: "local", task: "conversational" }, 400, '"provider_model"'],
    ["/models/org/model", { provider: "local", is_free: true }, 409, "turnpike.yaml"],
    ["/models/a/b/c", { provider: "local" }, 400, "a/b/c"],
    [
      "/models/org/x",
      { provider: "local", task: "conversational", provider_model: "m", price: { image: "1" } },
      400,
      '"price"',
    ],
    ["/known-models/org/x", { tags: "lora" }, 400, '"tags"'],
    ["/renames/org/x", { to: "org/x" }, 400, '"to"'],
    ["/renames/org/x", { to: "a b" }, 400, '"to"'],
  ];
  for (const [path, body, status, words] of table) {
    const refused = await send("PUT", path, body);
    expect([path, refused.status]).toEqual([path, status]);
    expect(refused.body.error.message).toContain(words);
  }
  expect((await send("GET", "/models/org/nothing")).status).toBe(404);
});

test("a rename goes on for both ids until it is taken back", async () => {
  expect((await send("PUT", "/renames/org/old", { to: "org/model" })).status).toBe(200);
  const former = call("GET", "/api/models/org/old");
  expect((await app.answer(former)).headers.get("location")).toBe("/api/models/org/model");
  const ask = { model: "org/old", messages: [{ role: "user", content: "hi" }], max_tokens: 5 };
  expect((await app.answer(chat(ada.token, ask))).status).toBe(200);
  expect((await send("PUT", "/renames/org/model", { to: "org/old" })).status).toBe(400);
  expect((await send("GET", "/renames")).body.renames).toEqual([
    { from: "org/old", to: "org/model" },
  ]);
  expect((await send("DELETE", "/renames/org/old")).status).toBe(200);
  expect((await send("DELETE", "/renames/org/old")).status).toBe(404);
  expect((await app.answer(chat(ada.token, ask))).status).toBe(404);
});

test("a model whose tags are told is one that tag filters find", async () => {
  await app.site.mappings.put([
    {
      ...{ provider: "local", task: "text-generation", status: "live", facts: {} },
      ...{ subject: { kind: "tags", tags: ["lora"] }, providerModel: "with-lora" },
      price: { price: undefined, isFree: true, source: "a test", setBy: "test" },
    },
  ]);
  await app.site.reloadMappings("local");
  const said = { tags: ["lora", "more"], adapter_weights_path: "w.safetensors" };
  expect((await send("PUT", "/known-models/org/adapter", said)).status).toBe(200);
  const { body } = await send("GET", "/models/org/adapter");
  expect(body.model).toMatchObject({ tags: ["lora", "more"] });
  expect(offerOf(body, "local")).toMatchObject({ tags: ["lora"], history: [{ is_free: true }] });
});

test("only the operator sees the whole catalog, or changes it", async () => {
  for (const [method, path] of [
    ["GET", "/models"],
    ["GET", "/models/org/model"],
    ["PUT", "/models/org/model"],
    ["PUT", "/known-models/org/model"],
    ["GET", "/renames"],
    ["PUT", "/renames/org/model"],
    ["DELETE", "/renames/org/model"],
  ] as const) {
    const body = method === "PUT" ? {} : undefined;
    expect((await send(method, path, body, ada)).status).toBe(403);
  }
});
