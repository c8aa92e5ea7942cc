import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { InferenceClient } from "@huggingface/inference";
import sharp from "sharp";
import { probe } from "../../sim/media/probe.js";
import { providers } from "../../sim/providers/index.js";
import { startSim } from "../../sim/server.js";
import { PICTURE, RECORDING, simulated } from "./media-support.js";

/**
 * Hugging Face's client calls providers itself when its token is not one of Hugging Face's. Its hosts are
 * written into it, so its `fetch` is led to the simulator; what it asks the Hub is answered from the
 * simulator's own list of models.
 */
const sim = startSim();
const realFetch = globalThis.fetch;
const realTimeout = globalThis.setTimeout;
const client = new InferenceClient("sim-key");

beforeAll(() => {
  const led = (input: string | URL | Request, init?: RequestInit) => {
    const url = String(input instanceof Request ? input.url : input);
    const model = /^https:\/\/huggingface\.co\/api\/models\/([^?]+)/.exec(url)?.[1];
    if (model !== undefined) return Promise.resolve(Response.json(mappingOf(model)));
    return realFetch(simulated(sim, url), init);
  };
  globalThis.fetch = Object.assign(led, realFetch);
  // It waits up to five seconds between polls.
  globalThis.setTimeout = Object.assign(
    (then: () => void, ms?: number) => realTimeout(then, Math.min(ms ?? 0, 2)),
    realTimeout,
  );
});
afterAll(async () => {
  globalThis.fetch = realFetch;
  globalThis.setTimeout = realTimeout;
  await sim.stop();
});
beforeEach(() => sim.reset());

/** The task under test: a model of the Hub can be listed for several. */
let wanted = "";

function mappingOf(hub: string) {
  const found = providers.flatMap(({ id: provider, tasks = [] }) =>
    tasks
      .filter((one) => one.hub === hub && one.task === wanted)
      .map(({ id, task }) => [provider, { providerId: id, status: "live", task }] as const),
  );
  return { id: hub, pipeline_tag: wanted, inferenceProviderMapping: Object.fromEntries(found) };
}

const picture = new Blob([PICTURE], { type: "image/png" });
const recording = new Blob([RECORDING], { type: "audio/wav" });

type Args = { readonly provider: never; readonly model: string };
type Media = Blob | string | object;

/** It has no method for text-to-audio. */
const CALLS: { readonly [task: string]: (args: Args) => Promise<Media> } = {
  "text-to-image": (args) => client.textToImage({ ...args, inputs: "a fox" }),
  "image-to-image": (args) =>
    client.imageToImage({ ...args, inputs: picture, parameters: { prompt: "at night" } }),
  "image-text-to-image": (args) =>
    client.imageTextToImage({ ...args, inputs: picture, parameters: { prompt: "at night" } }),
  "text-to-video": (args) => client.textToVideo({ ...args, inputs: "a fox runs" }),
  "image-to-video": (args) =>
    client.imageToVideo({ ...args, inputs: picture, parameters: { prompt: "it runs" } }),
  "image-text-to-video": (args) =>
    client.imageTextToVideo({ ...args, inputs: picture, parameters: { prompt: "it runs" } }),
  "image-segmentation": (args) => client.imageSegmentation({ ...args, inputs: picture }),
  "automatic-speech-recognition": (args) =>
    client.automaticSpeechRecognition({ ...args, data: recording }),
  "text-to-speech": (args) =>
    client.textToSpeech({ ...args, inputs: "Hello there", voice: "af_alloy" } as never),
  "audio-to-audio": (args) => client.audioToAudio({ ...args, inputs: recording } as never),
  "image-to-text": (args) => client.imageToText({ ...args, inputs: picture } as never),
};

const SERVED = [
  "fal-ai",
  "replicate",
  "together",
  "novita",
  "wavespeed",
  "zai-org",
  "nscale",
  "deepinfra",
];

for (const { id: provider, tasks = [] } of providers.filter(({ id }) => SERVED.includes(id))) {
  const firsts = new Map([...tasks].reverse().map((one) => [one.task, one]));
  describe(`Hugging Face's client against ${provider}`, () => {
    for (const [task, { hub }] of firsts) {
      const call = CALLS[task];
      if (!call) continue;
      test(`does ${task}`, async () => {
        wanted = task;
        const output = await call({ provider: provider as never, model: hub });
        await expectSound(task, output);
        expect(sim.log()).toEqual([
          expect.objectContaining({ provider, task, outcome: "complete", status: 200 }),
        ]);
        expect(BigInt(sim.log()[0]?.costNanoUsd ?? 0)).toBeGreaterThan(0n);
      }, 20_000);
    }
  });
}

async function expectSound(task: string, output: Media): Promise<void> {
  if (output instanceof Blob) {
    const bytes = new Uint8Array(await output.arrayBuffer());
    const isPicture = task.endsWith("-image");
    expect(probe(bytes)?.kind).toBe(isPicture ? "image" : "sound");
    if (isPicture) expect((await sharp(bytes).metadata()).width).toBeGreaterThan(1);
  } else if (task === "automatic-speech-recognition") {
    expect(output).toMatchObject({ text: expect.any(String) });
  } else if (task === "image-to-text") {
    expect(output).toMatchObject({ generated_text: expect.any(String) });
  } else {
    const [part] = output as readonly { readonly mask?: string; readonly blob?: string }[];
    expect(probe(Buffer.from(part?.mask ?? part?.blob ?? "", "base64"))).toBeDefined();
  }
}
