/** ONNX models from a stand-in for the Hub, where their engine is installed. The models are made here. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { addOnnx } from "../../src/embedded/add-onnx.js";
import { hubOf } from "../../src/embedded/hub.js";
import { isInstalled } from "../../src/embedded/installed.js";
import { tempFolder } from "../support/app.js";
import { standInHub } from "./hub.js";
import { type EmbeddedUnderTest, embeddedUnderTest } from "./support.js";
import { type TinyModel, tinyRepository, VOCABULARY, type Word } from "./tiny-onnx.js";

const NOTHING = isInstalled("@huggingface/transformers")
  ? undefined
  : "@huggingface/transformers is not installed: no ONNX model is asked";
if (NOTHING) console.warn(NOTHING);

/** For a token, a row with one large number. */
const oneHot = (width: number, place: number, value = 9): number[] =>
  Array.from({ length: width }, (_, i) => (i === place ? value : 0));
const idOf = (word: Word): number => VOCABULARY.indexOf(word);

const opinion = { good: [3, -3], bad: [-3, 3] };
const models: Readonly<Record<string, readonly [task: string, model: TinyModel]>> = {
  "tiny/sentiment": [
    "text-classification",
    {
      architecture: "BertForSequenceClassification",
      labels: ["POSITIVE", "NEGATIVE"],
      outputs: { logits: { width: 2, rows: opinion } },
      isSummed: true,
    },
  ],
  "tiny/encoder": [
    "feature-extraction",
    { architecture: "BertModel", outputs: { last_hidden_state: { width: 2, rows: opinion } } },
  ],
  "tiny/filler": [
    "fill-mask",
    {
      architecture: "BertForMaskedLM",
      outputs: {
        logits: {
          width: VOCABULARY.length,
          rows: { "[MASK]": oneHot(VOCABULARY.length, idOf("good")) },
        },
      },
    },
  ],
  "tiny/names": [
    "token-classification",
    {
      architecture: "BertForTokenClassification",
      labels: ["O", "B-PER", "I-PER", "B-LOC"],
      outputs: {
        logits: {
          width: 4,
          rows: {
            ...Object.fromEntries(VOCABULARY.map((word) => [word, oneHot(4, 0)])),
            ada: oneHot(4, 1),
            lovelace: oneHot(4, 2),
            paris: oneHot(4, 3),
          },
        },
      },
    },
  ],
  "tiny/answers": [
    "question-answering",
    {
      architecture: "BertForQuestionAnswering",
      outputs: {
        start_logits: { width: 1, rows: { paris: [9] } },
        end_logits: { width: 1, rows: { paris: [9] } },
      },
    },
  ],
  "tiny/entailment": [
    "zero-shot-classification",
    {
      architecture: "BertForSequenceClassification",
      labels: ["contradiction", "neutral", "entailment"],
      outputs: { logits: { width: 3, rows: { good: [-2, 0, 2], bad: [2, 0, -2] } } },
      isSummed: true,
    },
  ],
};

const data = tempFolder();
const hub = standInHub(
  Object.fromEntries(Object.entries(models).map(([id, [, model]]) => [id, tinyRepository(model)])),
);
let embedded: EmbeddedUnderTest;

beforeAll(async () => {
  embedded = embeddedUnderTest({ folder: data.path });
  const options = {
    dataFolder: data.path,
    id: undefined,
    hub: hubOf({ HF_ENDPOINT: hub.endpoint }),
    progress: () => {},
  };
  for (const [from, [task]] of Object.entries(models)) await addOnnx({ ...options, from, task });
});
afterAll(async () => {
  await Promise.all([embedded.end(), hub.stop()]);
  data.remove();
});

const ask = async (model: string, inputs: unknown, parameters?: object): Promise<unknown> =>
  (
    await embedded.ask(`/models/tiny/${model}`, { inputs, ...(parameters && { parameters }) })
  ).json();

const score = expect.any(Number);

describe.skipIf(NOTHING !== undefined)("an ONNX model", () => {
  test("classifies a text, the likelier label first", async () => {
    const all = [
      [
        { label: "NEGATIVE", score: expect.closeTo(0.9975, 3) },
        { label: "POSITIVE", score },
      ],
    ];
    expect(await ask("sentiment", "the film is bad")).toEqual(all);
    expect(await ask("sentiment", "the film is good", { top_k: 1 })).toEqual([
      [{ label: "POSITIVE", score }],
    ]);
  });

  test("makes numbers of sentences, and compares them", async () => {
    // The mean of four words and the two tokens around them, of which one has a say.
    expect(await ask("encoder", "the film is good")).toEqual([0.5, -0.5]);
    expect(await ask("encoder", ["good", "bad"], {})).toEqual([
      [1, -1],
      [-1, 1],
    ]);
    const asked = await embedded.ask("/models/tiny/encoder/pipeline/sentence-similarity", {
      inputs: { source_sentence: "good", sentences: ["the film is good", "bad"] },
    });
    expect((asked.json() as number[]).map((each) => each.toFixed(4))).toEqual([
      "1.0000",
      "-1.0000",
    ]);
  });

  test("fills a mask", async () => {
    expect(await ask("filler", "the film is [MASK]", { top_k: 1 })).toEqual([
      { score, token: idOf("good"), token_str: "good", sequence: "the film is good" },
    ]);
    expect(await ask("filler", "the film is good")).toEqual({
      error: "No mask_token ([MASK]) found on the input",
    });
  });

  test("finds names, and says where they stand", async () => {
    const text = "Ada Lovelace lives in Paris.";
    const found = (await ask("names", text)) as {
      entity_group: string;
      start: number;
      end: number;
    }[];
    expect(found.map((each) => [each.entity_group, text.slice(each.start, each.end)])).toEqual([
      ["PER", "Ada Lovelace"],
      ["LOC", "Paris"],
    ]);
  });

  test("answers a question from a text", async () => {
    const inputs = { question: "Where is Ada?", context: "Ada lives in Paris." };
    expect(await ask("answers", inputs)).toEqual({ answer: "paris", score, start: 13, end: 18 });
    expect(await ask("answers", inputs, { top_k: 2 })).toHaveLength(2);
  });

  test("chooses among labels that it never learned", async () => {
    const answer = await ask("entailment", "the film", { candidate_labels: ["bad", "good"] });
    expect(answer).toEqual([
      { label: "good", score },
      { label: "bad", score },
    ]);
  });

  test("refuses what it does not know by name", async () => {
    expect(await ask("sentiment", "good", { function_to_apply: "none" })).toEqual({
      error: expect.stringContaining("function_to_apply"),
    });
    const asked = await embedded.ask("/models/tiny/sentiment/v1/completions", { prompt: "a" });
    expect([asked.status, asked.json()]).toEqual([
      400,
      { error: expect.stringContaining("but not text-generation") },
    ]);
  });
});
