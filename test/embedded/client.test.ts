/** Hugging Face's own JavaScript client accepts every answer: it checks their shapes. */
import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { InferenceClient } from "@huggingface/inference";
import sharp from "sharp";
import { embeddedUnderTest } from "./support.js";

const embedded = embeddedUnderTest();
afterAll(embedded.end);

const client = new InferenceClient(embedded.key);
/** An address alone is asked as hf-inference. */
const at = (route: string) => ({ endpointUrl: `${embedded.origin}/models/embedded/${route}` });
const photo = (name: string): Blob =>
  new Blob([readFileSync(join(import.meta.dir, "media", `${name}.jpg`))], { type: "image/jpeg" });

const ENCODER = "universal-sentence-encoder-lite/pipeline";

test("sentences", async () => {
  const vector = await client.featureExtraction({
    ...at(`${ENCODER}/feature-extraction`),
    inputs: "a text",
  });
  expect(vector).toHaveLength(512);
  const inputs = { source_sentence: "a film", sentences: ["a movie", "a stone"] };
  const [movie = 0, stone = 1] = await client.sentenceSimilarity({
    ...at(`${ENCODER}/sentence-similarity`),
    inputs,
  });
  expect(movie).toBeGreaterThan(stone);
});

test("texts", async () => {
  const parameters = { candidate_labels: ["sports", "cooking"] };
  const topics = await client.zeroShotClassification({
    ...at("zero-shot-topics"),
    inputs: "Simmer the onions",
    parameters,
  });
  expect(topics[0]).toEqual({ label: "cooking", score: expect.any(Number) });
  const languages = await client.textClassification({
    ...at("fasttext-lid-176"),
    inputs: "Guten Morgen allerseits",
  });
  expect(languages[0]?.label).toBe("de");
});

test("pictures", async () => {
  const things = await client.objectDetection({ ...at("centernet-coco"), data: photo("coffee") });
  expect(things[0]?.label).toBe("cup");
  const people = await client.imageSegmentation({
    ...at("selfie-segmentation"),
    inputs: photo("astronaut"),
  });
  expect(people[0]?.label).toBe("person");
  const small = await sharp(await photo("coffee").arrayBuffer())
    .resize(48, 32)
    .png()
    .toBuffer();
  const picture = await client.imageToImage({
    ...at("esrgan-slim-2x"),
    inputs: new Blob([Uint8Array.from(small)], { type: "image/png" }),
    parameters: { target_size: { width: 50, height: 50 } },
  });
  expect([picture.type, picture.size > 100]).toEqual(["image/png", true]);
});

test("speech", async () => {
  const speech = await client.textToSpeech({ ...at("flite"), inputs: "Hello." });
  expect([speech.type, speech.size > 1_000]).toEqual(["audio/wav", true]);
});
