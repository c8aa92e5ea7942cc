/** Rate limits as callers meet them: what is counted, what is refused, and what every answer says of it. */
import { afterEach, expect, test } from "bun:test";
import { type Sim, startSim } from "../../sim/server.js";
import { call, chat, type TestApp, type TestUser, testApp, until } from "../support/app.js";
import { manualClock, runningClock } from "../support/clock.js";
import {
  chunk,
  DONE,
  fakeProvider,
  plainAnswer,
  type Received,
  type Reply,
  streamed,
  usageChunk,
  yamlFor,
} from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

/** 37 s into a minute. */
const START = Date.UTC(2026, 0, 15, 12, 0, 37);
const FREE = { monthly_credit: "1.00" };
const ASK = { model: "org/model", messages: [{ role: "user", content: "hi" }], max_tokens: 20 };

async function start(
  plan: Readonly<Record<string, unknown>> = {},
  reply: (received: Received) => Reply = () => plainAnswer(),
) {
  const time = manualClock(START);
  const provider = fakeProvider(reply);
  cleanUps.push(provider.stop);
  const plans = { free: { ...FREE, ...plan }, team: { monthly_credit_per_seat: "5.00" } };
  const yaml = yamlFor({ local: provider.origin }, undefined, { plans });
  const app = await testApp({ yaml, clock: time.clock });
  cleanUps.push(app.stop);
  const owner = await app.addOwner();
  const ada = await app.addUser("ada");
  return { app, owner, ada, provider, ...time };
}

const ask = (app: TestApp, token: string, body = {}, headers = {}, signal?: AbortSignal) =>
  app.answer(chat(token, { ...ASK, ...body }, headers, signal));

async function json(app: TestApp, method: string, path: string, token: string, body?: unknown) {
  const response = await app.answer(call(method, path, token, body));
  return { status: response.status, body: await response.json() };
}

const limited = async (app: TestApp, { token }: TestUser, limits: object): Promise<string> => {
  const wanted = { name: "limited", ...limits };
  const { body } = await json(app, "POST", "/api/turnpike/me/tokens", token, wanted);
  return body.token.token;
};

const setUser = (app: TestApp, owner: TestUser, name: string, limits: object) =>
  json(app, "PATCH", `/api/turnpike/admin/users/${name}`, owner.token, limits);

/** A provider whose answers wait until they are let go. */
function held() {
  const waiting: (() => void)[] = [];
  const reply = async (): Promise<Response> => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return plainAnswer();
  };
  /** Resolves when so many wait; on a busy machine that takes a while. */
  const arrived = async (count: number): Promise<void> => {
    for (let tries = 0; waiting.length < count; tries++) {
      if (tries === 1_000) throw new Error(`${waiting.length} of ${count} requests arrived`);
      await Bun.sleep(5);
    }
  };
  const letGo = () => waiting.splice(0).forEach((go) => void go());
  return { arrived, reply, letGo };
}

/** What an answer's headers say is left of a kind. */
function leftIn({ headers }: Response, kind: "requests" | "tokens"): number {
  const found = new RegExp(`"${kind}";r=(\\d+)`).exec(headers.get("ratelimit") ?? "");
  return Number(found?.[1] ?? Number.NaN);
}

test("a caller without limits hears nothing of any", async () => {
  const { app, ada } = await start();
  const answer = await ask(app, ada.token);
  expect(answer.status).toBe(200);
  expect([...answer.headers.keys()].filter((name) => name.includes("ratelimit"))).toEqual([]);
  const { body } = await json(app, "GET", "/api/turnpike/me/limits", ada.token);
  expect(body).toEqual({ limits: [] });
});

test("a plan's requests a minute hold for each of its users, and come back with the minute", async () => {
  const { app, ada, advance } = await start({ requests_per_minute: 3 });
  const bob = await app.addUser("bob");
  for (const left of [2, 1, 0]) {
    const answer = await ask(app, ada.token);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("ratelimit-policy")).toBe('"requests";q=3;w=60');
    expect(answer.headers.get("ratelimit")).toBe(`"requests";r=${left};t=23`);
  }
  const refused = await ask(app, ada.token);
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("23");
  expect(refused.headers.get("ratelimit")).toBe('"requests";r=0;t=23');
  expect(refused.headers.get("x-ratelimit-limit-requests")).toBe("3");
  expect(refused.headers.get("x-ratelimit-remaining-requests")).toBe("0");
  expect(refused.headers.get("x-ratelimit-reset-requests")).toBe("23s");
  expect((await refused.json()).error).toMatchObject({
    code: "rate_limited",
    type: "rate_limit_error",
    message: "The limit of 3 requests a minute for the plan free is reached. Try again in 23 s.",
    limited_by: "turnpike",
    bucket: "plan",
    bucket_name: "free",
    rate: "requests_per_minute",
    limit: 3,
    needed: 1,
    available: 0,
    resets_at: "2026-01-15T12:01:00.000Z",
  });
  expect((await ask(app, bob.token)).status).toBe(200);
  advance(22_999);
  expect((await ask(app, ada.token)).headers.get("retry-after")).toBe("1");
  advance(1);
  expect((await ask(app, ada.token)).headers.get("ratelimit")).toBe('"requests";r=2;t=60');
});

