import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { createFalClient } from "@fal-ai/client";
import OpenAI from "openai";
import Replicate from "replicate";
import sharp from "sharp";
import Together from "together-ai";
import { probe } from "../../sim/media/probe.js";
import { startSim } from "../../sim/server.js";
import { PICTURE, PICTURE_URI, RECORDING, RECORDING_URI, simulated } from "./media-support.js";

const KEY = "sim-key";
const sim = startSim();
afterAll(() => sim.stop());
beforeEach(() => sim.reset());

const bytesAt = async (url: string) => new Uint8Array(await (await fetch(url)).arrayBuffer());
const sizeOf = async (bytes: Uint8Array) => {
  const { width, height } = await sharp(bytes).metadata();
  return [width, height];
};
const pictureFile = () => new File([PICTURE], "picture.png", { type: "image/png" });
const recordingFile = () => new File([RECORDING], "recording.wav", { type: "audio/wav" });

/** What a call that should fail says. */
const whyNot = async (call: PromiseLike<unknown>): Promise<string> =>
  call.then(
    () => "it worked",
    (cause: unknown) => (cause instanceof Error ? cause.message : String(cause)),
  );

describe("the replicate SDK", () => {
  // It makes files of links that begin with https only.
  const client = () =>
    new Replicate({ auth: KEY, baseUrl: `${sim.url("replicate")}/v1`, useFileOutput: false });

  test("runs an official model and gets links to its pictures", async () => {
    const output = await client().run("black-forest-labs/flux-schnell", {
      input: { prompt: "a fox", num_outputs: 2 },
    });
    const urls = output as unknown as string[];
    expect(urls).toHaveLength(2);
    expect(await sizeOf(await bytesAt(urls[0] ?? ""))).toEqual([1024, 1024]);
    expect(sim.log()[0]).toMatchObject({ task: "text-to-image", units: { images: 2 } });
  });

  test("polls a version that is not done while it waits", async () => {
    sim.setDials("replicate", { job_polls: 1, wait_ms_max: 0 });
    const version = "dfdf537ba482b029e0a761699e6f55e9162cfd159270bfe0e44857caa5f275a6";
    const output = await client().run(`jaaari/kokoro-82m:${version}`, {
      input: { text: "Hello there" },
      wait: { mode: "poll", interval: 5 },
    });
    expect(probe(await bytesAt(output as unknown as string))).toEqual({
      kind: "sound",
      seconds: 0.6,
    });
  });

  test("uploads what is to be heard", async () => {
    const output = await client().run(
      "openai/whisper:8099696689d249cf8b122d833c36ac3f75505c666a395ca40ef26f68e7d3d16e",
      { input: { audio: recordingFile() } },
    );
    expect(output).toMatchObject({ transcription: expect.any(String) });
    const heard = sim.log().find((one) => one.task === "automatic-speech-recognition");
    expect(heard?.units.audioSeconds).toBe(3);
  });

  test("throws what a failed prediction says", async () => {
    sim.setDials("replicate", { job_fail_rate: 1, job_fail_message: "NSFW content detected" });
    const run = client().run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
    expect(await whyNot(run)).toContain("NSFW content detected");
  });

  test("cancels", async () => {
    sim.setDials("replicate", { job_stall: true });
    const made = await client().predictions.create({
      model: "black-forest-labs/flux-dev",
      input: { prompt: "x" },
    });
    expect(made.status).toBe("starting");
    expect((await client().predictions.cancel(made.id)).status).toBe("canceled");
    expect((await client().predictions.get(made.id)).status).toBe("canceled");
    expect(sim.log()[0]).toMatchObject({ outcome: "aborted", costNanoUsd: "0" });
  });

  test("shows which field is wrong", async () => {
    const run = client().run("black-forest-labs/flux-dev", { input: {} });
    expect(await whyNot(run)).toContain("prompt is required");
  });
});

