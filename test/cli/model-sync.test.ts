/** `turnpike model sync`: what simulated providers and a Hub of our own list, next to the catalog. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Sim, startSim } from "../../sim/server.js";
import { systemClock } from "../../src/kernel/clock.js";
import { mappingStore } from "../../src/store/catalog/mappings.js";
import { openStore } from "../../src/store/open.js";
import { testApp } from "../support/app.js";
import { commandLine } from "./support.js";

const MODEL = "openai/gpt-oss-120b";
let before: Sim;
let after: Sim;
beforeAll(() => {
  before = startSim();
  after = startSim({
    prices: { novita: { "openai/gpt-oss-120b": { input: "0.07", output: "0.25" } } },
    providerDials: {
      novita: { models: ["openai/gpt-oss-120b", "qwen/qwen3-32b-fp8", "deepseek/deepseek-v3.1"] },
    },
  });
});

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});
afterAll(async () => {
  await before.stop();
  await after.stop();
});

/** Pages of the Hub's list, one model each; and where a model has moved to. */
function fakeHub(models: readonly object[], moved: Readonly<Record<string, string>> = {}) {
  const asked: { path: string; authorization: string | null }[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      const url = new URL(request.url);
      asked.push({
        path: url.pathname + url.search,
        authorization: request.headers.get("authorization"),
      });
      const id = url.pathname.slice("/api/models/".length);
      if (id !== "") {
        const location = moved[id] ?? "";
        return new Response("", { status: location === "" ? 404 : 307, headers: { location } });
      }
      const page = Number(url.searchParams.get("cursor") ?? 0);
      const more = page + 1 < models.length;
      url.searchParams.set("cursor", String(page + 1));
      const headers = { ...(more && { link: `<${url.href}>; rel="next"` }) };
      return Response.json(models.slice(page, page + 1), { headers });
    },
  });
  cleanUps.push(() => server.stop(true));
  return { origin: `http://127.0.0.1:${server.port}`, asked };
}

const onHub = (id: string, entry: object, more: object = {}) => ({
  id,
  pipeline_tag: "text-generation",
  tags: ["conversational"],
  inferenceProviderMapping: [
    { provider: "novita", status: "live", task: "conversational", ...entry },
  ],
  ...more,
});

function world(file: object = {}) {
  const cli = commandLine({ NOVITA_API_KEY: "key-of-novita", GROQ_API_KEY: "key-of-groq" });
  cleanUps.push(cli.remove);
  const pointAt = (sim: Sim, more: object = {}) => {
    const providers = Object.fromEntries(
      ["novita", "groq"].map((id) => [id, { base_url: sim.url(id) }]),
    );
    const config = { providers: { ...providers, ...more }, embedded: { enabled: false }, ...file };
    writeFileSync(join(cli.folder, "turnpike.yaml"), JSON.stringify(config));
  };
  pointAt(before);
  return { ...cli, pointAt };
}

type Change = { readonly kind: string; readonly model: string; readonly price?: object };
const SYNC = ["model", "sync", "--provider", "novita"] as const;

test("a price that changed is shown with the old one, written where told to, and keeps its past", async () => {
  const { json, run, pointAt } = world();
  const first = await json(...SYNC, "--no-hub", "--yes");
  expect(first.providers).toMatchObject([{ provider: "novita", listed: 4, errors: [] }]);
  pointAt(after);
  const shown = await json(...SYNC, "--no-hub");
  const price = shown.changes.find(({ model }: Change) => model === MODEL)?.price;
  expect(price).toEqual({
    before: expect.objectContaining({ input: "0.05", output: "0.25" }),
    after: expect.objectContaining({ input: "0.07", output: "0.25" }),
    since: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
  });
  // Llama is not among the three that are listed now.
  const gone = shown.changes.filter(({ kind }: Change) => kind === "gone");
  expect(gone.map(({ model }: Change) => model)).toContain("meta-llama/Llama-3.1-8B-Instruct");
  expect(shown.written).toBe(0);
  // Nothing was written, so it is all there again.
  const text = await run(...SYNC, "--no-hub");
  expect(text.code).toBe(0);
  expect(text.printed).toContain("input 0.05 → 0.07");
  expect(text.printed).toContain("say it with --yes");

  const written = await json(...SYNC, "--no-hub", "--yes");
  expect(written.written).toBe(shown.changes.length);
  expect((await json(...SYNC, "--no-hub")).changes).toEqual([]);
  expect((await run(...SYNC, "--no-hub")).printed).toContain("Nothing is different");
  const { providers } = await json("model", "show", MODEL);
  const novita = providers.find(({ provider }: { provider: string }) => provider === "novita");
  expect(novita).toMatchObject({
    price: { input: "0.07", output: "0.25" },
    source: expect.stringContaining("novita's list of models, read "),
  });
  expect(novita.history[0].price.input).toBe("0.07");
  expect(novita.history.map((each: { set_by: string }) => each.set_by)).toContain("sync");
});

