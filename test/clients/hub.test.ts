/** Look-ups of the unmodified `huggingface_hub` and its command `hf`, with HF_ENDPOINT set to us and nothing else. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { listen, type Server } from "../../src/http/server/server.js";
import { type TestApp, type TestUser, testApp } from "../support/app.js";
import { findPython, runPython } from "./python.js";

const python = findPython(["huggingface_hub"]);
const MANY = 230;
const PRICE = { input: "1", output: "1" };

let app: TestApp;
let ada: TestUser;
let server: Server;

beforeAll(async () => {
  const chat = (id: string, provider: string, providerModel: string) => ({
    id,
    task: "conversational",
    providers: [{ provider, provider_model: providerModel, price: PRICE }],
  });
  app = await testApp({
    env: { TOGETHER_API_KEY: "key-of-together", FAL_KEY: "key-of-fal" },
    yaml: JSON.stringify({
      // Nothing answers for these providers, and nobody is to find that out.
      validation: "none",
      renamed_models: { "org/former": "org/chat" },
      models: [
        chat("org/chat", "together", "org/Chat-Turbo"),
        ...Array.from({ length: MANY }, (_, i) => chat(`many/m${1_000 + i}`, "together", `m${i}`)),
      ],
    }),
  });
  ada = await app.addUser("ada", "pro");
  await app.site.mappings.putModels([
    {
      ...{ id: "org/lora", pipelineTag: "text-to-image", tags: ["lora", "base_model:adapter:x/y"] },
      ...{ loraWeights: "w.safetensors", source: "the Hub", readAt: 0 },
    },
  ]);
  await app.site.mappings.put([
    {
      ...{ provider: "fal-ai", task: "text-to-image", status: "live", facts: {} },
      ...{ subject: { kind: "tags", tags: ["lora"] }, providerModel: "fal-ai/flux-lora" },
      price: { price: undefined, isFree: true, source: "a test", setBy: "test" },
    },
  ]);
  await app.site.reloadModels();
  await app.site.reloadMappings("fal-ai");
  server = listen(app.site, { host: "127.0.0.1", port: 0, sharesPort: false });
});
afterAll(async () => {
  await server.stop();
  await app.stop();
});

test.skipIf(!python)(
  "lists, models, mappings, renames and whoami are read as the Hub's",
  async () => {
    const env = {
      HF_ENDPOINT: server.origin,
      HF_TOKEN: ada.token,
      HF_HUB_DISABLE_PROGRESS_BARS: "1",
    };
    type Found = Readonly<Record<string, unknown>> & {
      readonly all: number;
      readonly cli: { readonly ls: string; readonly info: string; readonly whoami: string };
    };
    const found = await runPython<Found>(python, "hub_lookups.py", {}, env);
    const lora = ["fal-ai", "fal-ai/flux-lora", "live", "text-to-image"];
    const { cli, all, ...rest } = found as never as Record<string, unknown> & {
      readonly all: number;
      readonly cli: { readonly ls: string; readonly info: string; readonly whoami: string };
    };
    const together = ["together", "org/Chat-Turbo", "live", "conversational", null, null, null];
    expect(rest).toEqual({
      whoami: { type: "user", name: "ada", isPro: true },
      pages: Array.from({ length: MANY }, (_, i) => `many/m${1_000 + i}`),
      // What was said last comes first.
      both: ["org/lora", "org/chat"],
      fal: ["org/lora"],
      warm: expect.arrayContaining(["org/chat"]),
      filtered: ["org/lora"],
      three: expect.any(Array),
      chat: {
        mappings: [together],
        inference: "warm",
        pipeline_tag: "text-generation",
        author: "org",
      },
      listed: [together],
      lora: [[...lora, "tag-filter", "lora", "w.safetensors"]],
      renamed: ["org/chat", 1],
      revision: "org/chat",
      missing: ["RepositoryNotFoundError", 404],
      unknowable: ["BadRequestError", 400],
    });
    expect(all).toBeGreaterThan(MANY);
    expect(rest.three).toHaveLength(3);
    expect(cli.ls).toContain("org/lora");
    expect(cli.info).toContain("warm");
    expect(cli.whoami).toContain("ada");
  },
);
