/** Jobs on a provider's own wire that nobody looks after: we do. */
import { afterEach, expect, test } from "bun:test";
import { type Clock, systemClock } from "../../src/kernel/clock.js";
import { AT_REST, call, type TestApp, type TestUser, tempFolder, testApp } from "../support/app.js";
import { fakeProvider, type Received, streamed } from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const IMAGE = 20_000_000n;
const MINUTE = 60_000;
const JSON_BODY = { "content-type": "application/json" };
const QUEUE = "?_subdomain=queue";

const picturesIn = (count: number): Response =>
  Response.json({
    images: Array.from({ length: count }, (_, i) => ({ url: `https://x.example/${i}.png` })),
  });

/** A provider of jobs that says of them what a test says, and a clock that goes on when told. */
async function start() {
  let later = 0;
  const clock: Clock = { ...systemClock, now: () => Date.now() + later };
  const said = {
    status: () => Response.json({ status: "IN_PROGRESS" }, { status: 202 }),
    result: () => Response.json({ detail: "Request is still in progress" }, { status: 400 }),
    cancel: () => Response.json({ status: "CANCELLATION_REQUESTED" }, { status: 202 }),
    prediction: () => Response.json({}),
  };
  const reply = ({ method, path }: Received): Response => {
    if (path.startsWith("/v1/")) return said.prediction();
    if (method === "PUT") return said.cancel();
    if (method === "POST") return submitted();
    return path.endsWith("/status") ? said.status() : said.result();
  };
  const provider = fakeProvider(reply);
  cleanUps.push(provider.stop);
  let count = 0;
  const submitted = (): Response => {
    const url = `${provider.origin}/fal-ai/flux/requests/job-${++count}`;
    const more = { response_url: url, status_url: `${url}/status`, status: "IN_QUEUE" };
    return Response.json({ request_id: `job-${count}`, ...more });
  };
  const data = tempFolder();
  cleanUps.push(data.remove);
  const at = { base_url: provider.origin, api_key: "key-of-the-operator" };
  const offer = (id: string, model: string) => ({
    ...{ provider: id, provider_model: model, price: { image: "0.02" } },
  });
  const models = [
    {
      ...{ id: "org/flux", task: "text-to-image" },
      providers: [offer("fal-ai", "fal-ai/flux/dev"), offer("replicate", "org/flux")],
    },
  ];
  const slow = {
    ...{ id: "org/slow", task: "text-to-image" },
    providers: [{ ...offer("replicate", "org/slow"), price: { compute_second: "0.01" } }],
  };
  const plans = { rich: { monthly_credit: "10" } };
  const yaml = JSON.stringify({
    ...{ allow_literal_keys: true, embedded: { enabled: false } },
    ...{ providers: { "fal-ai": at, replicate: at }, models: [...models, slow], plans },
  });
  const open = () => testApp({ yaml, data: data.path, clock });
  const world = { app: await open(), provider, said };
  cleanUps.push(() => world.app.stop());
  const [ada, bob] = [
    await world.app.addUser("ada", "rich"),
    await world.app.addUser("bob", "rich"),
  ];
  return {
    ...{ world, said, provider, ada, bob },
    credit: await world.app.left(ada),
    wait: (ms: number): void => {
      later += ms;
    },
    restart: async () => {
      await world.app.stop();
      world.app = await open();
    },
    /** The questions about jobs that the provider was asked. */
    asked: () => provider.received.filter(({ method }) => method === "GET").length,
  };
}

const submit = async (
  app: TestApp,
  { token }: TestUser,
  body: object = { prompt: "a fox" },
  headers = {},
) => {
  const path = `/fal-ai/fal-ai/flux/dev${QUEUE}`;
  const answer = await app.answer(call("POST", path, token, body, { ...JSON_BODY, ...headers }));
  expect(answer.status).toBe(200);
  const { request_id: id } = (await answer.json()) as { request_id: string };
  return `/fal-ai/fal-ai/flux/requests/${id}`;
};

const send = async (app: TestApp, { token }: TestUser, path: string, method = "GET") => {
  const answer = await app.answer(call(method, `${path}${QUEUE}`, token));
  await answer.body?.cancel();
  return answer.status;
};

async function driftOf(app: TestApp) {
  const owner = await app.addOwner();
  return (await (await app.answer(call("GET", "/api/turnpike/admin/drift", owner.token))).json())
    .providers;
}

/** What the background does, once all that has ended is in the store. */
async function look(app: TestApp): Promise<void> {
  await app.drain();
  await app.lookAfterJobs();
}

const completed = () => Response.json({ status: "COMPLETED" });

