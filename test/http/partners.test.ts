/** What providers say that they serve. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { call, chat, type TestApp, type TestUser, testApp } from "../support/app.js";
import { type FakeProvider, fakeProvider, plainAnswer } from "../support/provider.js";

let upstream: FakeProvider;
let app: TestApp;
let owner: TestUser;
/** Admin of the organization that registered `acme`. */
let ada: TestUser;
/** A member of it. */
let bob: TestUser;
let stranger: TestUser;

const MODELS = "/api/partners/acme/models";
const PRICE = { input: "1", output: "2" };
const TAGS = ["lora", "base_model:adapter:org/base"];

beforeAll(async () => {
  upstream = fakeProvider(() => plainAnswer());
  app = await testApp({
    env: { FAL_KEY: "key-of-fal" },
    yaml: JSON.stringify({
      // The statuses are those that the test sets.
      validation: "none",
      providers: { acme: { type: "openai-compatible", base_url: upstream.origin } },
      models: [
        {
          id: "org/in-file",
          task: "conversational",
          providers: [{ provider: "acme", provider_model: "from-the-file", price: PRICE }],
        },
        {
          id: "org/vectors-in-file",
          task: "feature-extraction",
          providers: [{ provider: "fal-ai", provider_model: "v", price: { input: "1" } }],
        },
      ],
    }),
  });
  owner = await app.addOwner();
  ada = await app.addUser("ada", "pro");
  bob = await app.addUser("bob", "pro");
  stranger = await app.addUser("stranger", "pro");
  const org = { name: "acme-inc", owner: "ada", plan: "team", seats: 3 };
  await app.answer(call("POST", "/api/turnpike/orgs", owner.token, org));
  const members = "/api/turnpike/orgs/acme-inc/members";
  await app.answer(call("POST", members, owner.token, { user: "bob", role: "member" }));
  const { directory } = app.site.gateway;
  directory.providerOwners.set("acme", directory.organizations.org("acme-inc")?.id ?? "");
});
afterAll(async () => {
  await app.stop();
  upstream.stop();
});

