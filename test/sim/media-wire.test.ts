import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { Dials } from "../../sim/dials.js";
import { startSim } from "../../sim/server.js";
import { PICTURE, PICTURE_URI, RECORDING } from "./media-support.js";

const sim = startSim();
afterAll(() => sim.stop());
beforeEach(() => sim.reset());

type Sent = {
  readonly headers?: { readonly [name: string]: string };
  readonly dials?: Dials;
};

async function post(path: string, body: object, { headers, dials }: Sent = {}) {
  const scheme = path.startsWith("/fal-ai") ? "Key" : "Bearer";
  const response = await fetch(sim.origin + path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `${scheme} sim-key`,
      ...(dials ? { "x-sim-dials": JSON.stringify(dials) } : {}),
      ...headers,
    },
    body: JSON.stringify(body),
  });
  const { status, headers: answered } = response;
  return { status, headers: answered, body: await response.json() };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

describe("fal", () => {
  test("takes its own kind of key only", async () => {
    const bearer = { authorization: "Bearer sim-key" };
    const { status, body } = await post("/fal-ai/fal-ai/flux/dev", {}, { headers: bearer });
    expect(status).toBe(401);
    expect(body).toEqual({ detail: "Authentication is required to access this app" });
  });

  test("queues what says so in its query, as Hugging Face's router is asked", async () => {
    const { body } = await post("/fal-ai/fal-ai/flux/dev?_subdomain=queue", { prompt: "x" });
    const url = `${sim.url("fal-ai")}/fal-ai/flux/requests/${body.request_id}`;
    expect(body).toMatchObject({ status: "IN_QUEUE", response_url: url });
    const headers = { authorization: "Key sim-key" };
    const status = await fetch(`${url}/status?_subdomain=queue`, { headers });
    expect((await status.json()).status).toBe("COMPLETED");
    const result = await fetch(`${url}?_subdomain=queue`, { headers });
    expect(result.headers.get("x-fal-request-id")).toBe(body.request_id);
    expect(result.headers.get("x-fal-billable-units")).toBe("1");
  });

  test("queues bad input, and tells of it in the place of the result", async () => {
    const { body } = await post("/fal-ai/queue/fal-ai/flux/dev", {});
    const result = await fetch(body.response_url, { headers: { authorization: "Key sim-key" } });
    expect(result.status).toBe(422);
    expect(await result.json()).toEqual({
      detail: [{ loc: ["body", "prompt"], msg: "field required", type: "value_error.missing" }],
    });
  });

  test("bills begun megapixels", async () => {
    const size = { width: 1024, height: 1025 };
    const { headers } = await post("/fal-ai/fal-ai/flux/dev", { prompt: "x", image_size: size });
    expect(headers.get("x-fal-billable-units")).toBe("2");
    expect(sim.log()[0]?.costNanoUsd).toBe("50000000");
  });

  test("believes the type a sound is said to be of, and then looks into it", async () => {
    const hear = (type: string, bytes: Uint8Array) =>
      post("/fal-ai/fal-ai/whisper", { audio_url: `data:${type};base64,${base64(bytes)}` });
    expect((await hear("audio/x-wav", RECORDING)).body.chunks[0].timestamp).toEqual([0, 3]);
    const unknown = await hear("audio/flac", RECORDING);
    expect([unknown.status, unknown.body]).toEqual([400, { detail: "Unsupported data URL" }]);
    expect((await hear("audio/mpeg", PICTURE)).status).toBe(422);
  });

  test("does not decode half a picture's header", async () => {
    const image_url = `data:image/png;base64,${base64(PICTURE.slice(0, 20))}`;
    const { status, body } = await post("/fal-ai/fal-ai/flux-kontext/dev", {
      prompt: "x",
      image_url,
    });
    expect(status).toBe(422);
    expect(body.detail[0].loc).toEqual(["body", "image_url"]);
  });
});

