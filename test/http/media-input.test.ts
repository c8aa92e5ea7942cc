/** Pictures, sounds and their addresses that are not what they should be, by every door that takes any. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { type Sim, startSim } from "../../sim/server.js";
import { PICTURE, RECORDING } from "../sim/media-support.js";
import { AT_REST, call, type TestApp, type TestUser, testApp } from "../support/app.js";

let sim: Sim;
let app: TestApp;
let ada: TestUser;

const model = (id: string, task: string, provider: string, own: string, price: string): string =>
  `  - { id: ${id}, task: ${task}, providers: [{ provider: ${provider}, provider_model: "${own}", price: { ${price} } }] }`;

beforeAll(async () => {
  sim = startSim();
  app = await testApp({
    yaml: `
allow_literal_keys: true
embedded: { enabled: false }
providers:
${["together", "fal-ai", "hf-inference"]
  .map((id) => `  ${id}: { base_url: "${sim.url(id)}", api_key: sim-key }`)
  .join("\n")}
models:
${model("org/whisper", "automatic-speech-recognition", "fal-ai", "fal-ai/whisper", 'request: "0.01"')}
${model("org/mask", "image-segmentation", "fal-ai", "fal-ai/birefnet", 'image: "0.001"')}
${model("org/see", "image-classification", "hf-inference", "google/vit-base-patch16-224", 'compute_second: "0.00012"')}
${model("org/flux", "text-to-image", "together", "black-forest-labs/FLUX.1-schnell", 'megapixel: "0.0027"')}
plans:
  rich: { monthly_credit: "100" }
`,
  });
  ada = await app.addUser("ada", "rich");
});
afterEach(async () => {
  expect(await app.state(ada)).toEqual(AT_REST);
  sim.reset();
});
afterAll(async () => {
  await app.stop();
  await sim.stop();
});

const post = (path: string, body: BodyInit, type?: string): Promise<Response> =>
  app.answer(
    new Request(`http://turnpike.test${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${ada.token}`,
        ...(type !== undefined && { "content-type": type }),
      },
      body,
    }),
  );

/** An answer in the caller's dialect that costs nothing and reached nobody. */
async function expectRefused(answer: Response, status: number, says: string): Promise<void> {
  const text = await answer.text();
  expect([answer.status, text]).toEqual([status, expect.stringContaining(says)]);
  expect(sim.log()).toEqual([]);
}

test("a file that calls itself a form is told how to be sent", async () => {
  const form = new FormData();
  form.set("file", new File([PICTURE], "a.png", { type: "image/png" }));
  const before = await app.left(ada);
  await expectRefused(await post("/models/org/see", form), 400, "Send the file as the whole body");
  expect(await app.left(ada)).toBe(before);
});

test("bytes that call themselves JSON are no JSON", async () => {
  await expectRefused(await post("/models/org/see", PICTURE, "application/json"), 400, "JSON");
});

test("an empty file is none, whatever it calls itself", async () => {
  for (const type of ["image/png", "audio/wav", undefined]) {
    await expectRefused(await post("/models/org/see", new Uint8Array(), type), 400, "empty");
  }
});

test("a picture without a type, or with the wrong one, is looked at and known", async () => {
  for (const type of [undefined, "application/octet-stream", "text/plain", "image/jpeg"]) {
    const answer = await post("/models/org/see", PICTURE, type);
    expect([type, answer.status]).toEqual([type, 200]);
    await answer.text();
  }
});

test("a sound where a picture is wanted is the provider's to refuse, in its words and free of charge", async () => {
  const before = await app.left(ada);
  const answer = await post("/models/org/see", RECORDING, "audio/wav");
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect(await app.left(ada)).toBe(before);
});

test("a picture that was cut off is the provider's to refuse, and costs nothing", async () => {
  const before = await app.left(ada);
  const cut = PICTURE.slice(0, 40);
  const answer = await post("/models/org/see", cut, "image/png");
  expect([answer.status, await answer.text()]).toEqual([
    400,
    expect.stringContaining("image file is truncated"),
  ]);
  expect(await app.left(ada)).toBe(before);
});

test("a picture that is delivered cut off, or that is none, is charged as it was asked for, and never as more", async () => {
  const body = JSON.stringify({ inputs: "a fox", parameters: { width: 1_000, height: 1_000 } });
  for (const media of ["truncated", "garbage"] as const) {
    sim.setDials("together", { media });
    const answer = await post("/models/org/flux", body, "application/json");
    const cost = answer.headers.get("x-turnpike-cost-nano-usd");
    expect([media, answer.status, cost]).toEqual([media, 200, "2700000"]);
    expect((await answer.bytes()).byteLength).toBeGreaterThan(0);
  }
});

test("sound that fal cannot decode is refused before it is sent, with what it can", async () => {
  for (const type of ["audio/flac", "audio/aac", "audio/x-unheard-of"]) {
    const bytes = Uint8Array.from([0x66, 0x4c, 0x61, 0x43, 1, 2, 3, 4]);
    await expectRefused(await post("/models/org/whisper", bytes, type), 400, "audio/mpeg");
  }
});

const INSIDE = [
  "http://169.254.169.254/latest/meta-data/",
  "http://localhost:1/a.png",
  "http://LOCALHOST/a.png",
  "http://127.0.0.1:1/a.png",
  "http://2130706433/a.png",
  "http://0x7f.1/a.png",
  "http://0177.0.0.1/a.png",
  "http://[::1]/a.png",
  "http://[::ffff:169.254.169.254]/a.png",
  "http://10.0.0.1/a.png",
  "http://user:secret@169.254.169.254/a.png",
  "file:///etc/passwd",
  "ftp://example.com/a.png",
  "gopher://127.0.0.1:25/x",
];

for (const url of INSIDE) {
  test(`${url} is not fetched for anybody`, async () => {
    const body = JSON.stringify({ inputs: url });
    await expectRefused(await post("/models/org/mask", body, "application/json"), 400, "inputs");
  });
}

test("what somebody's URL leads to is not told, nor that anything is there", async () => {
  const open = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("secret") });
  try {
    const texts: string[] = [];
    for (const port of [open.port, 1]) {
      const body = JSON.stringify({ inputs: `http://127.0.0.1:${port}/` });
      const { error } = (await (
        await app.answer(
          call("POST", "/models/org/mask", ada.token, body, { "content-type": "application/json" }),
        )
      ).json()) as { error: string };
      texts.push(error);
    }
    expect(texts[0]).toBe(texts[1] ?? "");
    expect(texts[0]).not.toContain("secret");
  } finally {
    open.stop(true);
  }
});
