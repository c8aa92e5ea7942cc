/** Chat that is charged by the second of compute: held, clamped, stopped and settled to the nano-dollar. */
import { afterEach, expect, test } from "bun:test";
import { startSim } from "../../sim/server.js";
import { fundsBucketOf } from "../../src/tenants/payer.js";
import { AT_REST, call, chat, type TestUser, testApp, until } from "../support/app.js";
import { manualClock } from "../support/clock.js";
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

/** A second costs a hundredth of the free plan's credit: a hundred seconds are all of it. */
const DEAR = { compute_second: "0.001" };
const SECOND = 1_000_000n;
const CREDIT = 100_000_000n;

const ASK = { model: "org/model", messages: [{ role: "user", content: "hi" }] };

type Options = {
  readonly price?: Readonly<Record<string, string>>;
  readonly more?: Readonly<Record<string, unknown>>;
  /** What the provider's entry says beside its address. */
  readonly entry?: Readonly<Record<string, unknown>>;
  readonly others?: Readonly<Record<string, string>>;
};

async function start(
  reply: (received: Received) => Reply,
  { price = DEAR, more = {}, entry = {}, others = {} }: Options = {},
) {
  const time = manualClock();
  const provider = fakeProvider(reply);
  cleanUps.push(provider.stop);
  const yaml = JSON.parse(yamlFor({ local: provider.origin, ...others }, price, more));
  Object.assign(yaml.providers.local, entry);
  const app = await testApp({ yaml: JSON.stringify(yaml), clock: time.clock });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada");
  const ask = (body: Readonly<Record<string, unknown>> = {}, headers = {}, signal?: AbortSignal) =>
    app.answer(chat(ada.token, { ...ASK, ...body }, headers, signal));
  const newest = async (user: TestUser = ada) => {
    await app.drain();
    const answer = await app.answer(call("GET", "/api/turnpike/me/requests", user.token));
    return (await answer.json()).requests[0];
  };
  const held = (): bigint => app.site.gateway.book.heldOn(fundsBucketOf(ada.user));
  return { app, ada, ask, newest, held, provider, advance: time.advance };
}

type World = Awaited<ReturnType<typeof start>>;

async function expectAtRest({ app, ada }: World): Promise<void> {
  expect(await app.state(ada)).toEqual(AT_REST);
}

/** An answer that begins once the caller's connection is gone, which it never does otherwise. */
const never = ({ signal }: Received): Promise<Response> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve(new Response(""))));

/** Lets the time limits look at the clock, which they do every 10 ms. */
const look = () => Bun.sleep(25);

/** Lets seconds go by one after the other, never faster than more is held for them, as long as there is more. */
async function passSeconds(world: World, count: number, pricePerSecond: bigint): Promise<void> {
  for (let seconds = 1; seconds <= count; seconds++) {
    world.advance(1_000);
    await look();
    const soon = BigInt(seconds + 2) * pricePerSecond;
    const most = (CREDIT / (pricePerSecond / 1_000n)) * (pricePerSecond / 1_000n);
    await until(() => world.held() >= (soon < most ? soon : most) || seconds === count);
  }
}

test("ten seconds at $0.00012 a second cost $0.0012, as the provider measured them", async () => {
  const world = await start(
    () => {
      const answer = plainAnswer();
      answer.headers.set("x-compute-time", "10");
      return answer;
    },
    { price: { compute_second: "0.00012" }, entry: { reported_cost: "x-compute-time" } },
  );
  const response = await world.ask();
  expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe("1200000");
  expect((await response.json()).usage).toMatchObject({ cost: 0.0012, cost_nano_usd: "1200000" });
  expect(await world.app.left(world.ada)).toBe(CREDIT - 1_200_000n);
  expect(await world.newest()).toMatchObject({
    measured: { compute_seconds: "10" },
    cost_nano_usd: "1200000",
    cost_from: "provider",
    counted_nano_usd: "0",
  });
  await expectAtRest(world);
});

test("the provider's nine decimals count, and what is no time is not believed", async () => {
  const table: readonly [string, string, string][] = [
    ["22.899515643", "22899516", "provider"],
    ["0.000000001", "1", "provider"],
    ["0", "0", "provider"],
    // Two seconds by our own clock.
    ["-5", "2000000", "count"],
    ["soon", "2000000", "count"],
    ["1e300", "2000000", "count"],
    ["", "2000000", "count"],
  ];
  for (const [header, cost, from] of table) {
    const world: World = await start(
      () => {
        world.advance(2_000);
        const answer = plainAnswer();
        answer.headers.set("x-compute-time", header);
        return answer;
      },
      { entry: { reported_cost: "x-compute-time" } },
    );
    const response = await world.ask();
    expect({ header, cost: response.headers.get("x-turnpike-cost-nano-usd") }).toEqual({
      header,
      cost,
    });
    expect((await world.newest()).cost_from).toBe(from);
  }
});