test("a job that failed is refunded, though nobody asked for it", async () => {
  const { world, said, ada, credit, wait } = await start();
  await submit(world.app, ada);
  said.status = completed;
  said.result = () => Response.json({ detail: "it broke" }, { status: 500 });
  await look(world.app);
  expect(await world.app.left(ada)).toBe(credit - IMAGE);
  wait(MINUTE);
  await look(world.app);
  expect(await world.app.left(ada)).toBe(credit);
  expect(await world.app.state(ada)).toEqual(AT_REST);
});

test("a job that came to less than it was charged as is charged as that, after a restart too", async () => {
  const { world, said, ada, credit, wait, restart, asked } = await start();
  await submit(world.app, ada, { prompt: "a fox", num_images: 3 });
  expect(await world.app.left(ada)).toBe(credit - 3n * IMAGE);
  await restart();
  said.status = completed;
  said.result = () => picturesIn(2);
  wait(MINUTE);
  await look(world.app);
  expect(await world.app.left(ada)).toBe(credit - 2n * IMAGE);
  // We counted the pictures; the provider did not.
  expect(await driftOf(world.app)).toEqual([]);
  const questions = asked();
  wait(60 * MINUTE);
  await look(world.app);
  expect(asked()).toBe(questions);
});

test("its caller's own question afterwards is answered and moves no money", async () => {
  const { world, said, ada, credit, wait } = await start();
  const job = await submit(world.app, ada);
  said.status = completed;
  said.result = () => picturesIn(1);
  wait(MINUTE);
  await look(world.app);
  // A job that ends twice, and differently.
  said.result = () => picturesIn(5);
  expect(await send(world.app, ada, job)).toBe(200);
  said.result = () => Response.json({ detail: "gone" }, { status: 500 });
  expect(await send(world.app, ada, job)).toBe(500);
  expect(await world.app.left(ada)).toBe(credit - IMAGE);
});

test("a job that goes on is asked for ever less often, and given up after a day, free of charge", async () => {
  const { world, ada, credit, wait, asked } = await start();
  const job = await submit(world.app, ada);
  const times: number[] = [];
  for (let minute = 1; minute <= 240; minute++) {
    const before = asked();
    wait(MINUTE);
    await Promise.all([look(world.app), look(world.app)]);
    if (asked() > before) times.push(minute);
    expect(asked() - before).toBeLessThanOrEqual(1);
  }
  expect(times.slice(0, 5)).toEqual([1, 2, 4, 8, 16]);
  expect(times.length).toBeLessThan(16);
  expect(await world.app.left(ada)).toBe(credit - IMAGE);
  wait(24 * 60 * MINUTE);
  await look(world.app);
  expect(await world.app.left(ada)).toBe(credit);
  const { said } = world;
  // It ends after the deadline: whoever began it is answered, and charged nothing.
  said.status = completed;
  said.result = () => picturesIn(1);
  expect(await send(world.app, ada, job)).toBe(200);
  expect(await world.app.left(ada)).toBe(credit);
  expect(await world.app.state(ada)).toEqual(AT_REST);
});

test("what a provider refuses in passing settles nothing, whoever asks", async () => {
  const { world, said, ada, credit, wait } = await start();
  const job = await submit(world.app, ada);
  // Too early for a result.
  expect(await send(world.app, ada, job)).toBe(400);
  for (const status of [404, 429, 500, 503]) {
    said.status = () => Response.json({ detail: "not now" }, { status });
    await send(world.app, ada, `${job}/status`);
    wait(60 * MINUTE);
    await look(world.app);
  }
  expect(await world.app.left(ada)).toBe(credit - IMAGE);
  said.status = completed;
  said.result = () => picturesIn(1);
  wait(60 * MINUTE);
  await look(world.app);
  expect(await world.app.left(ada)).toBe(credit - IMAGE);
});

test("a job that was cancelled is refunded as soon as that is known", async () => {
  const { world, said, ada, credit } = await start();
  const job = await submit(world.app, ada);
  // Granted, and too late: it goes on.
  expect(await send(world.app, ada, `${job}/cancel`, "PUT")).toBe(202);
  expect(await world.app.left(ada)).toBe(credit - IMAGE);
  said.status = completed;
  said.result = () => Response.json({ detail: "Request was cancelled" }, { status: 400 });
  expect(await send(world.app, ada, `${job}/cancel`, "PUT")).toBe(202);
  expect(await world.app.left(ada)).toBe(credit);
  expect(await world.app.state(ada)).toEqual(AT_REST);
});

test("a job on a key of its caller's own is left alone", async () => {
  const { world, said, ada, credit, wait, asked } = await start();
  const own = { "x-turnpike-provider-key": "key-of-ada" };
  await submit(world.app, ada, { prompt: "a fox" }, own);
  said.status = completed;
  wait(MINUTE);
  await look(world.app);
  expect(asked()).toBe(0);
  expect(await world.app.left(ada)).toBe(credit);
});

