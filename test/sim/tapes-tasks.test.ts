import { afterAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { drawPicture } from "../../sim/media/draw-picture.js";
import { playSound } from "../../sim/media/play-sound.js";
import { randomFrom } from "../../sim/random.js";
import { startSim } from "../../sim/server.js";
import { KEY } from "./support.js";
import { type Exchange, flowsOf, hasTapes, isStream, structureOf, TAPES } from "./tapes.js";

const sim = startSim();
afterAll(() => sim.stop());

const IMAGE = drawPicture("png", { width: 320, height: 200 }, randomFrom(1), 0);
const SOUND = playSound("wav", 2, randomFrom(1), 0);
const image = Buffer.from(IMAGE).toString("base64");

/** What was sent where the recording does not hold it. */
const UNRECORDED: { readonly [task: string]: object } = {
  "audio-classification": SOUND,
  "audio-to-audio": SOUND,
  "automatic-speech-recognition": SOUND,
  "document-question-answering": { inputs: { question: "Invoice number?", image } },
  "image-classification": IMAGE,
  "image-segmentation": IMAGE,
  "image-to-image": { inputs: image, parameters: { prompt: "a fox" } },
  "image-to-text": IMAGE,
  "object-detection": IMAGE,
  "sentence-similarity": { inputs: { source_sentence: "a", sentences: ["b", "c", "d"] } },
  "text-to-image": { inputs: "a fox" },
  "visual-question-answering": { inputs: { question: "How many?", image } },
  "zero-shot-image-classification": {
    inputs: { image },
    parameters: { candidate_labels: ["animal", "toy", "car"] },
  },
};

const details = { details: true, decoder_input_details: true, return_full_text: false };

/** Text generation of the async client, of which only answers were recorded: told from them. */
function generation({ response: { headers, body = "" } }: Exchange): object {
  if (body.startsWith("Failed to deserialize")) return { inputs: { text: "hi" } };
  const more = body.includes('"details":{') ? details : { return_full_text: false };
  const best = body.includes("best_of_sequences") ? { best_of: 2, do_sample: true } : {};
  const parameters = { max_new_tokens: 1, ...more, ...best };
  return { inputs: "test", parameters, stream: isStream(headers) };
}

/** Recordings that are no pattern any more, and why. */
function outdated(task: string, { response: { body = "" } }: Exchange): string | undefined {
  if (task === "zero-shot-classification") return "labels with scores since 2025-07";
  if (/^\{"error":"Not Found: Model not found/.test(body)) return "what the router said in 2025-01";
  return undefined;
}

const replay = (provider: string, exchange: Exchange, task: string): Promise<Response> => {
  const { body, upstreamPath = "" } = exchange.request;
  const recorded = exchange.request.bodyEncoding === "utf8" ? body : undefined;
  const sent = recorded ?? UNRECORDED[task] ?? generation(exchange);
  const isFile = sent instanceof Uint8Array;
  return fetch(sim.url(provider) + upstreamPath, {
    method: "POST",
    headers: {
      authorization: `Bearer ${KEY}`,
      ...(isFile ? {} : { "content-type": "application/json" }),
    },
    body: isFile || typeof sent === "string" ? (sent as string) : JSON.stringify(sent),
  });
};

const typeOf = (headers: { readonly get: (name: string) => string | null } | string): string =>
  (typeof headers === "string" ? headers : (headers.get("content-type") ?? "")).split(";")[0] ?? "";

if (!hasTapes) {
  test.skip("no recordings beside the repository (../shared/tapes): nothing to compare with", () => {});
} else {
  const tasks = readdirSync(join(TAPES, "hf-inference")).filter(
    (task) => task !== "conversational" && task !== "legacy-conversational",
  );
  for (const task of tasks) describeTask("hf-inference", task);
  describeTask("hyperbolic", "text-generation");
  describeTask("sambanova", "feature-extraction");
  describeTask("together", "text-generation");
}

function describeTask(provider: string, task: string): void {
  describe(`${provider} ${task} on recordings`, () => {
    for (const flow of flowsOf(provider, task)) {
      flow.exchanges
        .filter((exchange) => exchange.step === "inference")
        .forEach((exchange, at) => {
          const why = outdated(task, exchange);
          const name = `${flow.id} ${at}`;
          if (why) test.skip(`${name}: ${why}`, () => {});
          else {
            test(`${name}: status, type and every key are ours, too`, () =>
              compare(provider, exchange, task));
          }
        });
    }
  });
}

/** The request, which a validator of Hyperbolic repeats. */
const NOT_OURS = /^detail\.\[\]\.input/;

async function compare(provider: string, exchange: Exchange, task: string): Promise<void> {
  const { status, headers } = exchange.response;
  // In 2023 nothing stood between the colon and the brace.
  const body = (exchange.response.body ?? "").replace(/^data:\{/gm, "data: {");
  const ours = await replay(provider, exchange, task);
  expect(ours.status).toBe(status);
  expect(typeOf(ours.headers)).toBe(typeOf(headers["content-type"] ?? ""));
  if (typeOf(ours.headers) === "text/plain") {
    expect(await ours.text()).toBe(body);
    return;
  }
  if (!/json|event-stream/.test(typeOf(ours.headers))) {
    expect((await ours.arrayBuffer()).byteLength).toBeGreaterThan(50);
    return;
  }
  const text = await ours.text();
  const made = structureOf(text, isStream(headers));
  const missing = [...structureOf(body, isStream(headers))].filter(
    (one) => !made.has(one) && !NOT_OURS.test(one),
  );
  expect(missing).toEqual([]);
  if (status !== 200) return;
  const computing = Object.keys(headers).filter((header) =>
    /^x-(compute|sha|inference-id)/.test(header),
  );
  expect(computing.filter((header) => !ours.headers.has(header))).toEqual([]);
}