describe("the fal SDK", () => {
  const fal = createFalClient({
    credentials: KEY,
    fetch: ((url: string, init: RequestInit) => fetch(simulated(sim, url), init)) as typeof fetch,
  });

  test("runs an app at once", async () => {
    const { data, requestId } = await fal.run("fal-ai/flux/dev", {
      input: { prompt: "a fox", image_size: "square" },
    });
    const [image] = data.images;
    expect(image).toMatchObject({ width: 512, height: 512, content_type: "image/jpeg" });
    expect(await sizeOf(await bytesAt(image?.url ?? ""))).toEqual([512, 512]);
    expect(sim.log()[0]?.providerRequestId).toBe(requestId);
  });

  test("waits in the queue and hears of every state", async () => {
    sim.setDials("fal-ai", { job_polls: 2 });
    const seen: string[] = [];
    const { data, requestId } = await fal.subscribe("fal-ai/hunyuan-video", {
      input: { prompt: "a fox runs" },
      pollInterval: 5,
      onQueueUpdate: ({ status }) => seen.push(status),
    });
    expect(new Set(seen)).toEqual(new Set(["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]));
    expect(probe(await bytesAt(data.video.url))).toEqual({ kind: "sound", seconds: 5 });
    expect(sim.log()).toEqual([expect.objectContaining({ providerRequestId: requestId })]);
  });

  test("can be told the states as a stream", async () => {
    sim.setDials("fal-ai", { job_polls: 2 });
    const seen: string[] = [];
    await fal.subscribe("fal-ai/flux/dev", {
      input: { prompt: "a fox" },
      mode: "streaming",
      onQueueUpdate: ({ status }) => seen.push(status),
    });
    expect(seen).toContain("COMPLETED");
  });

  test("hears, and is told of bad input by field", async () => {
    const input = { audio_url: RECORDING_URI };
    const { data } = await fal.subscribe("fal-ai/whisper", { input, pollInterval: 5 });
    expect(data.chunks?.[0]?.timestamp).toEqual([0, 3]);
    const bad = fal.run("fal-ai/flux/dev", { input: {} as { prompt: string } });
    const error = await bad.then(
      () => undefined,
      (cause) => cause,
    );
    expect(error).toMatchObject({ status: 422 });
    expect(error.fieldErrors[0]).toMatchObject({ loc: ["body", "prompt"] });
  });

  test("cancels", async () => {
    sim.setDials("fal-ai", { job_stall: true });
    const { request_id: requestId } = await fal.queue.submit("fal-ai/flux/dev", {
      input: { prompt: "x" },
    });
    await fal.queue.cancel("fal-ai/flux/dev", { requestId });
    const { status } = await fal.queue.status("fal-ai/flux/dev", { requestId });
    expect(status).toBe("COMPLETED");
    expect(await whyNot(fal.queue.result("fal-ai/flux/dev", { requestId }))).not.toBe("it worked");
  });
});

describe("the together SDK", () => {
  const clientOf = (version: string) =>
    new Together({ apiKey: KEY, baseURL: sim.url("together") + version, maxRetries: 0 });
  const client = clientOf("/v1");
  // Films are of another version, which the SDK knows only for its own base URL.
  const films = clientOf("/v2");

  test("makes pictures, and others from them", async () => {
    const made = await client.images.generate({
      model: "black-forest-labs/FLUX.1-schnell",
      prompt: "a fox",
      width: 512,
      height: 256,
      response_format: "base64",
    });
    const [first] = made.data;
    const data = first?.type === "b64_json" ? first.b64_json : "";
    expect(await sizeOf(Buffer.from(data, "base64"))).toEqual([512, 256]);
    const again = await client.images.generate({
      model: "black-forest-labs/FLUX.1-kontext-dev",
      prompt: "at night",
      image_url: PICTURE_URI,
    });
    expect(again.data[0]?.type).toBe("url");
    expect(sim.log().map(({ task }) => task)).toEqual(["text-to-image", "image-to-image"]);
  });

  test("makes a film that costs what it says", async () => {
    sim.setDials("together", { job_polls: 1 });
    const { id } = await films.videos.create({ model: "minimax/hailuo-02", prompt: "a fox" });
    expect((await films.videos.retrieve(id)).status as string).toBe("queued");
    const done = await films.videos.retrieve(id);
    expect(done.status).toBe("completed");
    expect(probe(await bytesAt(done.outputs?.video_url ?? ""))?.kind).toBe("sound");
    expect(done.outputs?.cost).toBe(0.245);
    expect(sim.log()).toEqual([expect.objectContaining({ costNanoUsd: "245000000" })]);
  });

  test("speaks and hears", async () => {
    const spoken = await client.audio.speech.create({
      model: "hexgrad/Kokoro-82M",
      input: "Hello there",
      voice: "af_alloy",
      response_format: "mp3",
    });
    const bytes = new Uint8Array(await spoken.arrayBuffer());
    expect(probe(bytes)).toEqual({ kind: "sound", seconds: expect.closeTo(0.6, 3) });
    const heard = await client.audio.transcriptions.create({
      model: "openai/whisper-large-v3",
      file: recordingFile(),
    });
    expect(heard.text.length).toBeGreaterThan(0);
  });
});

for (const [provider, base] of [
  ["openai", "/v1"],
  ["deepinfra", "/v1/openai"],
] as const) {
  describe(`the openai SDK against ${provider}`, () => {
    const client = new OpenAI({
      apiKey: KEY,
      baseURL: sim.url(provider) + base,
      maxRetries: 0,
    });

    test("makes a picture of the size asked for", async () => {
      const model = provider === "openai" ? "gpt-image-1" : "black-forest-labs/FLUX-1-schnell";
      const made = await client.images.generate({ model, prompt: "a fox", size: "1024x1536" });
      const data = Buffer.from(made.data?.[0]?.b64_json ?? "", "base64");
      expect(await sizeOf(data)).toEqual([1024, 1536]);
    });

    test("speaks in every format", async () => {
      for (const format of ["mp3", "opus", "flac", "wav"] as const) {
        const spoken = await client.audio.speech.create({
          model: "tts-1",
          input: "Hello there",
          voice: "alloy",
          response_format: format,
        });
        const bytes = new Uint8Array(await spoken.arrayBuffer());
        expect(probe(bytes)).toEqual({ kind: "sound", seconds: expect.closeTo(0.6, 3) });
      }
    });

    test("hears", async () => {
      const heard = await client.audio.transcriptions.create({
        model: "whisper-1",
        file: recordingFile(),
      });
      expect(heard.text.length).toBeGreaterThan(0);
      expect(sim.log()[0]?.units).toEqual({ audioSeconds: 3 });
    });

    test("is told when a recording cannot be decoded", async () => {
      const file = new File(["not audio at all, really"], "a.wav");
      const heard = client.audio.transcriptions.create({ model: "whisper-1", file });
      expect(await whyNot(heard)).toContain("could not be decoded");
    });
  });
}

describe("the openai SDK against openai", () => {
  const client = new OpenAI({ apiKey: KEY, baseURL: `${sim.url("openai")}/v1`, maxRetries: 0 });

  test("edits pictures, and is told the tokens", async () => {
    const made = await client.images.edit({
      model: "gpt-image-1",
      image: [pictureFile(), pictureFile()],
      prompt: "at night",
    });
    expect(made.usage?.input_tokens_details.image_tokens).toBe(544);
    expect(sim.log()[0]).toMatchObject({ task: "image-to-image", units: { images: 1 } });
  });

  test("gets links from the older models", async () => {
    const made = await client.images.generate({ model: "dall-e-3", prompt: "a fox" });
    expect(await sizeOf(await bytesAt(made.data?.[0]?.url ?? ""))).toEqual([1024, 1024]);
  });

  test("hears in detail, with subtitles and as a stream", async () => {
    const file = recordingFile();
    const model = "whisper-1";
    const detailed = await client.audio.transcriptions.create({
      ...{ model, file },
      response_format: "verbose_json",
    });
    expect(detailed.segments?.[0]).toMatchObject({ start: 0, end: 3 });
    const subtitles = await client.audio.transcriptions.create({
      ...{ model, file },
      response_format: "srt",
    });
    expect(subtitles).toContain("00:00:00,000 --> 00:00:03,000");
    const stream = await client.audio.transcriptions.create({
      model: "gpt-4o-mini-transcribe",
      file,
      stream: true,
    });
    let text = "";
    for await (const event of stream) {
      if (event.type === "transcript.text.delta") text += event.delta;
      else if (event.type === "transcript.text.done") expect(event.text).toBe(text);
    }
    expect(text.length).toBeGreaterThan(0);
  });
});
