/** A provider's own wire where callers mean no good, and jobs that are asked about by many at once or end strangely. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { listen } from "../../src/http/server/server.js";
import { PICTURE } from "../sim/media-support.js";
import { AT_REST, call, type TestApp, type TestUser, testApp } from "../support/app.js";
import { postgres } from "../support/postgres.js";
import { type FakeProvider, fakeProvider, type Received } from "../support/provider.js";
import { rawRequest } from "../support/sockets.js";

const IMAGE = 20_000_000n;
/** More than anybody asks for here. */
const DELIVERED = 3;
const CHEAP = "cheap";
const DEAR = "dear";
const VERSION = "dfdf537ba482b029e0a761699e6f55e9162cfd159270bfe0e44857caa5f275a6";
const KEY = "key-of-the-operator";

let provider: FakeProvider;
let app: TestApp;
let ada: TestUser;
/** What a provider says of a job once it is asked for its result. */
let result: () => Response;

const picturesIn = (count: number) =>
  Response.json({
    images: Array.from({ length: count }, (_, i) => ({ url: `https://x.example/${i}.png` })),
  });

let jobs = 0;

function submitted(): Response {
  const id = `job-${++jobs}`;
  const url = `${provider.origin}/fal-ai/flux/requests/${id}`;
  return Response.json({
    request_id: id,
    response_url: url,
    status_url: `${url}/status`,
    status: "IN_QUEUE",
  });
}

/** Waited for, with its output, and without the time that it took. */
const predicted = (more: object = {}): Response =>
  Response.json({
    ...{ id: "prediction", status: "processing", output: "https://x.example/a.wav" },
    ...{ urls: { get: "https://api.replicate.com/v1/predictions/prediction" }, ...more },
  });

const linked = (): Response => Response.json({ data: [{ url: `${provider.origin}/picture.png` }] });
let picture: () => Response;

function reply({ method, path }: Received): Response {
  if (path.startsWith("/v1/predictions")) return method === "GET" ? result() : predicted();
  if (path === "/v1/images/generations") return linked();
  if (path === "/picture.png") return picture();
  if (path === "/v1/audio/transcriptions") return Response.json({ text: "hello" });
  if (path.startsWith("/v3/async/wan")) return Response.json({ task_id: `task-${++jobs}` });
  if (path.startsWith("/v3/"))
    return Response.json({ task: { status: "TASK_STATUS_QUEUED", task_id: "x" } });
  if (path.endsWith("/status")) return Response.json({ status: "COMPLETED" });
  return method === "POST" ? submitted() : result();
}

const yaml = (): string => {
  const at = { base_url: provider.origin, api_key: KEY };
  const offer = (id: string, model: string, price: object) => ({
    provider: id,
    provider_model: model,
    price,
  });
  const ears = (model: string, price: string) => ({
    id: `org/${model}`,
    task: "automatic-speech-recognition",
    providers: [offer("together", model, { request: price })],
  });
  return JSON.stringify({
    allow_literal_keys: true,
    embedded: { enabled: false },
    providers: { "fal-ai": at, together: at, novita: at, replicate: at },
    models: [
      {
        id: "org/flux",
        task: "text-to-image",
        providers: [offer("fal-ai", "fal-ai/flux/dev", { image: "0.02" })],
      },
      {
        id: "org/film",
        task: "text-to-video",
        providers: [offer("novita", "wan-t2v", { request: "0.01" })],
      },
      {
        id: "org/voice",
        task: "text-to-speech",
        providers: [offer("replicate", `o/voice:${VERSION}`, { compute_second: "0.01" })],
      },
      {
        id: "org/large",
        task: "text-to-image",
        providers: [offer("together", "large", { megapixel: "0.01" })],
      },
      ears(CHEAP, "0.000001"),
      ears(DEAR, "1"),
    ],
    plans: { rich: { monthly_credit: "10" } },
  });
};

beforeAll(async () => {
  provider = fakeProvider(reply);
  app = await testApp({ yaml: yaml() });
  ada = await app.addUser("ada", "rich");
});
beforeEach(() => {
  provider.received.length = 0;
  result = () => picturesIn(DELIVERED);
});
afterAll(async () => {
  await app.stop();
  await provider.stop();
});

const JSON_BODY = { "content-type": "application/json" };
const QUEUE = "?_subdomain=queue";
const APP = "/fal-ai/fal-ai/flux/dev";

type Json = Readonly<Record<string, unknown>>;