describe("replicate", () => {
  const path = "/replicate/v1/models/black-forest-labs/flux-dev/predictions";
  const body = { input: { prompt: "a fox" } };

  test("answers early with the output and a status that says otherwise", async () => {
    const headers = { prefer: "wait" };
    const answer = await post(path, body, { headers, dials: { job_ms: 5 } });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("preference-applied")).toBe("wait=60");
    expect(answer.body).toMatchObject({ status: "processing", output: [expect.any(String)] });
  });

  test("does not wait longer than it is asked to, or than a dial lets it", async () => {
    for (const [prefer, dials] of [
      ["wait=0", { job_ms: 10_000 }],
      ["wait", { job_ms: 10_000, wait_ms_max: 5 }],
      ["wait", { job_polls: 1, wait_ms_max: 5 }],
    ] as const) {
      const answer = await post(path, body, { headers: { prefer }, dials });
      expect(answer.status).toBe(202);
      expect(answer.body).toMatchObject({ status: "starting", output: null });
      expect(answer.headers.get("location")).toEndWith(`/v1/predictions/${answer.body.id}`);
    }
  });

  test("fails on a picture that it cannot decode, when it runs", async () => {
    const input = { prompt: "x", image: "data:image/png;base64,AAAA" };
    const answer = await post(path, { input }, { headers: { prefer: "wait" } });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ status: "failed", error: "cannot identify image file" });
    expect(sim.log()[0]?.costNanoUsd).toBe("0");
  });

  test("charges the seconds it says it worked", async () => {
    const { body: submitted } = await post(path, body);
    const headers = { authorization: "Bearer sim-key" };
    const { metrics } = await (await fetch(submitted.urls.get, { headers })).json();
    expect(metrics.predict_time).toBe(1.75);
    expect(sim.log()[0]?.costNanoUsd).toBe(String(1.75 * 975_000));
  });
});

describe("together", () => {
  test("refuses a first frame that is too long", async () => {
    const frame = { input_image: PICTURE_URI + "A".repeat(61_440), frame: "first" };
    const body = { model: "Wan-AI/Wan2.2-I2V-A14B", frame_images: [frame] };
    expect((await post("/together/v2/videos", body)).status).toBe(400);
  });
});

describe("novita", () => {
  test("has a form that waits for the film", async () => {
    const { body } = await post("/novita/v3/hf/wan-t2v", { prompt: "a fox" });
    expect(body.video.video_url).toEndWith("/video.mp4");
    expect(sim.log()[0]?.units).toEqual({ videoSeconds: 5 });
  });
});

describe("z.ai", () => {
  test("reads a page, and makes pictures at once", async () => {
    const page = { model: "glm-ocr", file: PICTURE_URI };
    const read = await post("/zai-org/api/paas/v4/layout_parsing", page);
    expect(read.body.data_info.pages).toEqual([{ width: 640, height: 480 }]);
    const picture = { model: "glm-image", prompt: "a fox", size: "512x256" };
    const made = await post("/zai-org/api/paas/v4/images/generations", picture);
    expect(made.body.data[0].url).toEndWith(".png");
  });
});

/** Answers with the port taken out of their links. */
async function run(seed: number): Promise<string[]> {
  const other = startSim({ seed });
  const seen: string[] = [];
  for (const [provider, path, body] of [
    ["fal-ai", "/fal-ai/flux/dev", { prompt: "a fox", sync_mode: true }],
    ["fal-ai", "/queue/fal-ai/flux/dev", { prompt: "a fox" }],
    ["replicate", "/v1/models/a/b/predictions", { input: { prompt: "a fox" } }],
    ["together", "/v2/videos", { model: "m", prompt: "a fox" }],
    ["wavespeed", "/api/v3/a/b", { prompt: "a fox" }],
    ["openai", "/v1/images/generations", { model: "gpt-image-1", prompt: "a fox" }],
  ] as const) {
    const response = await fetch(other.url(provider) + path, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `${provider === "fal-ai" ? "Key" : "Bearer"} k`,
      },
      body: JSON.stringify(body),
    });
    seen.push((await response.text()).replaceAll(other.origin, ""));
  }
  await other.stop();
  return seen;
}

test("the same seed and requests give the same media and jobs, another seed gives others", async () => {
  const first = await run(7);
  expect(await run(7)).toEqual(first);
  const others = await run(8);
  first.forEach((one, i) => {
    expect(others[i]).not.toBe(one);
  });
});