test("the Hub says which model a listed one is, and which there are besides; no token goes there", async () => {
  const { json, run } = world();
  const hub = fakeHub([
    onHub("org/brand-new", { providerId: "qwen/qwen3-32b-fp8" }),
    onHub(
      "org/film",
      { providerId: "wan-t2v", task: "text-to-video" },
      { pipeline_tag: "text-to-video" },
    ),
    onHub("org/lora", {
      ...{ providerId: "flux-lora", task: "text-to-image", type: "tag-filter", adapter: "lora" },
      adapterWeightsPath: "w.safetensors",
    }),
    onHub("../../etc", { providerId: "bad" }),
    onHub("org/staged", { providerId: "x", status: "staging" }),
  ]);
  const found = await json(...SYNC, "--hub", hub.origin, "--yes");
  const fresh = found.changes.filter(({ kind }: Change) => kind === "new");
  expect(fresh.map(({ model }: Change) => model).toSorted()).toContain("org/film");
  expect(fresh.map(({ model }: Change) => model)).not.toContain("org/lora");
  expect(fresh.map(({ model }: Change) => model)).not.toContain("org/staged");
  expect(JSON.stringify(found)).not.toContain("etc");
  expect(new Set(hub.asked.map(({ authorization }) => authorization))).toEqual(new Set([null]));
  expect(hub.asked.filter(({ path }) => path.startsWith("/api/models?"))).toHaveLength(5);
  expect(hub.asked[0]?.path).toContain("inference_provider=novita");
  const { printed } = await run("model", "show", "org/film");
  expect(printed).toContain("wan-t2v");
});

test("a model that the Hub has renamed is found under its new id, and works by both", async () => {
  const { json } = world();
  const listed = onHub("org/next", { providerId: "openai/gpt-oss-120b" });
  const hub = fakeHub([listed], {
    [MODEL]: "/api/models/org/next?expand[]=pipeline_tag",
    "Qwen/Qwen3-32B": "https://elsewhere.example/api/models/evil/model",
  });
  const shown = await json(...SYNC, "--hub", hub.origin);
  expect(shown.renames).toEqual([{ from: MODEL, to: "org/next" }]);
  expect((await json("model", "show", MODEL)).id).toBe(MODEL);
  await json(...SYNC, "--hub", hub.origin, "--yes");
  const byOld = await json("model", "show", MODEL);
  expect(byOld.id).toBe("org/next");
  expect(byOld).toEqual(await json("model", "show", "org/next"));
  const providers = byOld.providers.map(({ provider }: { provider: string }) => provider);
  expect(providers).toEqual(expect.arrayContaining(["novita", "groq", "together"]));
  expect((await json(...SYNC, "--hub", hub.origin)).renames).toEqual([]);
});

test("what the operator's file says is not overridden, and is said so", async () => {
  const price = { input: "0.9", output: "0.9" };
  const offer = { provider: "novita", provider_model: "openai/gpt-oss-120b", price };
  const models = [{ id: MODEL, task: "conversational", providers: [offer] }];
  const { json, run } = world({ models });
  const found = await json(...SYNC, "--no-hub", "--yes");
  const change = found.changes.find(({ model }: Change) => model === MODEL);
  expect(change).toMatchObject({
    kind: "changed",
    kept_by: expect.stringContaining("turnpike.yaml"),
  });
  expect(found.written).toBe(found.changes.length - 1);
  const { providers } = await json("model", "show", MODEL);
  expect(providers[0]).toMatchObject({ provider: "novita", price: { input: "0.90" } });
  expect((await run(...SYNC, "--no-hub")).printed).toContain("turnpike.yaml goes before");
});

