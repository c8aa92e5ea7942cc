import { afterAll, describe, expect, test } from "bun:test";
import { startSim } from "../../sim/server.js";
import { RECORDING_URI } from "./media-support.js";
import { type Exchange, flowsOf, hasTapes, pathsOf } from "./tapes.js";

/** Flows that we answer otherwise, and why. */
const LEFT_OUT: { readonly [flow: string]: string } = {
  "js-25a434e9b46c": "the weights do not fit the base model, which cannot be known here",
  "js-ced2e2573f8b": "the same",
  "js-98c33edc5fe3": "the same: a LoRA without a path",
  "js-5fef6f6bce54": "one app's own required field",
  "js-0588849bd8db": "an unlisted version with an unlisted input: we take it for pictures",
};

/** Key paths where we differ, by flow. */
const EXCEPTIONS: { readonly [path: string]: string } = {
  "num_images number": "one app's own field",
};

const FOLDERS = [
  ["fal-ai", "automatic-speech-recognition"],
  ["fal-ai", "text-to-image"],
  ["fal-ai", "text-to-video"],
  ["replicate", "text-to-image"],
  ["replicate", "text-to-speech"],
  ["replicate", "text-to-video"],
  ["together", "text-to-image"],
  ["nebius", "text-to-image"],
  ["hyperbolic", "text-to-image"],
  ["black-forest-labs", "text-to-image"],
] as const;

const sim = startSim();
afterAll(() => sim.stop());

const headersFor = (provider: string): Record<string, string> => ({
  "content-type": "application/json",
  authorization: provider === "fal-ai" ? "Key sim-key" : "Bearer sim-key",
  "x-key": "sim-key",
  ...(provider === "replicate" ? { prefer: "wait" } : {}),
});

/** Recordings keep no long bodies: those were sounds. */
const bodyOf = ({ request }: Exchange): string =>
  request.body?.endsWith("}") ? request.body : JSON.stringify({ audio_url: RECORDING_URI });

const NOT_THE_PROVIDERS =
  /^(access-control-|x-api-|x-request-id$|x-powered-by$|x-robots-tag$|x-fal-raw|x-fal-served|ratelimit-|x-ratelimit|x-image-version$|server$|vary$|retry-after$|content-length$)/;

for (const [provider, task] of hasTapes ? FOLDERS : []) {
  describe(`${provider} ${task} on recordings`, () => {
    for (const flow of flowsOf(provider, task)) {
      const exchange = flow.exchanges.find(({ step }) => step === "inference");
      if (!exchange || flow.id in LEFT_OUT) continue;
      test(`${flow.id}: our answer has its status, its headers and every key on it`, async () => {
        const ours = await fetch(sim.url(provider) + (exchange.request.upstreamPath ?? ""), {
          method: "POST",
          headers: headersFor(provider),
          body: bodyOf(exchange),
        });
        const text = await ours.text();
        const { status, headers, body = "" } = exchange.response;
        expect(ours.status).toBe(status);
        const absent = Object.keys(headers).filter(
          (name) => !NOT_THE_PROVIDERS.test(name) && !ours.headers.has(name),
        );
        expect(absent).toEqual([]);
        if (!headers["content-type"]?.includes("json")) expect(text).toBe(body);
        else expectKeys(text, body);
      });
    }
  });
}

function expectKeys(ours: string, theirs: string): void {
  const made = new Set(pathsOf(JSON.parse(ours)));
  const missing = pathsOf(JSON.parse(theirs)).filter(
    (path) => !made.has(path) && !(path in EXCEPTIONS),
  );
  expect(missing).toEqual([]);
}

describe("black-forest-labs polls on a recording", () => {
  const [flow] = hasTapes ? flowsOf("black-forest-labs", "text-to-image") : [];
  const polls = flow?.exchanges.filter(({ step }) => step === "poll") ?? [];

  test.skipIf(polls.length === 0)("every poll has the state and the keys of ours", async () => {
    sim.setDials("black-forest-labs", { job_polls: polls.length - 1 });
    const submitted = await fetch(`${sim.url("black-forest-labs")}/v1/flux-dev`, {
      method: "POST",
      headers: headersFor("black-forest-labs"),
      body: JSON.stringify({ prompt: "An astronaut riding a horse on the moon." }),
    });
    const { polling_url: url } = await submitted.json();
    for (const { response } of polls) {
      const ours = await (await fetch(url, { headers: { "x-key": "sim-key" } })).text();
      expectKeys(ours, response.body ?? "");
      expect(JSON.parse(ours).status).toBe(JSON.parse(response.body ?? "").status);
    }
  });
});