async function begin(at: TestApp = app, who: TestUser = ada): Promise<string> {
  const answer = await at.answer(
    call("POST", APP + QUEUE, who.token, { prompt: "a fox" }, JSON_BODY),
  );
  expect(answer.status).toBe(200);
  const { request_id: id } = (await answer.json()) as Json;
  return `/fal-ai/fal-ai/flux/requests/${id}${QUEUE}`;
}

const look = (path: string, at: TestApp = app, who: TestUser = ada): Promise<Response> =>
  at.answer(call("GET", path, who.token));

/** What is left by the store's word and by this process's own, which its answers tell. */
async function leftByBoth(at: TestApp = app, who: TestUser = ada): Promise<readonly bigint[]> {
  const body = { prompt: "a fox" };
  const answer = await at.answer(call("POST", APP + QUEUE, who.token, body, JSON_BODY));
  await answer.body?.cancel();
  const told = BigInt(answer.headers.get("x-turnpike-credits-remaining-nano-usd") ?? -1);
  return [await at.left(who), told];
}

test("a job whose result is seen by many at the same moment is charged once, in the store and in this process", async () => {
  const before = await app.left(ada);
  const job = await begin();
  const seen = await Promise.all(Array.from({ length: 20 }, () => look(job)));
  expect(new Set(seen.map(({ status }) => status))).toEqual(new Set([200]));
  const left = before - BigInt(DELIVERED) * IMAGE;
  expect(await app.left(ada)).toBe(left);
  expect(await app.state(ada)).toEqual(AT_REST);
  // The question itself costs one more.
  expect(await leftByBoth()).toEqual([left - IMAGE, left - IMAGE]);
});

test("jobs that end at the same moment are each charged, in the store and in this process", async () => {
  const before = await app.left(ada);
  const jobs = await Promise.all(Array.from({ length: 10 }, () => begin()));
  await Promise.all(jobs.map((job) => look(job)));
  const left = before - 10n * BigInt(DELIVERED) * IMAGE;
  expect(await app.left(ada)).toBe(left);
  expect(await app.state(ada)).toEqual(AT_REST);
  expect(await leftByBoth()).toEqual([left - IMAGE, left - IMAGE]);
});

const failure = () => Response.json({ detail: "it failed" }, { status: 422 });

for (const [name, first, second, cost] of [
  ["succeeded and then failed", () => picturesIn(DELIVERED), failure, BigInt(DELIVERED) * IMAGE],
  ["failed and then succeeded", failure, () => picturesIn(DELIVERED), 0n],
] as const) {
  test(`a job that ${name} is charged by its first end alone`, async () => {
    const before = await app.left(ada);
    const job = await begin();
    for (const end of [first, second, second]) {
      result = end;
      await (await look(job)).body?.cancel();
    }
    expect(before - (await app.left(ada))).toBe(cost);
    expect(await app.state(ada)).toEqual(AT_REST);
  });
}

const say = (): Promise<Response> =>
  app.answer(
    call(
      "POST",
      "/replicate/v1/predictions",
      ada.token,
      { version: VERSION, input: {} },
      JSON_BODY,
    ),
  );