test("of all limits that hold, the one without room refuses, and is named", async () => {
  const { app, owner, ada } = await start({ requests_per_minute: 5 });
  const token = await limited(app, ada, { requests_per_minute: 2 });
  await setUser(app, owner, "ada", { requests_per_minute: 3 });
  const seen = async (by: string) => {
    const answer = await ask(app, by);
    return answer.status === 200 ? 200 : (await answer.json()).error.bucket;
  };
  expect([await seen(token), await seen(token), await seen(token)]).toEqual([200, 200, "token"]);
  expect([await seen(ada.token), await seen(ada.token)]).toEqual([200, "user"]);
  await setUser(app, owner, "ada", { requests_per_minute: null });
  expect([await seen(ada.token), await seen(ada.token)]).toEqual([200, 200]);
  expect(await seen(ada.token)).toBe("plan");
});

test("what a limit refuses counts nowhere, and reaches no provider", async () => {
  const { app, ada, provider } = await start({ requests_per_minute: 4 });
  const token = await limited(app, ada, { requests_per_minute: 1 });
  const statuses = [];
  for (let i = 0; i < 5; i++) statuses.push((await ask(app, token)).status);
  expect(statuses).toEqual([200, 429, 429, 429, 429]);
  expect((await ask(app, ada.token)).headers.get("ratelimit")).toBe('"requests";r=2;t=23');
  expect(provider.received).toHaveLength(2);
});

test("a request counts once it is admitted, also when it fails; malformed ones do not", async () => {
  const { app, ada } = await start({ requests_per_minute: 10 }, () =>
    Response.json({ error: "no" }, { status: 500 }),
  );
  expect((await ask(app, ada.token, { model: "no/such" })).status).toBe(404);
  expect((await ask(app, ada.token)).status).toBe(502);
  expect((await ask(app, ada.token, { messages: 7 })).status).toBe(400);
  const { body } = await json(app, "GET", "/api/turnpike/me/limits", ada.token);
  expect(body.limits).toEqual([
    {
      bucket: "plan",
      bucket_name: "free",
      rate: "requests_per_minute",
      limit: 10,
      left: 8,
      resets_at: "2026-01-15T12:01:00.000Z",
    },
  ]);
});

test("tokens are held for as many as may be used, and counted as many as were", async () => {
  const { arrived, reply, letGo } = held();
  const { app, ada } = await start({ tokens_per_minute: 300 }, reply);
  const first = ask(app, ada.token, { max_tokens: 150 });
  await arrived(1);
  const refused = await ask(app, ada.token, { max_tokens: 150 });
  expect(refused.status).toBe(429);
  expect((await refused.json()).error).toMatchObject({
    bucket: "plan",
    rate: "tokens_per_minute",
    limit: 300,
  });
  letGo();
  const answer = await first;
  expect(leftIn(answer, "tokens")).toBe(285);
  expect(answer.headers.get("ratelimit-policy")).toBe('"tokens";q=300;w=60;qu="tokens"');
  const second = ask(app, ada.token, { max_tokens: 250 });
  await arrived(1);
  letGo();
  expect(leftIn(await second, "tokens")).toBe(270);
});

test("what is left of large limits is told in four digits, never as more than it is, and the limits once a minute", async () => {
  const limits = { tokens_per_minute: 1_234_567, requests_per_minute: 10_002 };
  const { app, ada, advance } = await start(limits);
  const policy = '"requests";q=10002;w=60, "tokens";q=1234567;w=60;qu="tokens"';
  const told = async () => {
    const { headers } = await ask(app, ada.token);
    return [headers.get("ratelimit-policy"), headers.get("ratelimit")];
  };
  const left = (requests: number, t: number) =>
    `"requests";r=${requests};t=${t}, "tokens";r=1234000;t=${t}`;
  expect(await told()).toEqual([policy, left(10_000, 23)]);
  expect(await told()).toEqual([null, left(10_000, 23)]);
  // From here on each request tells, and so does each answer.
  expect(await told()).toEqual([policy, left(9_999, 23)]);
  expect(await told()).toEqual([policy, left(9_998, 23)]);
  advance(23_000);
  expect(await told()).toEqual([policy, left(10_000, 60)]);
  expect(await told()).toEqual([null, left(10_000, 60)]);
});

