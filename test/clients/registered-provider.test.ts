/** From nothing to a bill: an organization registers its server, and a stranger calls it with the `openai` package. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import OpenAI from "openai";
import { type Sim, startSim } from "../../sim/server.js";
import { listen, type Server } from "../../src/http/server/server.js";
import { MASTER_KEY, type TestApp, type TestUser, testApp, until } from "../support/app.js";
import { conformingProvider, MODEL } from "../support/conforming.js";
import { fakeProvider } from "../support/provider.js";

/** Its address stands for one out in the world. */
const YAML = JSON.stringify({
  registration: { allow_http: true, allow_private_addresses: ["127.0.0.1/32"] },
});
const KEY = "key-of-acme-0123456789";
const SIMULATED = "nscale";

let sim: Sim;
let app: TestApp;
let server: Server;
let people: Readonly<Record<"operator" | "provider" | "caller", TestUser>>;

beforeAll(async () => {
  sim = startSim();
  app = await testApp({ yaml: YAML });
  server = listen(app.site, { host: "127.0.0.1", port: 0, sharesPort: false });
  people = {
    operator: await app.addOwner(),
    provider: await app.addUser("ada"),
    caller: await app.addUser("cyd", "pro"),
  };
  await as("operator", "POST", "/api/turnpike/orgs", {
    ...{ name: "acme", type: "provider", owner: "ada" },
  });
});

afterAll(async () => {
  await server.stop();
  await app.stop();
  await sim.stop();
});

async function as(
  who: keyof typeof people,
  method: string,
  path: string,
  body?: unknown,
): Promise<ReturnType<typeof JSON.parse>> {
  const response = await fetch(`${server.origin}${path}`, {
    method,
    headers: { authorization: `Bearer ${people[who].token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const json = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(json)}`);
  return json;
}

/** What the operator types to take over the prices that the provider lists. */
async function readPrices(): Promise<void> {
  const main = join(import.meta.dir, "..", "..", "src", "cli", "main.ts");
  const where = ["--data", app.data, "--config", join(app.data, "turnpike.yaml")];
  const child = Bun.spawn(
    [
      process.execPath,
      main,
      "model",
      "sync",
      "--provider",
      "acme-ai",
      "--no-hub",
      "--yes",
      ...where,
    ],
    { env: { TURNPIKE_SECRET: MASTER_KEY.toString("hex") }, stdout: "ignore", stderr: "pipe" },
  );
  const complaint = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(complaint);
  await until(() => app.site.gateway.catalog.model("org/chat")?.mappings[0]?.price !== undefined);
}

const PROVIDER = "/api/turnpike/orgs/acme/provider";

/** What the provider's own list says of a model. */
async function listed() {
  const headers = { authorization: `Bearer ${KEY}` };
  const response = await fetch(`${sim.url(SIMULATED)}/v1/models`, { headers });
  const [model] = (await response.json()).data;
  return model;
}

test("a provider registers, passes, maps a model, goes live, is called at its list's price, and has the cost corrected", async () => {
  const base_url = `${sim.url(SIMULATED)}/v1`;
  const { id: providerModel, pricing } = await listed();
  await as("provider", "POST", PROVIDER, {
    ...{ id: "acme-ai", name: "Acme", base_url, key: KEY, request_id_header: "x-request-id" },
    billing_url: `${sim.url(SIMULATED)}/_billing`,
  });
  const { report } = await as("provider", "POST", `${PROVIDER}/conformance`, {
    model: providerModel,
  });
  expect(report.passed).toBe(true);
  const mapping = await as("provider", "POST", "/api/partners/acme-ai/models", {
    ...{ task: "conversational", hfModel: "org/chat", providerModel, status: "live" },
  });
  expect(mapping._id).toMatch(/^[0-9a-f]{24}$/);
  await readPrices();
  const states = [];
  for (const who of ["provider", "operator"] as const) {
    states.push((await as(who, "POST", `${PROVIDER}/promote`)).provider.state);
  }
  expect(states).toEqual(["staging", "live"]);

  // It says later that it cost twice as much.
  sim.setDials(SIMULATED, { billing_factor: 2 });
  const client = new OpenAI({ apiKey: people.caller.token, baseURL: `${server.origin}/v1` });
  const { data, response } = await client.chat.completions
    .create({
      model: "org/chat:acme-ai",
      max_tokens: 40,
      messages: [{ role: "user", content: "Hello [[tokens=20]]" }],
    })
    .withResponse();
  expect(response.headers.get("x-inference-provider")).toBe("acme-ai");
  const { prompt_tokens: input = 0, completion_tokens: output = 0 } = data.usage ?? {};
  const perToken = (dollars: number) => Math.round(dollars * 1_000);
  const cost = BigInt(input * perToken(pricing.input) + output * perToken(pricing.output));
  expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe(String(cost));
  const before = await app.left(people.caller);

  await app.drain();
  await app.askForCosts();
  const row = await bookedFor(response.headers.get("inference-id") ?? "");
  expect(row.cost_nano_usd).toBe(String(2n * cost));
  expect(before - (await app.left(people.caller))).toBe(cost);
  expect((await app.site.ledger.audit()).balanced).toBe(true);
}, 30_000);

/** The request as its caller sees it listed. */
async function bookedFor(id: string) {
  const { requests } = await as("caller", "GET", "/api/turnpike/me/requests");
  return requests.find((each: { inference_id: string }) => each.inference_id === id);
}

test("a provider that fails a check gets no further than its sandbox", async () => {
  await as("operator", "POST", "/api/turnpike/orgs", {
    ...{ name: "sloppy", type: "provider", owner: "ada" },
  });
  const faulty = fakeProvider(
    conformingProvider(KEY, { models: () => Response.json({ data: [] }) }),
  );
  const path = "/api/turnpike/orgs/sloppy/provider";
  try {
    await as("provider", "POST", path, {
      ...{ id: "sloppy-ai", name: "Sloppy", base_url: `${faulty.origin}/v1`, key: KEY },
    });
    const { report } = await as("provider", "POST", `${path}/conformance`, { model: MODEL });
    const failed = report.checks.filter(({ verdict }: { verdict: string }) => verdict === "failed");
    expect(failed).toMatchObject([{ name: "prices", why: expect.stringContaining(MODEL) }]);
    await expect(as("operator", "POST", `${path}/promote`)).rejects.toThrow("has not passed");
  } finally {
    faulty.stop();
  }
});