test("a result that came without its time is charged by the time that the provider tells when asked once more", async () => {
  const before = await app.left(ada);
  result = () => predicted({ status: "succeeded", metrics: { predict_time: 1.5 } });
  const answer = await say();
  expect(((await answer.json()) as Json).status).toBe("processing");
  expect(before - (await app.left(ada))).toBe(15_000_000n);
  expect((await look("/replicate/v1/predictions/prediction")).status).toBe(200);
  expect(before - (await app.left(ada))).toBe(15_000_000n);
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("a result is the caller's though the provider does not say what it cost", async () => {
  result = () => new Response("", { status: 500 });
  const answer = await say();
  expect([answer.status, ((await answer.json()) as Json).output]).toEqual([
    200,
    "https://x.example/a.wav",
  ]);
  expect(await app.state(ada)).toEqual(AT_REST);
});

for (const [name, shown, pixels] of [
  ["by the size that it has", () => new Response(PICTURE), 640n * 480n],
  [
    "as what it was asked for, where it is not to be had",
    () => new Response("", { status: 404 }),
    512n * 512n,
  ],
] as const) {
  test(`a picture that is only linked to is charged ${name}`, async () => {
    const before = await app.left(ada);
    picture = shown;
    const body = { model: "large", prompt: "a fox", width: 512, height: 512 };
    const path = "/together/v1/images/generations";
    const answer = await app.answer(call("POST", path, ada.token, body, JSON_BODY));
    expect(await answer.json()).toEqual({ data: [{ url: `${provider.origin}/picture.png` }] });
    expect(before - (await app.left(ada))).toBe(pixels * 10n);
    const fetched = provider.received.find((one) => one.path === "/picture.png");
    expect(JSON.stringify(fetched?.headers)).not.toContain(KEY);
  });
}

test("at OpenAI's route a link is looked behind too, and stays a link", async () => {
  const before = await app.left(ada);
  picture = () => new Response(PICTURE);
  const body = { model: "org/large", prompt: "a fox", response_format: "url" };
  const answer = await app.answer(
    call("POST", "/v1/images/generations", ada.token, body, JSON_BODY),
  );
  expect(await answer.json()).toMatchObject({ data: [{ url: `${provider.origin}/picture.png` }] });
  expect(before - (await app.left(ada))).toBe(640n * 480n * 10n);
});

test("a job whose result two processes on one store see is charged once", async () => {
  const env = { DATABASE_URL: await (await postgres()).freshDatabase() };
  const one = await testApp({ yaml: yaml(), env });
  const other = await testApp({ yaml: yaml(), env });
  const bob = await one.addUser("bob", "rich");
  const before = await one.left(bob);
  const job = await begin(one, bob);
  await one.drain();
  const seen = await Promise.all([one, other, one, other].map((each) => look(job, each, bob)));
  expect(seen.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  await other.drain();
  expect(before - (await one.left(bob))).toBe(BigInt(DELIVERED) * IMAGE);
  for (const each of [one, other]) expect(await each.state(bob)).toEqual(AT_REST);
  await one.stop();
  await other.stop();
}, 30_000);

test("of a caller's headers none but those about the answer's form reach the provider", async () => {
  const tricks = {
    ...JSON_BODY,
    accept: "application/json",
    "x-forwarded-for": "10.0.0.1",
    "x-forwarded-host": "evil.example",
    forwarded: "for=10.0.0.1",
    host: "evil.example",
    "xi-api-key": "mine",
    "x-api-key": "mine",
    "x-key": "mine",
    "x-fal-target-url": "https://evil.example/",
    "x-fal-queue-priority": "high",
    "x-fal-store-io": "0",
    cookie: "a=b",
    connection: "x-api-key",
    "user-agent": "evil",
  };
  const answer = await app.answer(call("POST", APP, ada.token, { prompt: "a fox" }, tricks));
  await answer.body?.cancel();
  const [received] = provider.received;
  expect(received?.headers).toEqual({
    ...{ accept: "application/json", "accept-encoding": "identity", "user-agent": "turnpike" },
    ...{ authorization: `Key ${KEY}`, "content-type": "application/json" },
    ...{ host: new URL(provider.origin).host, "content-length": expect.any(String) },
    "x-turnpike-request-id": answer.headers.get("inference-id") ?? "",
  });
});

test("a token is one behind each provider's own scheme, and a stranger's behind none", async () => {
  const ask = async (authorization: string) => {
    const headers = { ...JSON_BODY, authorization };
    const answer = await app.answer(call("POST", APP, undefined, { prompt: "a fox" }, headers));
    await answer.body?.cancel();
    return answer.status;
  };
  for (const scheme of ["Bearer", "Key", "Token", "key"]) {
    expect([scheme, await ask(`${scheme} ${ada.token}`)]).toEqual([scheme, 200]);
    expect([scheme, await ask(`${scheme} hf_tpunknown`)]).toEqual([scheme, 401]);
  }
  for (const header of [
    ada.token,
    `Basic ${ada.token}`,
    "Key",
    "Key ",
    `Key x:${ada.token}`,
    `KeyBearer ${ada.token}`,
  ]) {
    expect([header, await ask(header)]).toEqual([header, 401]);
  }
});

const target = (url: string) => ({ ...JSON_BODY, "x-fal-target-url": url });
const FORM = { "content-type": "multipart/form-data; boundary=b" };
const part = (name: string, text: string) =>
  `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`;
const TRANSCRIPTIONS = "/together/v1/audio/transcriptions";

const REFUSED: readonly {
  readonly name: string;
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status?: number;
}[] = [
  { name: "a host that the provider has not", path: `${APP}?_subdomain=evil` },
  { name: "a host that every object has", path: `${APP}?_subdomain=constructor` },
  {
    name: "another server as target",
    path: "/fal-ai",
    headers: target("https://evil.example/fal-ai/flux/dev"),
  },
  {
    name: "a target that looks like fal's",
    path: "/fal-ai",
    headers: target("https://fal.run.evil.example/fal-ai/flux/dev"),
  },
  {
    name: "a target with fal for a name",
    path: "/fal-ai",
    headers: target("https://fal.run@evil.example/fal-ai/flux/dev"),
  },
  {
    name: "a target of another scheme",
    path: "/fal-ai",
    headers: target("http://fal.run/fal-ai/flux/dev"),
  },
  { name: "a target that is no URL", path: "/fal-ai", headers: target("fal-ai/flux/dev") },
  {
    name: "a model of the target's that is not mapped",
    path: "/fal-ai",
    headers: target("https://fal.run/fal-ai/other"),
  },
  {
    name: "a way out of the target's path",
    path: "/fal-ai",
    headers: target("https://fal.run/fal-ai/flux/%2e%2e/other"),
  },
  { name: "no target", path: "/fal-ai", status: 404 },
  {
    name: "a target for a provider that knows none",
    path: "/together",
    headers: target("https://fal.run/fal-ai/flux/dev"),
    status: 404,
  },
  {
    name: "a job behind a slash in disguise",
    method: "GET",
    path: "/fal-ai/fal-ai/flux/requests/a%2Fb",
    status: 404,
  },
  {
    name: "a way up in disguise",
    method: "GET",
    path: "/fal-ai/fal-ai/%2E%2e/requests/a",
    status: 404,
  },
  {
    name: "a job's id of 100,000 letters",
    method: "GET",
    path: `/fal-ai/fal-ai/flux/requests/${"a".repeat(100_000)}`,
    status: 404,
  },
  {
    name: "JSON that is none",
    path: APP,
    body: "prompt=a+fox",
    headers: { "content-type": "application/x-www-form-urlencoded" },
  },
  {
    name: "bytes of a sound",
    path: APP,
    body: "RIFF0000WAVE",
    headers: { "content-type": "audio/wav" },
  },
  {
    name: "a form without a model",
    path: TRANSCRIPTIONS,
    body: `${part("language", "en")}--b--\r\n`,
    headers: FORM,
  },
  {
    name: "a form with two models",
    path: TRANSCRIPTIONS,
    body: `${part("model", DEAR)}${part("model", CHEAP)}--b--\r\n`,
    headers: FORM,
  },
  { name: "a form that is none", path: TRANSCRIPTIONS, body: "--c", headers: FORM },
  {
    name: "JSON with two models",
    path: TRANSCRIPTIONS,
    body: `{"model":"${DEAR}","model":"${CHEAP}"}`,
  },
];

for (const {
  name,
  method = "POST",
  path,
  body = { prompt: "x" },
  headers = JSON_BODY,
  status = 400,
} of REFUSED) {
  test(`${name} is refused before anything is sent`, async () => {
    const before = await app.left(ada);
    const answer = await app.answer(
      call(method, path, ada.token, method === "GET" ? undefined : body, headers),
    );
    const text = await answer.text();
    expect([answer.status, text.length < 1_000]).toEqual([status, true]);
    expect(provider.received).toEqual([]);
    expect(await app.left(ada)).toBe(before);
    expect(await app.state(ada)).toEqual(AT_REST);
  });
}

test("JSON under another name is sent as what it was read as", async () => {
  const body = JSON.stringify({ model: CHEAP, x: `&model=${DEAR}&` });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const answer = await app.answer(call("POST", TRANSCRIPTIONS, ada.token, body, headers));
  expect(answer.status).toBe(200);
  expect(provider.received[0]?.headers["content-type"]).toBe("application/json");
});

test("a job named twice in a query is none", async () => {
  const begun = await app.answer(
    call("POST", "/novita/v3/async/wan-t2v", ada.token, { prompt: "x" }, JSON_BODY),
  );
  const { task_id: id } = (await begun.json()) as Json;
  const path = "/novita/v3/async/task-result?task_id=";
  expect((await look(`${path}${id}`)).status).toBe(200);
  provider.received.length = 0;
  expect((await look(`${path}${id}&task_id=other`)).status).toBe(400);
  expect(provider.received).toEqual([]);
});

test("a body framed twice over is nobody's, and nothing of it is sent on as a request of its own", async () => {
  const server = listen(app.site, { host: "127.0.0.1", port: 0, sharesPort: false });
  const hidden = "GET /fal-ai/fal-ai/flux/requests/none HTTP/1.1\r\nhost: x\r\n\r\n";
  const head = `POST ${APP} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ada.token}\r\ncontent-type: application/json\r\n`;
  for (const framing of [
    "content-length: 4\r\ntransfer-encoding: chunked\r\n",
    "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
    "transfer-encoding: chunked, identity\r\n",
    "content-length: 2\r\ncontent-length: 40\r\n",
  ]) {
    const answer = await rawRequest(server.origin, `${head}${framing}\r\n0\r\n\r\n${hidden}`);
    expect([framing, /^HTTP\/1\.1 200/.test(answer)]).toEqual([framing, false]);
  }
  expect(provider.received).toEqual([]);
  await server.stop();
});