test("a prediction that was done in its first answer can be asked for by its caller, and costs no more", async () => {
  const { world, said, ada, bob, credit, restart, wait, asked } = await start();
  said.prediction = () =>
    Response.json({
      ...{ id: "p1", status: "succeeded", output: ["https://x.example/a.png"] },
      urls: { get: "https://api.replicate.com/v1/predictions/p1" },
    });
  const made = call(
    ...(["POST", "/replicate/v1/models/org/flux/predictions", ada.token] as const),
    ...([{ input: { prompt: "a fox" } }, { ...JSON_BODY, prefer: "wait" }] as const),
  );
  expect((await world.app.answer(made)).status).toBe(200);
  expect(await world.app.left(ada)).toBe(credit - IMAGE);
  const path = "/replicate/v1/predictions/p1";
  for (let time = 0; time < 2; time++) {
    for (const [who, status] of [
      [ada, 200],
      [bob, 404],
    ] as const) {
      const answer = await world.app.answer(call("GET", path, who.token));
      expect(answer.status).toBe(status);
    }
    await restart();
  }
  const questions = asked();
  wait(60 * MINUTE);
  await look(world.app);
  expect(asked()).toBe(questions);
  expect(await world.app.left(ada)).toBe(credit - IMAGE);
  expect(await world.app.state(ada)).toEqual(AT_REST);
});

test("the states of a job come as the provider tells them, to its caller alone", async () => {
  const { world, said, ada, bob, credit } = await start();
  const job = await submit(world.app, ada);
  const states = ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"].map(
    (status) => `data: ${JSON.stringify({ status })}\n\n`,
  );
  said.result = () => streamed(states);
  const path = `${job}/status/stream${QUEUE}`;
  expect((await world.app.answer(call("GET", path, bob.token))).status).toBe(404);
  const answer = await world.app.answer(call("GET", path, ada.token));
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  expect(await answer.text()).toBe(states.join(""));
  expect(await world.app.left(ada)).toBe(credit - IMAGE);
});

test("a job charged by time is charged what is held for at first, then what its provider says, or else as long as it was seen to take", async () => {
  const SECOND = 10_000_000n;
  const { world, said, ada, credit, wait } = await start();
  const ended = { status: "succeeded", output: ["https://x.example/a.png"] };
  let spent = 0n;
  for (const { end, afterMs, seconds } of [
    { end: { ...ended, metrics: { predict_time: 2.5 } }, afterMs: 9_000, seconds: 2.5 },
    { end: ended, afterMs: 3_000, seconds: 3 },
    { end: ended, afterMs: 10 * MINUTE, seconds: 60 },
    { end: { status: "failed", error: "it broke" }, afterMs: 3_000, seconds: 0 },
  ]) {
    const id = `p${seconds}`;
    const urls = { get: `https://api.replicate.com/v1/predictions/${id}` };
    said.prediction = () => Response.json({ id, urls, status: "starting" }, { status: 201 });
    const path = "/replicate/v1/models/org/slow/predictions";
    const begun = await world.app.answer(
      call("POST", path, ada.token, { input: { prompt: "a fox" } }, JSON_BODY),
    );
    expect(begun.headers.get("x-turnpike-cost-nano-usd")).toBe(String(60n * SECOND));
    expect(await world.app.left(ada)).toBe(credit - spent - 60n * SECOND);
    wait(afterMs);
    said.prediction = () => Response.json({ id, urls, ...end });
    await world.app.answer(call("GET", `/replicate/v1/predictions/${id}`, ada.token));
    const cost = credit - spent - (await world.app.left(ada));
    // The test itself takes some time too.
    expect(Number(cost) / Number(SECOND)).toBeGreaterThanOrEqual(seconds);
    expect(Number(cost) / Number(SECOND)).toBeLessThan(seconds + 0.5);
    spent += cost;
  }
  // Only the first told what it took; what it was charged as until then is no count of ours.
  const [drift, ...others] = await driftOf(world.app);
  expect(others).toEqual([]);
  expect(drift).toMatchObject({ provider: "replicate", requests: 1, below: 1, unbilled: 0 });
  expect(BigInt(drift.reported_nano_usd)).toBe((5n * SECOND) / 2n);
  expect(Number(drift.counted_nano_usd) / Number(SECOND)).toBeGreaterThanOrEqual(9);
  expect(Number(drift.counted_nano_usd) / Number(SECOND)).toBeLessThan(9.5);
  expect(await world.app.state(ada)).toEqual(AT_REST);
});
