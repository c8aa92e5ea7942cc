/** Look-ups as Hugging Face's clients make them of the Hub. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { call, type TestApp, type TestUser, testApp } from "../support/app.js";

let app: TestApp;
let ada: TestUser;
let owner: TestUser;

const PRICE = { input: "1", output: "1" };
const IMAGE = { image: "0.025" };

beforeAll(async () => {
  app = await testApp({
    env: { TOGETHER_API_KEY: "key-of-together", FAL_KEY: "key-of-fal", HF_TOKEN: "key-of-hf" },
    yaml: JSON.stringify({
      // Nothing answers for these providers, and nobody is to find that out.
      validation: "none",
      renamed_models: { "org/former": "org/chat" },
      providers: {
        mine: { type: "openai-compatible", base_url: "http://127.0.0.1:9" },
      },
      models: [
        {
          id: "org/chat",
          task: "conversational",
          providers: [
            { provider: "mine", provider_model: "m", is_free: true },
            { provider: "groq", provider_model: "out-of-reach", price: PRICE },
            {
              provider: "hf-inference",
              provider_model: "org/chat",
              status: "staging",
              price: PRICE,
              is_model_author: true,
            },
            { provider: "together", provider_model: "org/Chat-Turbo", price: PRICE },
          ],
        },
        {
          id: "org/embeds",
          task: "feature-extraction",
          providers: [{ provider: "hf-inference", provider_model: "org/embeds", price: PRICE }],
        },
        {
          id: "other/lora",
          task: "text-to-image",
          providers: [
            {
              provider: "together",
              provider_model: "flux-lora",
              price: IMAGE,
              adapter: "lora",
              adapter_weights_path: "w.safetensors",
            },
          ],
        },
        {
          id: "org/nowhere",
          task: "conversational",
          providers: [{ provider: "groq", provider_model: "m", price: PRICE }],
        },
      ],
    }),
  });
  ada = await app.addUser("ada");
  owner = await app.addOwner();
});
afterAll(() => app.stop());

async function get(path: string, token?: string) {
  const response = await app.answer(call("GET", path, token));
  return { status: response.status, headers: response.headers, body: await response.json() };
}

test("who serves a model is told in either spelling: first who clients know, only who is in reach", async () => {
  // What is in staging is told to the owner of this place, who is of every provider's people.
  for (const query of ["expand[]=inferenceProviderMapping", "expand=inferenceProviderMapping"]) {
    const { status, body } = await get(`/api/models/org/chat?${query}`, owner.token);
    expect(status).toBe(200);
    expect(body).toEqual({
      _id: expect.stringMatching(/^[0-9a-f]{24}$/),
      id: "org/chat",
      modelId: "org/chat",
      inferenceProviderMapping: {
        together: {
          status: "live",
          providerId: "org/Chat-Turbo",
          task: "conversational",
          isModelAuthor: false,
        },
        "hf-inference": {
          status: "staging",
          providerId: "org/chat",
          task: "conversational",
          isModelAuthor: true,
        },
        mine: { status: "live", providerId: "m", task: "conversational", isModelAuthor: false },
      },
    });
    expect(Object.keys(body.inferenceProviderMapping)).toEqual([
      "together",
      "hf-inference",
      "mine",
    ]);
  }
  const told = await get("/api/models/org/chat?expand=inferenceProviderMapping", ada.token);
  expect(Object.keys(told.body.inferenceProviderMapping)).toEqual(["together", "mine"]);
  const { body } = await get("/api/models/other/lora?expand[]=inferenceProviderMapping");
  expect(body.inferenceProviderMapping.together).toMatchObject({
    adapter: "lora",
    adapterWeightsPath: "w.safetensors",
  });
});

test("the embedded provider is hf-inference to the clients, which know no other name for it", async () => {
  const id = "embedded/universal-sentence-encoder-lite";
  const { body } = await get(`/api/models/${id}?expand[]=inferenceProviderMapping`);
  expect(body.inferenceProviderMapping).toEqual({
    "hf-inference": {
      status: "live",
      providerId: id,
      task: "feature-extraction",
      isModelAuthor: false,
    },
  });
});

test("a model nobody here serves has an empty mapping, and is not warm", async () => {
  const { body } = await get("/api/models/org/nowhere?expand=inference,inferenceProviderMapping");
  expect(body).not.toHaveProperty("inference");
  expect(body.inferenceProviderMapping).toEqual({});
  expect((await get("/api/models/org/chat?expand[]=inference")).body.inference).toBe("warm");
});

test("a model's kind and tags are those that the clients look for", async () => {
  expect((await get("/api/models/org/chat?expand[]=pipeline_tag")).body).toMatchObject({
    id: "org/chat",
    pipeline_tag: "text-generation",
  });
  expect((await get("/api/models/org/chat")).body.tags).toEqual([
    "text-generation",
    "conversational",
  ]);
  const { tags, pipeline_tag } = (await get("/api/models/org/embeds")).body;
  expect(pipeline_tag).toBe("feature-extraction");
  expect(tags).toEqual(["feature-extraction", "sentence-similarity"]);
});

test("an unknown model is a repository that is not found", async () => {
  for (const id of ["org/chatt", "chat", "org/chat/tree/main"]) {
    const { status, headers, body } = await get(`/api/models/${id}`);
    expect(status).toBe(404);
    expect(headers.get("x-error-code")).toBe("RepoNotFound");
    expect(headers.get("x-error-message")).toBe(body.error);
    expect(body.error).toStartWith(`There is no model "${id}" here.`);
  }
});

test("a token that is none of ours does no harm to a look-up", async () => {
  for (const path of ["/api/models/org/chat", "/api/models", "/api/tasks"]) {
    expect((await get(path, "hf_of_the_real_hub")).status).toBe(200);
  }
});

test("the tasks name the models that can be called, for widgets those of hf-inference", async () => {
  const { body } = await get("/api/tasks");
  const ids = (task: string) => body[task].models.map(({ id }: { id: string }) => id);
  expect(ids("conversational")).toContain("org/chat");
  expect(ids("conversational")).not.toContain("org/nowhere");
  // The embedded models are there too, as hf-inference's.
  expect(body["feature-extraction"].id).toBe("feature-extraction");
  expect(ids("feature-extraction")).toContain("org/embeds");
  expect(body["feature-extraction"].widgetModels).toEqual(ids("feature-extraction"));
  expect(body["text-to-image"].widgetModels).toEqual([]);
  // Its offer of hf-inference is not live.
  expect(body.conversational.widgetModels).not.toContain("org/chat");
});

test("models are listed by provider, kind, author and words, a page at a time", async () => {
  const list = async (query: string) => {
    const { body } = await get(`/api/models?author=org&${query}`);
    return body.map(({ id }: { id: string }) => id);
  };
  expect(await list("inference_provider=all")).toEqual(["org/chat", "org/embeds"]);
  expect(await list("inference_provider=hf-inference,groq")).toEqual(["org/embeds"]);
  expect(await list("inference_provider=groq&inference_provider=together")).toEqual(["org/chat"]);
  expect(await list("pipeline_tag=text-generation")).toEqual(["org/chat"]);
  expect(await list("pipeline_tag=conversational&search=CHAT")).toEqual(["org/chat"]);
  expect(await list("filter=sentence-similarity")).toEqual(["org/embeds"]);
  expect(await list("search=nothing-like-it")).toEqual([]);
  const first = await get("/api/models?author=org&limit=1");
  expect(first.body).toHaveLength(1);
  const next = /^<http:\/\/[^/]+(.*)>; rel="next"$/.exec(first.headers.get("link") ?? "")?.[1];
  const second = await get(next ?? "");
  expect(second.body.map(({ id }: { id: string }) => id)).toEqual(["org/embeds"]);
  expect(second.headers.has("link")).toBe(false);
  expect((await get("/api/models?limit=-1")).status).toBe(400);
  expect((await get("/api/models?limit=0")).body).toEqual([]);
});

test("pages hold every model once, in one order, while others come and go", async () => {
  const ids: string[] = [];
  let next: string | undefined = "/api/models?limit=7&inference=warm";
  for (let page = 0; next !== undefined && page < 100; page++) {
    const { body, headers } = await get(next);
    ids.push(...body.map(({ id }: { id: string }) => id));
    next = /^<http:\/\/[^/]+(.*)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
    // One that comes before what was shown already shifts nothing.
    if (page === 1) {
      const early = { task: "conversational", hfModel: "0-first/m", providerModel: "m" };
      const path = "/api/partners/mine/models";
      const added = await app.answer(
        call("POST", path, owner.token, { ...early, status: "live", is_free: true }),
      );
      expect(added.status).toBe(200);
    }
  }
  expect(ids.length).toBeGreaterThan(20);
  expect(ids).toEqual([...new Set(ids)].toSorted());
  const { body } = await get("/api/models?limit=500");
  expect(body.map(({ id }: { id: string }) => id)).toEqual(["0-first/m", ...ids]);
});

test("models are sorted by when their prices were last said, either way round", async () => {
  const dates = async (query: string): Promise<string[]> => {
    const { body } = await get(`/api/models?limit=500&sort=lastModified&${query}`);
    return body.map((model: { lastModified?: string }) => model.lastModified ?? "");
  };
  const newest = await dates("");
  expect(newest).toEqual(newest.toSorted().toReversed());
  expect(new Set(newest).size).toBeGreaterThan(2);
  expect(await dates("direction=1")).toEqual(newest.toSorted());
});

test("what nobody here can know of models is refused by its name", async () => {
  for (const [query, field] of [
    ["sort=beauty", '"sort"'],
    ["direction=up", '"direction"'],
    ["cursor=xyz", '"cursor"'],
    ["apps=ollama", '"apps"'],
    ["gated=true", '"gated"'],
    ["num_parameters=min:6B", '"num_parameters"'],
  ] as const) {
    const { status, body } = await get(`/api/models?${query}`);
    expect(status).toBe(400);
    expect(body.error).toContain(field);
  }
});

test("a list tells mappings as a list, and everything where that is asked for", async () => {
  const { body } = await get("/api/models?author=org&search=chat&expand=inferenceProviderMapping");
  expect(body[0].inferenceProviderMapping).toEqual([
    expect.objectContaining({ provider: "together", providerId: "org/Chat-Turbo" }),
    expect.objectContaining({ provider: "mine", providerId: "m" }),
  ]);
  const [full] = (await get("/api/models?author=org&search=chat&full=true")).body;
  expect(full).toMatchObject({ id: "org/chat", author: "org", inference: "warm" });
});

test("a renamed model is told where it went, with the query, and its revisions are all the same", async () => {
  const query = "?expand[]=inferenceProviderMapping";
  const response = await app.answer(call("GET", `/api/models/org/former${query}`));
  expect(response.status).toBe(307);
  expect(response.headers.get("location")).toBe(`/api/models/org/chat${query}`);
  expect(response.headers.get("content-type")).toStartWith("text/plain");
  expect((await get("/v1/models/org/former")).body.id).toBe("org/chat");
  expect((await get("/api/models/org/chat/revision/main")).body.id).toBe("org/chat");
  expect((await get("/api/models/org/chat/revision")).status).toBe(404);
});

test("whoami knows a token's user and organizations, whatever the token may do", async () => {
  const wanted = { name: "acme", owner: "ada", plan: "team" };
  await app.answer(call("POST", "/api/turnpike/orgs", owner.token, wanted));
  const narrow = await app.addToken(ada, { scopes: ["inference"] });
  const { status, body } = await get("/api/whoami-v2", narrow);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    type: "user",
    id: ada.user.id,
    name: "ada",
    isPro: false,
    canPay: false,
    billingMode: "prepaid",
    orgs: [
      { type: "org", name: "acme", canPay: true, billingMode: "postpaid", roleInOrg: "owner" },
    ],
    auth: {
      type: "access_token",
      accessToken: { displayName: "test", role: "read", createdAt: expect.any(String) },
      expiresAt: null,
    },
  });
  expect(body.periodEnd * 1000).toBeGreaterThan(Date.now());
  expect((await get("/api/whoami-v2", ada.token)).body.auth.accessToken.role).toBe("write");
});

test("whoami refuses what is no live token, in words that clients show", async () => {
  for (const token of [undefined, "hf_of_the_real_hub", `hf_tp${"a".repeat(34)}`]) {
    const { status, headers, body } = await get("/api/whoami-v2", token);
    expect(status).toBe(401);
    expect(body.error).toBeString();
    expect(headers.get("x-error-message")).toBe(body.error);
    expect(headers.get("www-authenticate")).toContain("Bearer");
  }
});