test("an answer that outlasts its minute says nothing of the next one, of which nobody asked yet", async () => {
  const { arrived, reply, letGo } = held();
  const { app, ada, advance } = await start({ requests_per_minute: 3 }, reply);
  const told = async (answer: Promise<Response>) => {
    const { headers } = await answer;
    return [headers.get("ratelimit-policy"), headers.get("ratelimit")];
  };
  const slow = ask(app, ada.token);
  await arrived(1);
  advance(30_000);
  letGo();
  expect(await told(slow)).toEqual(['"requests";q=3;w=60', null]);
  const next = ask(app, ada.token);
  await arrived(1);
  letGo();
  expect(await told(next)).toEqual(['"requests";q=3;w=60', '"requests";r=2;t=53']);
});

test("a refusal says what is left to the last digit", async () => {
  const { app, ada } = await start({ tokens_per_minute: 12_348, requests_per_minute: 100 });
  expect((await ask(app, ada.token)).status).toBe(200);
  const refused = await ask(app, ada.token, { max_tokens: 12_340 });
  expect(refused.status).toBe(429);
  expect(refused.headers.get("ratelimit")).toBe('"requests";r=99;t=23, "tokens";r=12333;t=23');
  expect(refused.headers.get("x-ratelimit-remaining-tokens")).toBe("12333");
  expect((await refused.json()).error.available).toBe(12_333);
});

test("a text that no minute has room for is refused without a time to come back", async () => {
  const { app, ada, provider } = await start({ tokens_per_minute: 100 });
  const words = "seven words are in this one sentence ".repeat(60);
  const refused = await ask(app, ada.token, { messages: [{ role: "user", content: words }] });
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe(null);
  expect((await refused.json()).error).toMatchObject({ limit: 100, resets_at: null });
  expect(provider.received).toEqual([]);
  const whole = await ask(app, ada.token, { max_tokens: 5_000 });
  expect(whole.status).toBe(200);
  expect(leftIn(whole, "tokens")).toBe(85);
});

test("no more requests at once than allowed reach the provider, and each end makes room", async () => {
  const { arrived, reply, letGo } = held();
  const { app, ada } = await start({ concurrent_requests: 2 }, reply);
  const running = [ask(app, ada.token), ask(app, ada.token)];
  await arrived(2);
  const refused = await ask(app, ada.token);
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(refused.headers.get("ratelimit-policy")).toBe('"concurrent";q=2;qu="concurrent-requests"');
  expect(refused.headers.get("ratelimit")).toBe('"concurrent";r=0');
  expect((await refused.json()).error).toMatchObject({
    rate: "concurrent_requests",
    limit: 2,
    resets_at: null,
  });
  letGo();
  for (const one of running) expect((await one).status).toBe(200);
  const next = ask(app, ada.token);
  await arrived(1);
  letGo();
  const { headers } = await next;
  expect(headers.get("ratelimit-policy")).toBe('"concurrent";q=2;qu="concurrent-requests"');
  expect(headers.get("ratelimit")).toBe(null);
});

test("a stream keeps its place until it ends, however it ends", async () => {
  const gates: PromiseWithResolvers<void>[] = [];
  const reply = () => {
    const gate = Promise.withResolvers<void>();
    // The third one breaks off.
    if (gates.push(gate) === 3) return streamed([chunk("Hel")]);
    return streamed([
      chunk("Hel"),
      () => gate.promise,
      chunk("lo", "stop"),
      usageChunk(9, 2),
      DONE,
    ]);
  };
  const { app, ada } = await start({ concurrent_requests: 1, tokens_per_minute: 1_000 }, reply);
  const stream = { stream: true, max_tokens: 100 };
  const left = async (rate: string) => {
    const { body } = await json(app, "GET", "/api/turnpike/me/limits", ada.token);
    return body.limits.find((limit: { rate: string }) => limit.rate === rate).left;
  };
  const first = await ask(app, ada.token, stream);
  expect(first.headers.get("ratelimit-policy")).toContain('"tokens";q=1000;w=60;qu="tokens"');
  const text = first.text();
  expect(await left("concurrent_requests")).toBe(0);
  expect((await ask(app, ada.token, stream)).status).toBe(429);
  gates[0]?.resolve();
  expect(await text).toContain("[DONE]");
  expect(await left("concurrent_requests")).toBe(1);
  expect(await left("tokens_per_minute")).toBe(989);

  const hangUp = new AbortController();
  const second = await ask(app, ada.token, stream, {}, hangUp.signal);
  const reader = second.body?.getReader();
  await reader?.read();
  expect(await left("concurrent_requests")).toBe(0);
  hangUp.abort();
  await until(async () => (await left("concurrent_requests")) === 1);
  const third = await ask(app, ada.token, stream);
  expect(await third.text()).toContain("broke");
  expect(await left("concurrent_requests")).toBe(1);
  expect(await left("tokens_per_minute")).toBeGreaterThan(900);
});