test("a provider that cannot be read keeps no other from being read, and the exit code says so", async () => {
  const { run, pointAt } = world();
  pointAt(before, { groq: { base_url: "http://127.0.0.1:9" } });
  const { code, printed } = await run("model", "sync", "--no-hub", "--json");
  expect(code).toBe(1);
  const { providers } = JSON.parse(printed);
  const of = (id: string) =>
    providers.find(({ provider }: { provider: string }) => provider === id);
  expect(of("groq")).toMatchObject({ listed: null, errors: [expect.any(String)] });
  expect(of("novita")).toMatchObject({ listed: 4, errors: [] });
  // The Hub alone may fail too.
  const deaf = await run(...SYNC, "--hub", "http://127.0.0.1:9", "--json");
  expect(deaf.code).toBe(1);
  expect(JSON.parse(deaf.printed).providers[0]).toMatchObject({ listed: 4 });
  for (const [wrong, why] of [
    [["--provider", "nobody"], 'no provider "nobody"'],
    [["--hub", "ftp://hub"], "--hub"],
  ] as const) {
    const refused = await run("model", "sync", "--no-hub", ...wrong);
    expect(refused.code).toBe(1);
    expect(refused.complaint).toContain(why);
  }
});

test("a server that runs has what a sync wrote within a second", async () => {
  const { json, folder } = world();
  const app = await testApp({
    yaml: JSON.stringify({ validation: "none" }),
    data: join(folder, ".turnpike"),
  });
  cleanUps.push(app.stop);
  const hub = fakeHub([onHub("org/brand-new", { providerId: "qwen/qwen3-32b-fp8" })]);
  expect(app.site.gateway.catalog.known("org/brand-new")).toBeUndefined();
  await json(...SYNC, "--hub", hub.origin, "--yes");
  const end = Date.now() + 1_000;
  while (!app.site.gateway.catalog.known("org/brand-new") && Date.now() < end) await Bun.sleep(10);
  expect(app.site.gateway.catalog.known("org/brand-new")?.tags).toEqual(["conversational"]);
});

test("a provider that registered itself is read at the address it named, if that may be reached", async () => {
  const cli = commandLine({ ACME_KEY: "key-of-acme-0123456789" });
  cleanUps.push(cli.remove);
  const configure = (networks: readonly string[]) =>
    writeFileSync(
      join(cli.folder, "turnpike.yaml"),
      JSON.stringify({ registration: { allow_http: true, allow_private_addresses: networks } }),
    );
  configure(["127.0.0.1/32"]);
  await cli.json("org", "create", "acme", "--type", "provider");
  await cli.json(
    ...["provider", "register", "acme-ai", "--org", "acme", "--key-variable", "ACME_KEY"],
    ...["--base-url", `${before.url("together")}/v1`],
  );
  const database = await openStore(join(cli.folder, ".turnpike", "turnpike.sqlite"));
  await mappingStore(database, "test", systemClock).put([
    {
      ...{ provider: "acme-ai", task: "conversational", status: "live", facts: {} },
      ...{ subject: { kind: "model", model: "acme/chat" }, providerModel: "openai/gpt-oss-120b" },
      price: { price: undefined, isFree: false, source: "nobody", setBy: "test" },
    },
  ]);
  await database.close();
  const sync = ["model", "sync", "--provider", "acme-ai", "--no-hub", "--json"] as const;
  const found = JSON.parse((await cli.run(...sync, "--yes")).printed);
  expect(found.changes).toMatchObject([
    { kind: "changed", model: "acme/chat", price: { before: null, after: { input: "0.15" } } },
  ]);
  configure([]);
  const refused = await cli.run(...sync);
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.printed).providers[0].errors).toEqual([
    expect.stringContaining("not a public one"),
  ]);
});
