/** English sentences as numbers, with the real weights. */
import { afterAll, describe, expect, test } from "bun:test";
import { embeddedUnderTest } from "./support.js";

const embedded = embeddedUnderTest();
afterAll(embedded.end);

const ENCODER = "/models/embedded/universal-sentence-encoder-lite";
const FEATURES = `${ENCODER}/pipeline/feature-extraction`;
const SIMILARITY = `${ENCODER}/pipeline/sentence-similarity`;
const TOPICS = "/models/embedded/zero-shot-topics";

const length = (vector: readonly number[]): number => Math.hypot(...vector);

describe("feature-extraction", () => {
  test("a text is 512 numbers of length 1, and the answer says what it cost to compute", async () => {
    const asked = await embedded.ask(FEATURES, { inputs: "A man is playing the guitar" });
    const vector = asked.json() as number[];
    expect(vector).toHaveLength(512);
    expect(length(vector)).toBeCloseTo(1, 3);
    expect(asked.headers.get("x-compute-type")).toBe("cpu");
    expect(Number(asked.headers.get("x-compute-time"))).toBeGreaterThan(0);
    expect(asked.headers.get("x-inference-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("a list of texts is a list of vectors, each as if it had been alone", async () => {
    const alone = (await embedded.ask(FEATURES, { inputs: "good morning" })).json() as number[];
    const both = (
      await embedded.ask(FEATURES, { inputs: ["a much longer other text", "good morning"] })
    ).json();
    const [, second = []] = both as number[][];
    expect(Math.max(...second.map((each, i) => Math.abs(each - (alone[i] ?? 0))))).toBeLessThan(
      1e-4,
    );
  });

  test("it can be shortened, scaled, and sent as base64", async () => {
    const body = { inputs: "hello", dimensions: 64, normalize: true };
    const plain = (await embedded.ask(ENCODER, body)).json() as number[];
    const packed = (
      await embedded.ask(ENCODER, { ...body, encoding_format: "base64" })
    ).json() as string;
    const floats = new Float32Array(Uint8Array.from(Buffer.from(packed, "base64")).buffer);
    expect([...floats].map((each) => each.toFixed(5))).toEqual(
      plain.map((each) => each.toFixed(5)),
    );
    expect(plain).toHaveLength(64);
    expect(length(plain)).toBeCloseTo(1, 5);
  });

  test("a text that is too long is refused, or cut where that is asked for", async () => {
    const inputs = "weather ".repeat(600);
    const refused = await embedded.ask(FEATURES, { inputs });
    expect(refused.status).toBe(422);
    expect(refused.json()).toEqual({
      error: expect.stringContaining("at most 512 tokens. Given: 600"),
    });
    expect((await embedded.ask(FEATURES, { inputs, truncate: true })).status).toBe(200);
  });
});

test("related sentences are alike, and unrelated ones are not", async () => {
  const inputs = {
    source_sentence: "How old are you?",
    sentences: [
      "What is your age?",
      "The stock market fell sharply today",
      "Simmer the onions in butter",
    ],
  };
  const [related = 0, ...unrelated] = (
    await embedded.ask(SIMILARITY, { inputs })
  ).json() as number[];
  expect(related).toBeGreaterThan(0.6);
  expect(Math.max(...unrelated)).toBeLessThan(0.25);
});

describe("zero-shot-classification", () => {
  const candidate_labels = ["sports", "finance", "astronomy", "cooking"];
  const cases = [
    ["The midfielder scored twice in the final", "sports"],
    ["Interest rates rose and shares fell", "finance"],
    ["The telescope found a new planet", "astronomy"],
    ["Simmer the onions in butter", "cooking"],
  ] as const;
  for (const [inputs, topic] of cases) {
    test(`"${inputs}" is about ${topic}`, async () => {
      const asked = await embedded.ask(TOPICS, { inputs, parameters: { candidate_labels } });
      const labels = asked.json() as { label: string; score: number }[];
      expect(labels[0]?.label).toBe(topic);
      expect(labels.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 6);
    });
  }
});

test("what cannot be answered is refused, and the message names the member", async () => {
  const labels = Array.from({ length: 101 }, (_, i) => `label ${i}`);
  const refusals = [
    [FEATURES, { inputs: "" }, "`inputs`"],
    [FEATURES, { inputs: "  " }, "`inputs`"],
    [FEATURES, { inputs: [] }, "`inputs`"],
    [FEATURES, { inputs: [["a"]] }, "`inputs`"],
    [FEATURES, { inputs: "a", dimensions: 513 }, "`dimensions`"],
    [FEATURES, { inputs: "a", prompt_name: "query" }, "`prompt_name`"],
    [FEATURES, '{"inputs": "a", "dimensions": NaN}', "not valid JSON"],
    [FEATURES, [1], "not a JSON object"],
    [FEATURES, Buffer.from("plain"), "JSON body"],
    [SIMILARITY, { inputs: "a" }, "`inputs`"],
    [TOPICS, { inputs: "a" }, "`parameters`"],
    [
      TOPICS,
      { inputs: "a", parameters: { candidate_labels: [] } },
      "`parameters.candidate_labels`",
    ],
    [TOPICS, { inputs: "a", parameters: { candidate_labels: labels } }, "at most 100 labels"],
  ] as const;
  for (const [path, body, message] of refusals) {
    const asked = await embedded.ask(path, body);
    expect([asked.status, asked.json()]).toEqual([
      400,
      { error: expect.stringContaining(message) },
    ]);
  }
});