test("a caller who hangs up before the answer frees the place", async () => {
  const { arrived, reply, letGo } = held();
  const { app, ada } = await start({ concurrent_requests: 1 }, reply);
  const hangUp = new AbortController();
  const gone = ask(app, ada.token, {}, {}, hangUp.signal).catch(() => undefined);
  await arrived(1);
  hangUp.abort();
  await gone;
  const next = ask(app, ada.token);
  await arrived(2);
  letGo();
  expect((await next).status).toBe(200);
});

test("a request that is refused for money keeps no place and no tokens", async () => {
  const { app, ada } = await start({
    monthly_credit: "0.00",
    concurrent_requests: 1,
    tokens_per_minute: 500,
  });
  for (let i = 0; i < 3; i++) expect((await ask(app, ada.token)).status).toBe(402);
  const { body } = await json(app, "GET", "/api/turnpike/me/limits", ada.token);
  expect(body.limits.map(({ left }: { left: number }) => left)).toEqual([500, 1]);
});

test("an organization's limits hold for all who bill to it, and a member's for one", async () => {
  const { app, owner, ada } = await start();
  const bob = await app.addUser("bob");
  const orgs = "/api/turnpike/orgs";
  await json(app, "POST", orgs, owner.token, { name: "acme", plan: "team", seats: 3 });
  for (const user of ["ada", "bob"]) {
    await json(app, "POST", `${orgs}/acme/members`, owner.token, { user });
  }
  const { status, body } = await json(app, "PUT", `${orgs}/acme/limits`, owner.token, {
    requests_per_minute: 3,
    member_rates: { ada: { requests_per_minute: 1, concurrent_requests: 5 } },
  });
  expect(status).toBe(200);
  expect(body).toMatchObject({ requests_per_minute: 3, tokens_per_minute: null });
  expect(body.members.find(({ user }: { user: string }) => user === "ada")).toMatchObject({
    requests_per_minute: 1,
    tokens_per_minute: null,
    concurrent_requests: 5,
  });
  const bill = { "x-hf-bill-to": "acme" };
  const seen = async ({ token }: TestUser, headers = {}) => {
    const answer = await ask(app, token, {}, headers);
    return answer.status === 200 ? 200 : (await answer.json()).error.bucket;
  };
  expect([await seen(ada, bill), await seen(ada, bill)]).toEqual([200, "member"]);
  expect([await seen(bob, bill), await seen(bob, bill)]).toEqual([200, 200]);
  expect(await seen(bob, bill)).toBe("org");
  expect([await seen(ada), await seen(bob)]).toEqual([200, 200]);
  await json(app, "PUT", `${orgs}/acme/limits`, owner.token, { requests_per_minute: null });
  expect([await seen(bob, bill), await seen(ada, bill)]).toEqual([200, "member"]);
});

test("a limit on requests at once that is lowered holds for whoever asks next", async () => {
  const { arrived, reply, letGo } = held();
  const { app, owner, ada, advance } = await start({}, reply);
  await setUser(app, owner, "ada", { concurrent_requests: 4 });
  const running = [1, 2, 3].map(() => ask(app, ada.token));
  await arrived(3);
  await setUser(app, owner, "ada", { concurrent_requests: 2 });
  expect((await ask(app, ada.token)).status).toBe(429);
  letGo();
  await Promise.all(running);
  // A refusal stands for a tenth of a second.
  advance(100);
  const next = [1, 2].map(() => ask(app, ada.token));
  await arrived(2);
  expect((await ask(app, ada.token)).status).toBe(429);
  letGo();
  for (const one of next) expect((await one).status).toBe(200);
});

