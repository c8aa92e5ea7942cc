/** A provider's own wire through Turnpike: fal's queue, as its simulator speaks it. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { type Sim, startSim } from "../../sim/server.js";
import { call, type TestApp, type TestUser, tempFolder, testApp } from "../support/app.js";

let sim: Sim;
let app: TestApp;
let ada: TestUser;
let bob: TestUser;
const data = tempFolder();

const yaml = (): string => `
allow_literal_keys: true
validation: none
providers:
  fal-ai: { base_url: ${sim.url("fal-ai")}, api_key: sim-key }
  replicate: { base_url: ${sim.url("replicate")}, api_key: sim-key }
  together: { base_url: ${sim.url("together")}, api_key: sim-key }
models:
  - id: org/flux
    task: text-to-image
    providers:
      - { provider: fal-ai, provider_model: fal-ai/flux/dev, price: { image: "0.02" } }
      - { provider: replicate, provider_model: black-forest-labs/flux-dev, price: { image: "0.03" } }
  - id: org/whisper
    task: automatic-speech-recognition
    providers:
      - { provider: fal-ai, provider_model: fal-ai/whisper, price: { request: "0.01" } }
  - id: org/chat
    task: conversational
    providers:
      - { provider: together, provider_model: meta-llama/Llama-3.3-70B-Instruct-Turbo, price: { input: "1", output: "1" } }
plans:
  rich: { monthly_credit: "10" }
`;

const start = async (): Promise<TestApp> => testApp({ yaml: yaml(), data: data.path });

beforeAll(async () => {
  sim = startSim();
  app = await start();
  ada = await app.addUser("ada", "rich");
  bob = await app.addUser("bob", "rich");
});
afterEach(() => sim.reset());
afterAll(async () => {
  await app.stop();
  await sim.stop();
  data.remove();
});

const JSON_BODY = { "content-type": "application/json" };
const QUEUE = "?_subdomain=queue";
const IMAGE = 20_000_000n;

async function submit(who: TestUser, body: object = { prompt: "a fox" }): Promise<Json> {
  const path = `/fal-ai/fal-ai/flux/dev${QUEUE}`;
  const answer = await app.answer(call("POST", path, who.token, body, JSON_BODY));
  expect(answer.status).toBe(200);
  return (await answer.json()) as Json;
}

type Json = Readonly<Record<string, unknown>>;

const ask = (who: TestUser, path: string): Promise<Response> =>
  app.answer(call("GET", path, who.token));

const pathOf = ({ request_id }: Json): string => `/fal-ai/flux/requests/${request_id}`;

test("a job is charged once, whoever sees its result and however often, with and without the prefix", async () => {
  const before = await app.left(ada);
  const job = await submit(ada);
  expect(await app.left(ada)).toBe(before - IMAGE);
  for (const prefix of ["/fal-ai", ""]) {
    const status = await ask(ada, `${prefix}${pathOf(job)}/status${QUEUE}`);
    expect(await status.json()).toMatchObject({ status: "COMPLETED" });
    for (let time = 0; time < 2; time++) {
      const result = await ask(ada, `${prefix}${pathOf(job)}${QUEUE}`);
      expect(result.status).toBe(200);
      expect(((await result.json()) as Json).images).toHaveLength(1);
    }
  }
  expect(await app.left(ada)).toBe(before - IMAGE);
  expect(await app.state(ada)).toMatchObject({ held: 0n, openRequests: 0, balanced: true });
});

test("a job of somebody else is none", async () => {
  const job = await submit(ada);
  const answer = await ask(bob, `/fal-ai${pathOf(job)}${QUEUE}`);
  expect(answer.status).toBe(404);
  expect(await answer.text()).not.toContain("images");
  expect((await ask(ada, `/fal-ai${pathOf(job)}${QUEUE}`)).status).toBe(200);
});

test("a job that failed costs nothing", async () => {
  sim.setDials("fal-ai", { job_fail_rate: 1 });
  const before = await app.left(ada);
  const job = await submit(ada);
  await ask(ada, `/fal-ai${pathOf(job)}/status${QUEUE}`);
  await ask(ada, `/fal-ai${pathOf(job)}${QUEUE}`);
  expect(await app.left(ada)).toBe(before);
});

test("a job that was begun before a restart is still its caller's, and settled", async () => {
  const before = await app.left(ada);
  const job = await submit(ada);
  await app.stop();
  app = await start();
  expect((await ask(bob, `/fal-ai${pathOf(job)}${QUEUE}`)).status).toBe(404);
  expect((await ask(ada, `/fal-ai${pathOf(job)}${QUEUE}`)).status).toBe(200);
  expect(await app.left(ada)).toBe(before - IMAGE);
});

test("a job is charged at the price of when it began, also where its offer has changed or is gone since", async () => {
  const { mappings, reloadMappings } = app.site;
  const key = { provider: "fal-ai", task: "text-to-image" as const };
  const offer = (dollars: bigint) => ({
    ...{ ...key, subject: { kind: "model", model: "org/new" } as const },
    ...{ providerModel: "fal-ai/flux/schnell", status: "live" as const, facts: {} },
    price: {
      price: { image: (dollars * 1_000_000_000n * 1_000_000n) as never },
      ...{ isFree: false, source: "a list", setBy: "test" },
    },
  });
  await mappings.put([offer(1n)]);
  await reloadMappings("fal-ai");
  const before = await app.left(ada);
  const submitted = async (): Promise<Json> => {
    const path = `/fal-ai/fal-ai/flux/schnell${QUEUE}`;
    const body = { prompt: "a fox" };
    return (await app.answer(call("POST", path, ada.token, body, JSON_BODY))).json();
  };
  const [changed, removed] = [await submitted(), await submitted()];
  expect(await app.left(ada)).toBe(before - 2_000_000_000n);
  await mappings.put([offer(3n)]);
  await reloadMappings("fal-ai");
  expect((await ask(ada, `/fal-ai${pathOf(changed)}${QUEUE}`)).status).toBe(200);
  expect(await app.left(ada)).toBe(before - 2_000_000_000n);
  const [row] = (await mappings.ofProvider("fal-ai")).filter(
    ({ subject }) => subject.kind === "model" && subject.model === "org/new",
  );
  await mappings.remove(row?.id ?? "");
  // By a process that knows of it from the store alone.
  await app.stop();
  app = await start();
  expect((await ask(ada, `/fal-ai${pathOf(removed)}${QUEUE}`)).status).toBe(200);
  expect(await app.left(ada)).toBe(before - 2_000_000_000n);
  expect(await app.state(ada)).toMatchObject({ held: 0n, openRequests: 0, balanced: true });
});

test("two pictures asked for and delivered are charged as two", async () => {
  const before = await app.left(ada);
  const job = await submit(ada, { prompt: "a fox", num_images: 2 });
  const result = await ask(ada, `/fal-ai${pathOf(job)}${QUEUE}`);
  expect(((await result.json()) as Json).images).toHaveLength(2);
  expect(await app.left(ada)).toBe(before - 2n * IMAGE);
});

const REFUSED: readonly [string, string, string, unknown, number, string][] = [
  ["a model that is not mapped", "POST", "/fal-ai/fal-ai/other", { prompt: "x" }, 400, "not supp"],
  [
    "a route that is none of the task's",
    "GET",
    "/fal-ai/fal-ai/flux/dev",
    undefined,
    404,
    "nothing",
  ],
  ["a way out of the path", "POST", "/fal-ai/fal-ai/flux/..%2F..%2Fkeys", {}, 400, "not supp"],
  [
    "a job that nobody began",
    "GET",
    "/fal-ai/fal-ai/flux/requests/none",
    undefined,
    404,
    "no such",
  ],
  ["an account route", "GET", "/replicate/v1/account", undefined, 404, "nothing"],
  ["a list of everybody's jobs", "GET", "/replicate/v1/predictions", undefined, 404, "nothing"],
  ["a provider that is not there", "POST", "/nobody/v1/x", {}, 404, "nothing"],
];

for (const [name, method, path, body, status, says] of REFUSED) {
  test(`${name} is refused before anything is sent`, async () => {
    const sent = sim.log().length;
    const answer = await app.answer(call(method, path, ada.token, body, JSON_BODY));
    expect([answer.status, (await answer.text()).includes(says)]).toEqual([status, true]);
    expect(sim.log().length).toBe(sent);
  });
}

test("without a token nothing is passed on, and a stranger's is no better", async () => {
  for (const token of [undefined, "hf_tpunknown"]) {
    const path = `/fal-ai/fal-ai/flux/dev${QUEUE}`;
    const answer = await app.answer(call("POST", path, token, { prompt: "x" }, JSON_BODY));
    expect(answer.status).toBe(401);
  }
});

test("a provider's own error comes back as it was, and costs nothing", async () => {
  const before = await app.left(ada);
  const answer = await app.answer(
    call("POST", "/fal-ai/fal-ai/whisper", ada.token, { chunk_level: 3 }, JSON_BODY),
  );
  expect(answer.status).toBe(422);
  expect((await answer.json()) as Json).toHaveProperty("detail");
  expect(await app.left(ada)).toBe(before);
});

test("the operator's trouble with a provider is not shown as the caller's", async () => {
  sim.setDials("fal-ai", { auth: "invalid" });
  const path = `/fal-ai/fal-ai/flux/dev${QUEUE}`;
  const answer = await app.answer(call("POST", path, ada.token, { prompt: "x" }, JSON_BODY));
  expect(answer.status).toBe(502);
  expect(await answer.text()).not.toContain("sim-key");
});

test("credit that does not do refuses a call on a provider's own wire too", async () => {
  const poor = await app.addUser(`poor-${Date.now()}`);
  // Ten cents are enough for five pictures, and not for six.
  const path = `/fal-ai/fal-ai/flux/dev${QUEUE}`;
  const body = { prompt: "x", num_images: 6 };
  const answer = await app.answer(call("POST", path, poor.token, body, JSON_BODY));
  expect(answer.status).toBe(402);
});

test("replicate waits as asked, and its answer is passed on with its price", async () => {
  const before = await app.left(ada);
  const path = "/replicate/v1/models/black-forest-labs/flux-dev/predictions";
  const headers = { ...JSON_BODY, prefer: "wait" };
  const body = { input: { prompt: "a fox" } };
  const answer = await app.answer(call("POST", path, ada.token, body, headers));
  expect(answer.status).toBe(201);
  expect(answer.headers.get("x-turnpike-cost-nano-usd")).toBe("30000000");
  expect(((await answer.json()) as Json).output).toBeDefined();
  expect(await app.left(ada)).toBe(before - 30_000_000n);
});

test("chat on a provider's own route is chat with that provider alone, by its own name for the model", async () => {
  const body = {
    model: "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    messages: [{ role: "user", content: "hi" }],
  };
  const path = "/together/v1/chat/completions";
  const answer = await app.answer(call("POST", path, ada.token, body, JSON_BODY));
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-inference-provider")).toBe("together");
  const other = { ...body, model: "nobody/has-this" };
  const refused = await app.answer(call("POST", path, ada.token, other, JSON_BODY));
  expect(refused.status).toBe(400);
});