async function send(method: string, path: string, token?: string, body?: unknown) {
  const response = await app.answer(call(method, path, token, body));
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const ask = async (who: TestUser, model: string): Promise<number> => {
  const messages = [{ role: "user", content: "hi" }];
  return (await app.answer(chat(who.token, { model, messages, max_tokens: 5 }))).status;
};

test("a model goes from staging to live to gone, and is seen and called by whom it may be", async () => {
  const wanted = {
    task: "conversational",
    hfModel: "org/chat",
    providerModel: "chat-x",
    price: PRICE,
  };
  const added = await send("POST", MODELS, ada.token, wanted);
  expect(added.status).toBe(200);
  expect(added.body).toEqual({
    _id: expect.stringMatching(/^[0-9a-f]{24}$/),
    type: "single-model",
    task: "conversational",
    hfModel: "org/chat",
    providerModel: "chat-x",
    providerId: "chat-x",
    status: "staging",
  });
  const item = { _id: added.body._id, providerId: "chat-x", status: "staging" };
  const inFile = {
    "org/in-file": { _id: expect.any(String), providerId: "from-the-file", status: "live" },
  };
  for (const who of [ada, bob, owner]) {
    expect((await send("GET", MODELS, who.token)).body).toEqual({
      conversational: { ...inFile, "org/chat": item },
    });
    expect(await ask(who, "org/chat")).toBe(200);
  }
  for (const token of [undefined, stranger.token, "hf_of_the_real_hub"]) {
    expect((await send("GET", MODELS, token)).body).toEqual({ conversational: inFile });
    expect((await send("GET", `${MODELS}?status=staging`, token)).body).toEqual({});
    for (const path of ["/api/models/org/chat", "/v1/models/org/chat"]) {
      const { status, body } = await send("GET", path, token);
      expect(status).toBe(404);
      // Nor is it what somebody may have meant.
      expect(JSON.stringify(body)).not.toContain("Did you mean org/chat");
    }
    expect(JSON.stringify((await send("GET", "/v1/models", token)).body)).not.toContain("org/chat");
    expect(JSON.stringify((await send("GET", "/api/models", token)).body)).not.toContain(
      "org/chat",
    );
  }
  expect(await ask(stranger, "org/chat")).toBe(404);
  const estimate = (who: TestUser) =>
    send("POST", "/api/turnpike/estimate", who.token, { model: "org/chat" });
  expect((await estimate(stranger)).status).toBe(404);
  expect((await estimate(bob)).status).toBe(200);
  expect((await send("GET", "/v1/models/org/chat", bob.token)).body.providers).toHaveLength(1);

  const path = `${MODELS}/${added.body._id}`;
  const live = await send("PUT", `${path}/status`, ada.token, { status: "live" });
  expect(live.body).toMatchObject({ _id: added.body._id, status: "live" });
  expect(await ask(stranger, "org/chat")).toBe(200);
  expect((await send("GET", `${MODELS}?status=live`)).body.conversational).toHaveProperty(
    "org/chat",
  );
  expect((await send("GET", "/api/models/org/chat?expand=inference")).body.inference).toBe("warm");

  expect((await send("DELETE", path, ada.token)).body).toEqual({ _id: added.body._id });
  expect((await send("DELETE", path, ada.token)).status).toBe(404);
  expect(await ask(stranger, "org/chat")).toBe(404);
});

test("a tag filter is for every model that is known to carry all of its tags", async () => {
  const { mappings, reloadModels } = app.site;
  const lora = (id: string, tags: string[]) => ({
    ...{ id, pipelineTag: "text-generation", tags, loraWeights: `${id}.safetensors` },
    ...{ source: "the Hub", readAt: 0 },
  });
  await mappings.putModels([lora("org/lora", [...TAGS, "more"]), lora("org/half", ["lora"])]);
  await reloadModels();
  const filter = {
    ...{ type: "tag-filter", task: "text-generation", tags: TAGS, providerModel: "with-lora" },
    ...{ adapterType: "lora", status: "live", price: PRICE },
  };
  const { body } = await send("POST", MODELS, ada.token, filter);
  expect(body).toMatchObject({ type: "tag-filter", tags: TAGS.toSorted(), adapterType: "lora" });
  const name = "tag-filter=base_model:adapter:org/base,lora";
  expect((await send("GET", MODELS)).body["text-generation"]).toEqual({
    [name]: {
      _id: body._id,
      providerId: "with-lora",
      status: "live",
      adapterType: "lora",
      tags: TAGS.toSorted(),
    },
  });
  const expanded = "expand[]=inferenceProviderMapping";
  const { body: model } = await send("GET", `/api/models/org/lora?${expanded}`);
  expect(model.inferenceProviderMapping.acme).toEqual({
    status: "live",
    providerId: "with-lora",
    task: "text-generation",
    isModelAuthor: false,
    type: "tag-filter",
    adapter: "lora",
    adapterWeightsPath: "org/lora.safetensors",
  });
  expect((await send("GET", `/api/models/org/half?${expanded}`)).status).toBe(404);
  // OpenAI's list has no pages, and there may be any number of adapters.
  const { body: listed } = await send("GET", "/v1/models");
  expect(listed.data.map(({ id }: { id: string }) => id)).not.toContain("org/lora");
  expect((await send("GET", "/v1/models/org/lora")).body.providers).toHaveLength(1);
  // In a list it is a list.
  const { body: list } = await send("GET", `/api/models?filter=more&${expanded}`);
  expect(list[0].inferenceProviderMapping).toEqual([
    expect.objectContaining({ provider: "acme", providerId: "with-lora", adapter: "lora" }),
  ]);
  const twice = await send("POST", MODELS, ada.token, { ...filter, tags: TAGS.toReversed() });
  expect(twice.status).toBe(409);
  await send("DELETE", `${MODELS}/${body._id}`, ada.token);
  expect((await send("GET", `/api/models/org/lora?${expanded}`)).status).toBe(404);
});

test("a price and abilities are changed without changing anything else", async () => {
  const wanted = {
    task: "conversational",
    hfModel: "org/priced",
    providerModel: "p",
    status: "live",
  };
  const { body } = await send("POST", MODELS, ada.token, wanted);
  const shown = async () => (await send("GET", "/v1/models/org/priced")).body.providers[0];
  expect(await shown()).not.toHaveProperty("pricing");
  const path = `${MODELS}/${body._id}`;
  await send("PUT", path, ada.token, { price: PRICE, context_length: 4_096 });
  await send("PUT", path, ada.token, { supports_tools: true });
  expect(await shown()).toMatchObject({
    pricing: { input: 1, output: 2 },
    context_length: 4_096,
    supports_tools: true,
    status: "live",
    price_source: "partner API, by ada",
  });
  for (const [change, field] of [
    [{}, "price"],
    [{ price: { image: "0.1" } }, '"price"'],
    [{ price: { input: "1" } }, '"price"'],
    [{ price: { input: "a lot", output: "1" } }, "price.input"],
    [{ colour: "red" }, "colour"],
    [{ retains_prompts: false }, "retains_prompts"],
  ] as const) {
    const { status, body: refused } = await send("PUT", path, ada.token, change);
    expect(status).toBe(400);
    expect(refused.error).toContain(field);
  }
});

test("whoever is not of the provider's people changes nothing", async () => {
  const wanted = { task: "conversational", hfModel: "org/x", providerModel: "x" };
  const path = `${MODELS}/${"0".repeat(24)}`;
  for (const [token, status] of [
    [undefined, 401],
    [stranger.token, 403],
    [bob.token, 403],
    [await app.addToken(ada, { scopes: ["inference", "read"] }), 403],
  ] as const) {
    expect((await send("POST", MODELS, token, wanted)).status).toBe(status);
    expect((await send("PUT", `${path}/status`, token, { status: "live" })).status).toBe(status);
    expect((await send("PUT", path, token, { is_free: true })).status).toBe(status);
    expect((await send("DELETE", path, token)).status).toBe(status);
  }
  // Another provider's mapping is not found below this one.
  const other = { ...wanted, task: "text-to-image" };
  const { body } = await send("POST", "/api/partners/fal-ai/models", owner.token, other);
  expect((await send("DELETE", `${MODELS}/${body._id}`, ada.token)).status).toBe(404);
  expect((await send("POST", "/api/partners/fal-ai/models", ada.token, other)).status).toBe(403);
  expect((await send("GET", "/api/partners/nobody/models")).status).toBe(404);
});

test("a mapping that cannot be is refused, and the field is named", async () => {
  const good = { task: "conversational", hfModel: "org/y", providerModel: "y" };
  const filter = { type: "tag-filter", task: "text-generation", providerModel: "y" };
  const table: readonly [object, string][] = [
    [{ ...good, task: "cooking" }, '"task"'],
    [{ ...good, task: "text-to-video" }, '"task": acme has no route for text-to-video'],
    [{ ...good, hfModel: "a/b/c" }, '"hfModel"'],
    [{ ...good, hfModel: undefined }, '"hfModel"'],
    [{ ...good, providerModel: "" }, '"providerModel"'],
    [{ ...good, status: "error" }, '"status"'],
    [{ ...good, tags: ["lora"] }, "tags"],
    [{ ...filter, adapterType: "lora", tags: [] }, '"tags"'],
    [{ ...filter, adapterType: "lora", tags: ["a,b"] }, '"tags.0"'],
    [{ ...filter, tags: ["lora"] }, '"adapterType"'],
    [{ ...filter, adapterType: "lora", tags: ["lora"], hfModel: "org/y" }, "hfModel"],
  ];
  for (const [body, field] of table) {
    const refused = await send("POST", MODELS, ada.token, body);
    expect(refused.status).toBe(400);
    expect(refused.body.error).toContain(field);
    expect(refused.body.error).toStartWith(refused.headers.get("x-error-message") ?? "-");
  }
  expect((await send("GET", `${MODELS}?status=odd`)).status).toBe(400);
});

test("a model that is known to be for something else is refused, but for one that writes and is tagged for chat", async () => {
  const known = (id: string, pipelineTag: string, tags: string[] = []) => ({
    ...{ id, pipelineTag, tags, loraWeights: undefined, source: "the Hub", readAt: 0 },
  });
  await app.site.mappings.putModels([
    known("kind/image", "text-to-image"),
    known("kind/writes", "text-generation"),
    known("kind/chats", "text-generation", ["conversational"]),
    known("kind/looks", "image-text-to-text", ["conversational"]),
  ]);
  await app.site.reloadModels();
  const statusOf = async (hfModel: string) =>
    (await send("POST", MODELS, ada.token, { task: "conversational", hfModel, providerModel: "m" }))
      .status;
  expect(await statusOf("kind/image")).toBe(400);
  expect(await statusOf("kind/writes")).toBe(400);
  expect(await statusOf("kind/chats")).toBe(200);
  expect(await statusOf("kind/looks")).toBe(200);
});

test("what the operator's file says of an offer is not overridden, nor changed from here", async () => {
  const wanted = { task: "conversational", hfModel: "org/in-file", providerModel: "other" };
  const refused = await send("POST", MODELS, ada.token, wanted);
  expect(refused.status).toBe(409);
  expect(refused.body.error).toContain("turnpike.yaml");
  const { body } = await send("GET", MODELS);
  const path = `${MODELS}/${body.conversational["org/in-file"]._id}`;
  expect((await send("DELETE", path, ada.token)).status).toBe(409);
  expect((await send("PUT", `${path}/status`, ada.token, { status: "staging" })).status).toBe(409);
});

test("what the file offers a model for is what it is for, where nobody told its kind", async () => {
  const offer = (hfModel: string, task: string) =>
    send("POST", MODELS, ada.token, { task, hfModel, providerModel: "m" });
  const refused = await offer("org/in-file", "feature-extraction");
  expect(refused.status).toBe(400);
  expect(refused.body.error).toBe(
    '"task": org/in-file is for text-generation, not feature-extraction.',
  );
  expect((await offer("org/in-file", "text-generation")).status).toBe(200);
  expect((await offer("org/vectors-in-file", "text-generation")).status).toBe(400);
  expect((await offer("org/vectors-in-file", "feature-extraction")).status).toBe(200);
  // What stands in the store alone says nothing of what else a model may be for.
  expect((await offer("org/of-mine", "feature-extraction")).status).toBe(200);
  expect((await offer("org/of-mine", "text-generation")).status).toBe(200);
});
