/** What a body on a provider's own wire is charged as: never less than what the provider finds in it. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { playSound } from "../../sim/media/play-sound.js";
import { randomFrom } from "../../sim/random.js";
import { AT_REST, call, type TestApp, type TestUser, testApp } from "../support/app.js";
import { fakeProvider } from "../support/provider.js";

const PATH = "/together/v1/audio/transcriptions";
const JSON_BODY = { "content-type": "application/json" };
const LINK = "https://example.com/long.wav";
/** A cent a second. */
const PRICE = { audio_second: "0.01" };
const CENT = 10_000_000n;
/** Sounds are made in whole frames: these four seconds are 3.96. */
const FOUR_SECONDS = 39_600_000n;

let provider: ReturnType<typeof fakeProvider>;
let app: TestApp;
let ada: TestUser;

beforeAll(async () => {
  provider = fakeProvider(({ path }) => {
    if (path === "/v1/images/generations") return Response.json({ data: [{ url: LINK }] });
    if (path === "/v1/audio/transcriptions") return Response.json({ text: "hello" });
    return new Response(soundOf(1), { headers: { "content-type": "audio/wav" } });
  });
  const offer = (model: string, more: object, task = "automatic-speech-recognition") => ({
    ...{ id: `org/${model}`, task },
    providers: [{ provider: "together", provider_model: model, ...more }],
  });
  app = await testApp({
    yaml: JSON.stringify({
      ...{ allow_literal_keys: true, embedded: { enabled: false } },
      providers: { together: { base_url: provider.origin, api_key: "k" } },
      models: [
        offer("seconds", { price: PRICE }),
        offer("minutes", { price: { audio_minute: "0.60" } }),
        offer("tokens", { price: { input: "1", output: "1" } }),
        offer("calls", { price: { request: "0.01" } }),
        offer("free", { is_free: true }),
        // A cent a character, and a cent a step.
        offer("voice", { price: { million_characters: "10000" } }, "text-to-speech"),
        offer("drawn", { price: { step: "0.01" } }, "text-to-image"),
      ],
      plans: { rich: { monthly_credit: "10" } },
    }),
  });
  ada = await app.addUser("ada", "rich");
});
beforeEach(() => {
  provider.received.length = 0;
});
afterAll(async () => {
  await app.stop();
  await provider.stop();
});

const soundOf = (seconds: number) => Buffer.from(playSound("wav", seconds, randomFrom(1), 0));
const uriOf = (seconds: number, type = "audio/wav") =>
  `data:${type};base64,${soundOf(seconds).toString("base64")}`;

const ask = (body: unknown, headers: Readonly<Record<string, string>> = JSON_BODY, path = PATH) =>
  app.answer(call("POST", path, ada.token, body, headers));

const askForm = async (fields: readonly (readonly [string, string | Blob])[]) => {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  const request = new Request("http://x", { method: "POST", body: form });
  return app.answer(
    new Request(`http://127.0.0.1${PATH}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${ada.token}`,
        "content-type": request.headers.get("content-type") ?? "",
      },
      body: await request.arrayBuffer(),
    }),
  );
};

const costOf = (answer: Response) => BigInt(answer.headers.get("x-turnpike-cost-nano-usd") ?? -1);

test("what only is linked to may be of any length, and is refused", async () => {
  const before = await app.left(ada);
  const model = "seconds";
  const short = uriOf(1);
  for (const body of [
    { model, file: LINK },
    { model, file: "//example.com/long.wav" },
    { model, file: "https:example.com/long.wav" },
    { model, file: "ftp://example.com/long.wav" },
    { model, file: "file-1234" },
    { model, input: { file: LINK } },
    // A short sound beside it that nobody listens to.
    { model, decoy: short, file: LINK },
    { model, file: "data:audio/wav,%zz" },
    { model },
    { model: "minutes", file: LINK },
    { model: "tokens", file: LINK },
  ]) {
    const answer = await ask(body);
    expect({ body, status: answer.status }).toEqual({ body, status: 400 });
    expect(await answer.text()).toContain("charged by the length of the sound");
  }
  for (const fields of [
    [["file", LINK]],
    [
      ["decoy", new Blob([soundOf(1)], { type: "audio/wav" })],
      ["file", LINK],
    ],
  ] as const) {
    expect((await askForm([["model", model], ...fields])).status).toBe(400);
  }
  expect(provider.received).toEqual([]);
  expect(await app.left(ada)).toBe(before);
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("a sound is charged by its length wherever in the body it is, and the longest of several counts", async () => {
  const model = "seconds";
  const file = (seconds: number) => new Blob([soundOf(seconds)], { type: "audio/wav" });
  const long = soundOf(4).toString("base64");
  const answers = [
    await ask({ model, file: uriOf(4) }),
    await ask({ model, file: uriOf(4, "application/octet-stream") }),
    await ask({ model, file: long }),
    await ask({ model, input: { deep: [uriOf(4)] } }),
    await ask({ model, decoy: uriOf(1), file: uriOf(4) }),
    await ask({ model: "minutes", file: uriOf(4) }),
    await askForm([
      ["model", model],
      ["file", file(4)],
    ]),
    await askForm([
      ["model", model],
      ["decoy", file(1)],
      ["file", file(4)],
    ]),
    await askForm([
      ["model", model],
      ["decoy", file(1)],
      ["file", uriOf(4)],
    ]),
  ];
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(answers.map(costOf)).toEqual(answers.map(() => FOUR_SECONDS));
});

test("a link is as good as a sound where the length is not charged", async () => {
  expect(costOf(await ask({ model: "calls", file: LINK }))).toBe(CENT);
  expect(costOf(await ask({ model: "free", file: LINK }))).toBe(0n);
  const own = { ...JSON_BODY, "x-turnpike-provider-key": "own-key-1" };
  expect(costOf(await ask({ model: "seconds", file: LINK }, own))).toBe(0n);
});

test("text under a name that nobody knows is charged, and an object that the provider ignores hides nothing", async () => {
  const speak = (body: object) =>
    ask({ model: "voice", ...body }, JSON_BODY, "/together/v1/audio/speech");
  expect(costOf(await speak({ input: "hello world" }))).toBe(11n * CENT);
  // With the model's name and what is between them.
  expect(costOf(await speak({ script: "hello world" }))).toBe(17n * CENT);
  expect(costOf(await speak({ script: "hello world", voice: uriOf(1) }))).toBe(17n * CENT);
  const hidden = await speak({ text: "hello world", input: { text: "a" } });
  expect(costOf(hidden)).toBeGreaterThanOrEqual(11n * CENT);
  const drawn = { model: "drawn", prompt: "a fox", steps: 20, input: { steps: 1 } };
  expect(costOf(await ask(drawn, JSON_BODY, "/together/v1/images/generations"))).toBe(20n * CENT);
});