test("hf-inference is believed on its time without a word in the configuration", async () => {
  const sim = startSim();
  cleanUps.push(sim.stop);
  const app = await testApp({
    yaml: JSON.stringify({
      allow_literal_keys: true,
      providers: { "hf-inference": { base_url: sim.url("hf-inference"), api_key: "k" } },
      models: [
        {
          id: "org/model",
          task: "conversational",
          providers: [{ provider: "hf-inference", provider_model: "org/model", price: DEAR }],
        },
      ],
    }),
  });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada");
  const response = await app.answer(chat(ada.token, ASK));
  const { usage } = await response.json();
  // What the simulator says it computed: so much a token.
  const seconds = 0.0001 + usage.prompt_tokens * 0.00005 + usage.completion_tokens * 0.0005;
  const cost = Math.ceil(Number(seconds.toFixed(9)) * 1_000_000);
  expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe(String(cost));
  expect(await app.left(ada)).toBe(CREDIT - BigInt(cost));
});

test("where the provider measures nothing, our own clock does, plain and streamed", async () => {
  const table: readonly [boolean, () => Reply][] = [
    [false, () => plainAnswer()],
    [true, () => streamed([chunk("Hi", "stop"), usageChunk(3, 1), DONE])],
  ];
  for (const [stream, reply] of table) {
    const world: World = await start(() => {
      world.advance(2_500);
      return reply();
    });
    const response = await world.ask({ stream });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-turnpike-clamped")).toBeNull();
    await response.text();
    expect(await world.app.left(world.ada)).toBe(CREDIT - (5n * SECOND) / 2n);
    expect(await world.newest()).toMatchObject({
      cost_nano_usd: "2500000",
      cost_from: "count",
      measured: { compute_seconds: "2.5" },
    });
    await expectAtRest(world);
  }
});

test("a stream is charged for all of its time, from sending to its end", async () => {
  const world: World = await start(() =>
    streamed([
      chunk("Hello"),
      async () => {
        world.advance(7_000);
        await look();
      },
      chunk(" there", "stop"),
      DONE,
    ]),
  );
  const text = await (await world.ask({ stream: true })).text();
  expect(text).toEndWith(DONE);
  expect(text).toContain('"cost_nano_usd":"7000000"');
  expect(await world.app.left(world.ada)).toBe(CREDIT - 7n * SECOND);
  await expectAtRest(world);
});

test("a minute is held for at first, and more as the answer takes longer", async () => {
  const held: bigint[] = [];
  const world: World = await start(async () => {
    held.push(world.held());
    await passSeconds(world, 80, SECOND);
    held.push(world.held());
    return plainAnswer();
  });
  const response = await world.ask();
  expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe(String(80n * SECOND));
  expect(held[0]).toBe(60n * SECOND);
  expect(held[1]).toBe(90n * SECOND);
  expect(await world.app.left(world.ada)).toBe(20n * SECOND);
  await expectAtRest(world);
}, 20_000);

test("what is held grows up to the last of the balance, and there the answer is stopped", async () => {
  const world = await start(never, { price: { compute_second: "0.0013" } });
  const asked = world.ask();
  await until(() => world.provider.received.length === 1);
  // Ten cents buy 76.923 seconds.
  await passSeconds(world, 77, 1_300_000n);
  const response = await asked;
  expect(response.status).toBe(402);
  const charged = 76_923n * 1_300n;
  expect((await response.json()).error).toMatchObject({ charged_nano_usd: String(charged) });
  expect(await world.app.left(world.ada)).toBe(CREDIT - charged);
  await expectAtRest(world);
}, 20_000);

test("a short balance sets a deadline, which the answer names, and an answer in time is whole", async () => {
  const world: World = await start(
    () => {
      world.advance(3_000);
      return plainAnswer();
    },
    { price: { compute_second: "0.012" } },
  );
  // 8.333 seconds are what ten cents buy.
  const response = await world.ask();
  expect(response.status).toBe(200);
  expect(response.headers.get("x-turnpike-clamped")).toBe("compute_ms=8333");
  expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe("36000000");
  await expectAtRest(world);
});

test("a plain answer that is not there when the credit ends is stopped, and charged to the millisecond", async () => {
  const world: World = await start(never, { price: { compute_second: "0.012" } });
  const asked = world.ask();
  await until(() => world.provider.received.length === 1);
  world.advance(8_332);
  await look();
  expect(world.held()).toBe(8_333n * 12_000n);
  world.advance(1);
  const response = await asked;
  expect(response.status).toBe(402);
  const { error } = await response.json();
  expect(error).toMatchObject({
    code: "insufficient_credit",
    bucket: "credit",
    charged_nano_usd: String(8_333n * 12_000n),
    available_nano_usd: String(CREDIT - 8_333n * 12_000n),
  });
  expect(error.message).toContain("compute time until then is charged, $0.099996");
  await until(() => world.provider.received[0]?.signal.aborted === true);
  expect(await world.app.left(world.ada)).toBe(CREDIT - 8_333n * 12_000n);
  expect(await world.newest()).toMatchObject({
    status: 402,
    outcome: "stopped",
    measured: { compute_seconds: "8.333" },
    overrun_nano_usd: "0",
  });
  await expectAtRest(world);
  // Less than a second is left.
  expect((await world.ask()).status).toBe(402);
  expect(world.provider.received.length).toBe(1);
});