test("every door counts one for each request, and questions about a job or the account none", async () => {
  const sim = startSim();
  cleanUps.push(sim.stop);
  const app = await testApp({ yaml: everyDoor(sim), clock: runningClock(START).clock });
  cleanUps.push(app.stop);
  const { token } = await app.addUser("ada");
  const send = (method: string, path: string, body?: object) =>
    app.answer(call(method, path, token, body, { "content-type": "application/json" }));
  const messages = ASK.messages;
  const queue = "?_subdomain=queue";
  const job = await send("POST", `/fal-ai/fal-ai/flux/dev${queue}`, { prompt: "a fox" });
  expect(leftIn(job, "requests")).toBe(99);
  const { request_id } = await job.json();
  const counted: readonly [string, object][] = [
    ["/v1/chat/completions", { model: "org/chat", messages }],
    ["/v1/images/generations", { model: "org/flux", prompt: "a fox" }],
    ["/models/org/flux", { inputs: "a fox" }],
    ["/together/v1/chat/completions", { model: "meta/chat", messages }],
  ];
  for (const [i, [path, body]] of counted.entries()) {
    const answer = await send("POST", path, body);
    expect([path, answer.status]).toEqual([path, 200]);
    expect(leftIn(answer, "requests")).toBe(98 - i);
  }
  for (const path of [
    `/fal-ai/fal-ai/flux/requests/${request_id}/status${queue}`,
    `/fal-ai/fal-ai/flux/requests/${request_id}${queue}`,
    "/v1/models",
    "/api/turnpike/me",
    "/api/turnpike/me/credits",
  ]) {
    const answer = await send("GET", path);
    expect([path, answer.status]).toEqual([path, 200]);
    expect(answer.headers.get("ratelimit")).toBe(null);
  }
  const limits = await json(app, "GET", "/api/turnpike/me/limits", token);
  expect(limits.body.limits.map(({ left }: { left: number }) => left)).toEqual([95, 1]);
});

const everyDoor = (sim: Sim): string =>
  JSON.stringify({
    allow_literal_keys: true,
    providers: {
      "fal-ai": { base_url: sim.url("fal-ai"), api_key: "sim-key" },
      together: { base_url: sim.url("together"), api_key: "sim-key" },
    },
    models: [
      {
        id: "org/flux",
        task: "text-to-image",
        providers: [
          { provider: "fal-ai", provider_model: "fal-ai/flux/dev", price: { image: "0.02" } },
        ],
      },
      {
        id: "org/chat",
        task: "conversational",
        providers: [
          { provider: "together", provider_model: "meta/chat", price: { input: "1", output: "1" } },
        ],
      },
    ],
    plans: { free: { monthly_credit: "10.00", requests_per_minute: 100, concurrent_requests: 1 } },
  });

test("a request that nobody serves keeps no place and no tokens", async () => {
  const answers = [500, 400, 200];
  const { app, ada } = await start(
    { concurrent_requests: 1, tokens_per_minute: 500 },
    () => new Response("no JSON", { status: answers.shift() ?? 500 }),
  );
  const statuses: number[] = [];
  for (const model of ["org/model", "org/model", "org/model", "org/unknown"]) {
    statuses.push((await ask(app, ada.token, { model })).status);
  }
  expect(statuses).toEqual([502, 400, 502, 404]);
  const { body } = await json(app, "GET", "/api/turnpike/me/limits", ada.token);
  expect(body.limits.map(({ left }: { left: number }) => left)).toEqual([500, 1]);
});

test("limits that make no sense are refused by name", async () => {
  const { app, owner, ada } = await start();
  const table = [0, -1, 1.5, 1_000_000_001, "5", true];
  for (const value of table) {
    for (const field of ["requests_per_minute", "tokens_per_minute", "concurrent_requests"]) {
      const wanted = { name: "x", [field]: value };
      const own = await json(app, "POST", "/api/turnpike/me/tokens", ada.token, wanted);
      expect([own.status, own.body.error.param]).toEqual([400, field]);
      const set = await setUser(app, owner, "ada", { [field]: value });
      expect([set.status, set.body.error.param]).toEqual([400, field]);
    }
  }
  expect((await setUser(app, owner, "ada", {})).status).toBe(400);
  expect((await setUser(app, ada, "ada", { requests_per_minute: 9 })).status).toBe(403);
});

test("a token with a limit cannot make one without", async () => {
  const { app, ada } = await start();
  const token = await limited(app, ada, { requests_per_minute: 5, scopes: ["read", "write"] });
  const { status, body } = await json(app, "POST", "/api/turnpike/me/tokens", token, {
    name: "free",
  });
  expect([status, body.error.code]).toEqual([403, "forbidden"]);
  const me = await json(app, "GET", "/api/turnpike/me", token);
  expect(me.body.token).toMatchObject({ requests_per_minute: 5, tokens_per_minute: null });
});