test("a stream is stopped where the credit ends, with a clear last event", async () => {
  const world: World = await start(
    ({ signal }) =>
      streamed([
        chunk("Hello"),
        () => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
      ]),
    { price: { compute_second: "0.0125" } },
  );
  const response = await world.ask({ stream: true });
  expect(response.headers.get("x-turnpike-clamped")).toBe("compute_ms=8000");
  const reader = response.body?.getReader();
  const first = Buffer.from((await reader?.read())?.value ?? []).toString();
  expect(first).toContain("Hello");
  world.advance(9_000);
  const rest: Uint8Array[] = [];
  for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
    rest.push(part.value);
  }
  const text = Buffer.concat(rest).toString();
  expect(text).toContain('"turnpike":{"stopped":"insufficient_credit"');
  expect(text).toContain('"finish_reason":"length"');
  expect(text).toContain(`"cost_nano_usd":"${CREDIT}","credits_remaining_nano_usd":"0"`);
  expect(text).toEndWith(DONE);
  expect(await world.app.left(world.ada)).toBe(0n);
  expect(await world.newest()).toMatchObject({ outcome: "stopped", overrun_nano_usd: "0" });
  await expectAtRest(world);
});

test("less than a second's worth is refused, with what would fit, and nobody is asked", async () => {
  const world = await start(never, { price: { compute_second: "0.2" } });
  const response = await world.ask();
  expect(response.status).toBe(402);
  expect((await response.json()).error).toMatchObject({
    code: "insufficient_credit",
    needed_nano_usd: "200000000",
    available_nano_usd: String(CREDIT),
    compute_ms_that_fit: 500,
    price: { provider: "local", compute_second: "0.20" },
  });
  expect(world.provider.received).toEqual([]);
  await expectAtRest(world);
});

test("a caller who hangs up pays for the time until then", async () => {
  const world = await start(never);
  const caller = new AbortController();
  const asked = world.ask({}, {}, caller.signal).catch(() => undefined);
  await until(() => world.provider.received.length === 1);
  world.advance(4_000);
  caller.abort();
  await asked;
  expect(await world.newest()).toMatchObject({
    status: 499,
    outcome: "aborted",
    cost_nano_usd: String(4n * SECOND),
  });
  expect(await world.app.left(world.ada)).toBe(CREDIT - 4n * SECOND);
  await expectAtRest(world);
});

test("a provider that fails is not paid for its time, and the next one is for its own", async () => {
  const other = fakeProvider(() => {
    world.advance(3_000);
    return plainAnswer();
  });
  cleanUps.push(other.stop);
  const world: World = await start(
    () => {
      world.advance(5_000);
      return new Response("no", { status: 500 });
    },
    { others: { other: other.origin } },
  );
  const response = await world.ask({ model: "org/model:preferred" });
  expect(response.headers.get("x-turnpike-route")).toContain("local:500,other:200");
  expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe(String(3n * SECOND));
  expect(await world.app.left(world.ada)).toBe(CREDIT - 3n * SECOND);
  await expectAtRest(world);
});

test("an own key pays nothing for time", async () => {
  const world: World = await start(() => {
    world.advance(100_000);
    return plainAnswer();
  });
  const response = await world.ask(
    { model: "org/model:local" },
    { "x-turnpike-provider-key": "own-key-1" },
  );
  expect(response.status).toBe(200);
  expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe("0");
  expect(await world.app.left(world.ada)).toBe(CREDIT);
});

test("a price may refer to a kind of hardware, and names it in the list of models", async () => {
  const world: World = await start(
    () => {
      world.advance(2_000);
      return plainAnswer();
    },
    { price: { hardware: "gpu-a100" }, more: { hardware: { "gpu-a100": "0.000975" } } },
  );
  const response = await world.ask();
  expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe("1950000");
  const listed = await (
    await world.app.answer(call("GET", "/v1/models/org/model", world.ada.token))
  ).json();
  expect(listed.providers[0]).toMatchObject({
    hardware: "gpu-a100",
    pricing: { compute_second: 0.000975 },
  });
});

test("compute time is estimated by the speed that was seen here", async () => {
  const world: World = await start(() => {
    world.advance(2_000);
    return plainAnswer({ prompt: 10, completion: 100 });
  });
  const estimate = async () => {
    const body = { ...ASK, max_tokens: 200 };
    const path = "/api/turnpike/estimate";
    const answer = await world.app.answer(call("POST", path, world.ada.token, body));
    return (await answer.json()).providers[0];
  };
  // 200 tokens at 40 a second, as nobody knows better.
  expect(await estimate()).toMatchObject({
    expected_cost_nano_usd: "5000000",
    hold_nano_usd: "60000000",
    price: { compute_second: "0.001" },
  });
  await (await world.ask()).text();
  // 100 tokens in two seconds are 50 a second, the wait for the first of them included.
  expect(await estimate()).toMatchObject({ expected_cost_nano_usd: "4000000" });
});
