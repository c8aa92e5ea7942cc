import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { InferenceClient } from "@huggingface/inference";
import { isObject } from "../../sim/json.js";
import { drawPicture } from "../../sim/media/draw-picture.js";
import { playSound } from "../../sim/media/play-sound.js";
import { probe } from "../../sim/media/probe.js";
import { randomFrom } from "../../sim/random.js";
import { startSim } from "../../sim/server.js";
import { KEY } from "./support.js";

const sim = startSim();
afterAll(() => sim.stop());
beforeEach(() => sim.reset());

const at = (path: string) => `${sim.url("hf-inference")}/models/${path}`;
const client = new InferenceClient(KEY);
/** The official client, told where the model is: the path is then the caller's. */
const on = (path: string) => client.endpoint(at(path));

const picture = new Blob([drawPicture("png", { width: 64, height: 48 }, randomFrom(1), 0)], {
  type: "image/png",
});
const recording = new Blob([playSound("wav", 3, randomFrom(1), 0)], { type: "audio/wav" });
const sizeOf = async (blob: Blob) => probe(new Uint8Array(await blob.arrayBuffer()));
const last = () => {
  const entry = sim.log().at(-1);
  if (!entry) throw new Error("the log is empty");
  return entry;
};

describe("the Hugging Face client on text", () => {
  test("classifies", async () => {
    const path = "distilbert/distilbert-base-uncased-finetuned-sst-2-english";
    const made = await on(path).textClassification({ inputs: "I like you. I love you." });
    expect(made[0]?.label).toBe("POSITIVE");
    expect(made.reduce((sum, one) => sum + one.score, 0)).toBeCloseTo(1, 5);
    expect(last()).toMatchObject({ task: "text-classification", model: path, status: 200 });
  });

  test("classifies without training, one label or several", async () => {
    const parameters = { candidate_labels: ["refund", "legal"] };
    const bart = on("facebook/bart-large-mnli");
    const one = await bart.zeroShotClassification({ inputs: "I want a refund", parameters });
    expect(one[0]?.label).toBe("refund");
    const many = await bart.zeroShotClassification({
      inputs: "I want a refund",
      parameters: { ...parameters, multi_label: true },
    });
    expect(many.map((label) => label.label).sort()).toEqual(["legal", "refund"]);
  });

  test("finds names", async () => {
    const inputs = "My name is Sarah Jessica Parker but you can call me Jessica";
    const made = await on("dbmdz/bert-large-cased-finetuned-conll03-english").tokenClassification({
      inputs,
    });
    expect(made.map(({ word, start, end }) => [word, start, end])).toEqual([
      ["Sarah Jessica Parker", 11, 31],
      ["Jessica", 52, 59],
    ]);
  });

  test("fills a mask", async () => {
    const bert = on("google-bert/bert-base-uncased");
    const made = await bert.fillMask({ inputs: "[MASK] world!" });
    expect(made.length).toBe(5);
    expect(made[0]?.sequence).toBe(`${made[0]?.token_str} world!`);
    const refused: unknown = await bert.fillMask({ inputs: "world!" }).catch((cause) => cause);
    expect(String(refused)).toContain("mask_token");
  });

  test("answers questions from a text and from a table", async () => {
    const inputs = {
      question: "What is the capital of France?",
      context: "The capital of France is Paris.",
    };
    const made = await on("deepset/roberta-base-squad2").questionAnswering({ inputs });
    expect(made).toMatchObject({ answer: "Paris", start: 25, end: 30 });
    const table = { Repository: ["Transformers", "Datasets"], Stars: ["36542", "4512"] };
    const cell = await on("google/tapas-base-finetuned-wtq").tableQuestionAnswering({
      inputs: { question: "How many stars does the transformers repository have?", table },
    });
    expect(cell).toMatchObject({ cells: ["36542"], coordinates: [[0, 1]], aggregator: "COUNT" });
  });

  test("summarizes and translates", async () => {
    const inputs = "The tower is tall. It is in Paris.";
    const made = await on("google/pegasus-xsum").summarization({ inputs });
    expect(made.summary_text).toBe("The tower is tall.");
    const one = await on("google-t5/t5-base").translation({ inputs });
    expect(one).toMatchObject({ translation_text: expect.any(String) });
    const two = await on("google-t5/t5-base").translation({
      inputs: [inputs, "Hi"] as unknown as string,
    });
    expect(two).toBeArrayOfSize(2);
  });

  test("compares and embeds sentences", async () => {
    const near = await on("sentence-transformers/all-MiniLM-L6-v2/pipeline/sentence-similarity");
    const scores = await near.sentenceSimilarity({
      inputs: { source_sentence: "a happy person", sentences: ["a happy person", "steel"] },
    });
    expect(scores[0]).toBeCloseTo(1, 5);
    expect(scores[1]).toBeLessThan(0.4);
    const embed = on("sentence-transformers/all-MiniLM-L6-v2/pipeline/feature-extraction");
    const one = await embed.featureExtraction({ inputs: "hi" });
    expect(one.length).toBe(384);
    const two = await embed.featureExtraction({ inputs: ["hi", "ho"] });
    expect(two.length).toBe(2);
    const tokens = await on("facebook/bart-base").featureExtraction({ inputs: "hi" });
    expect(Array.isArray(tokens[0]) && Array.isArray(tokens[0][0])).toBe(true);
  });

  test("continues text, plain and streamed, at the route of completions", async () => {
    const ask = { inputs: "Paris is", parameters: { max_new_tokens: 6 } };
    const made = await on("openai-community/gpt2").textGeneration(ask);
    expect(made.generated_text.length).toBeGreaterThan(5);
    expect(last()).toMatchObject({ task: "text-generation", completionTokensDelivered: 6 });
    let text = "";
    for await (const event of on("openai-community/gpt2").textGenerationStream(ask)) {
      const { choices } = event as unknown as { choices: { text: string }[] };
      text += choices[0]?.text ?? "";
    }
    expect(text).toBe(made.generated_text);
  });

  test("judges rows of a table", async () => {
    const inputs = { data: { acidity: ["7.4", "7.8", "10.3"], ph: ["3", "4", "5"] } };
    expect(await on("vvmnnnkv/wine-quality").tabularClassification({ inputs })).toBeArrayOfSize(3);
    expect(await on("scikit-learn/Fish-Weight").tabularRegression({ inputs })).toBeArrayOfSize(3);
  });
});

describe("the Hugging Face client on pictures", () => {
  test("classifies, with and without given labels", async () => {
    const made = await on("google/vit-base-patch16-224").imageClassification({ data: picture });
    expect(made.length).toBe(5);
    const labels = ["animal", "toy"];
    const given = await on("openai/clip-vit-large-patch14-336").zeroShotImageClassification({
      inputs: { image: picture },
      parameters: { candidate_labels: labels },
    });
    expect(given.map(({ label }) => label).sort()).toEqual(labels);
  });

  test("finds things inside of the picture", async () => {
    const made = await on("facebook/detr-resnet-50").objectDetection({ data: picture });
    for (const { box } of made) {
      expect(box.xmin).toBeLessThan(box.xmax);
      expect(box.xmax).toBeLessThanOrEqual(64);
      expect(box.ymax).toBeLessThanOrEqual(48);
    }
  });

  test("cuts it up by masks of its size", async () => {
    const made = await on("facebook/detr-resnet-50-panoptic").imageSegmentation({
      inputs: picture,
    });
    const mask = Buffer.from(made[0]?.mask ?? "", "base64");
    expect(probe(mask)).toEqual({ kind: "image", width: 64, height: 48 });
  });

  test("answers questions about it", async () => {
    const inputs = { question: "How many?", image: picture };
    const seen = await on("dandelin/vilt-b32-finetuned-vqa").visualQuestionAnswering({ inputs });
    expect(seen.score).toBeGreaterThan(0);
    const read = await on("impira/layoutlm-document-qa").documentQuestionAnswering({ inputs });
    expect(typeof read.answer).toBe("string");
  });

  test("draws and redraws", async () => {
    const drawn = await on("stabilityai/stable-diffusion-2").textToImage(
      { inputs: "a fox", parameters: { width: 128, height: 64 } },
      { outputType: "blob" },
    );
    expect(drawn.type).toBe("image/jpeg");
    expect(await sizeOf(drawn)).toEqual({ kind: "image", width: 128, height: 64 });
    expect(last().units).toMatchObject({ images: 1, pixels: 128 * 64 });
    const redrawn = await on("lllyasviel/sd-controlnet-canny").imageToImage({
      inputs: picture,
      parameters: { prompt: "at night" },
    });
    expect(await sizeOf(redrawn)).toEqual({ kind: "image", width: 64, height: 48 });
  });

  test("tells what is on it, in a list that this client does not take", async () => {
    const path = "nlpconnect/vit-gpt2-image-captioning";
    const refused: unknown = await on(path)
      .imageToText({ data: picture })
      .catch((cause) => cause);
    expect(String(refused)).toContain("malformed response");
    const answer = await post(path, picture);
    expect(await answer.json()).toEqual([{ generated_text: expect.any(String) }]);
  });
});

describe("the Hugging Face client on sound", () => {
  test("hears", async () => {
    const made = await on("openai/whisper-large-v3").automaticSpeechRecognition({
      data: recording,
    });
    expect(made.text.length).toBeGreaterThan(5);
    expect(last().units.audioSeconds).toBeCloseTo(3, 2);
    const moods = await on("superb/hubert-large-superb-er").audioClassification({
      data: recording,
    });
    expect(moods.length).toBe(4);
  });

  test("takes voices apart", async () => {
    const made = await on("speechbrain/sepformer-wham").audioToAudio({ data: recording });
    const bytes = Buffer.from(made[0]?.blob ?? "", "base64");
    const heard = probe(bytes);
    expect(heard?.kind === "sound" && heard.seconds).toBeCloseTo(3, 1);
  });

  test("speaks and plays", async () => {
    const spoken = await on("espnet/kan-bayashi_ljspeech_vits").textToSpeech({ inputs: "Hello" });
    expect(spoken.type).toBe("audio/flac");
    expect((await sizeOf(spoken))?.kind).toBe("sound");
    const played = await on("facebook/musicgen-small/pipeline/text-to-audio").textToSpeech({
      inputs: "a waltz",
    });
    expect((await sizeOf(played))?.kind).toBe("sound");
  });
});

async function post(path: string, body: object, headers: Record<string, string> = {}) {
  const isBlob = body instanceof Blob;
  return fetch(path.startsWith("http") ? path : at(path), {
    method: "POST",
    headers: {
      authorization: `Bearer ${KEY}`,
      ...(isBlob ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    body: isBlob ? body : JSON.stringify(body),
  });
}

describe("hf-inference over HTTP", () => {
  const base64 = async (blob: Blob) => Buffer.from(await blob.arrayBuffer()).toString("base64");

  test("takes a file as the body, without a type, or as base64 with parameters", async () => {
    const path = "google/vit-base-patch16-224";
    const untyped = new Blob([await picture.arrayBuffer()]);
    expect(await (await post(path, untyped)).json()).toBeArrayOfSize(5);
    const asked = { inputs: await base64(picture), parameters: { top_k: 2 } };
    expect(await (await post(path, asked)).json()).toBeArrayOfSize(2);
  });

  test("gives timestamps when asked", async () => {
    const asked = { inputs: await base64(recording), parameters: { return_timestamps: true } };
    const made = await (await post("openai/whisper-large-v3", asked)).json();
    const { chunks } = made as { chunks: { timestamp: number[] }[] };
    expect(chunks[0]?.timestamp[0]).toBe(0);
    expect(chunks.at(-1)?.timestamp[1]).toBeCloseTo(3, 1);
  });

  test("serves the older order of a pipeline's path", async () => {
    const model = "sentence-transformers/all-MiniLM-L6-v2";
    const url = `${sim.url("hf-inference")}/pipeline/feature-extraction/${model}`;
    const made = await (await post(url, { inputs: ["a", "b"] })).json();
    expect(made).toBeArrayOfSize(2);
  });

  test("bills the seconds that its header tells", async () => {
    const answer = await post("facebook/bart-large-mnli", {
      inputs: "refund please",
      parameters: { candidate_labels: ["refund", "faq"] },
    });
    const seconds = Number(answer.headers.get("x-compute-time"));
    expect(answer.headers.get("x-compute-type")).toBe("cpu");
    expect(answer.headers.get("x-compute-characters")).toBe("13");
    expect(answer.headers.get("x-inference-id")).toBe(last().providerRequestId);
    expect(last().units.computeSeconds).toBe(seconds);
    expect(last().costNanoUsd).toBe(String(Math.ceil(seconds * 12_000)));
  });

  test("answers the same to the same, whatever came before", async () => {
    const ask = async () => (await post("facebook/detr-resnet-50", picture)).text();
    const first = await ask();
    await post("google/vit-base-patch16-224", picture);
    expect(await ask()).toBe(first);
  });

  test("refuses as recordings and its documentation have it", async () => {
    const unknown = await post("org/nothing", { inputs: "a" });
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toEqual({ error: "Model org/nothing does not exist" });
    const half = await post("deepset/roberta-base-squad2", { inputs: { question: "Who?" } });
    expect(half.status).toBe(400);
    expect(await half.json()).toEqual({ error: ["Error in `inputs.context`: field required"] });
    const broken = await post("google/vit-base-patch16-224", new Blob(["no picture"]));
    expect(await broken.json()).toMatchObject({ warnings: [expect.any(String)] });
    const long = { inputs: "a", parameters: { max_new_tokens: 10_000 } };
    const refused = await post("google/flan-t5-xxl", long);
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({ error_type: "validation" });
    const kwargs = { inputs: "a", parameters: { stop: [], details: false } };
    const unused = await post("google/flan-t5-large", kwargs);
    expect(unused.status).toBe(400);
    expect(JSON.stringify(await unused.json())).toContain(
      "not used by the model: ['stop', 'details']",
    );
  });

  test("loads a model when dialled", async () => {
    sim.setDials("hf-inference", { fail_rate: 1, fail_status: 503 });
    const answer = await post("google-t5/t5-base", { inputs: "a" });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({
      error: "Model google-t5/t5-base is currently loading",
      estimated_time: 20,
    });
  });
});

describe("Text Generation Inference's own route", () => {
  const parameters = { max_new_tokens: 4, return_full_text: false, details: true };

  test("repeats the prompt unless told not to", async () => {
    const [full] = await (await post("openai-community/gpt2", { inputs: "Paris is" })).json();
    expect(full.generated_text).toStartWith("Paris is");
    const asked = { inputs: "Paris is", parameters: { return_full_text: false } };
    const [rest] = await (await post("openai-community/gpt2", asked)).json();
    expect(full.generated_text).toBe(`Paris is${rest.generated_text}`);
  });

  test("gives details of tokens, and of the best of several", async () => {
    const asked = {
      inputs: "test",
      parameters: { ...parameters, decoder_input_details: true, best_of: 2, do_sample: true },
    };
    const [made] = await (await post("openai-community/gpt2", asked)).json();
    expect(made.details).toMatchObject({ finish_reason: "length", generated_tokens: 4 });
    expect(made.details.prefill[0].logprob).toBeNull();
    expect(made.details.best_of_sequences).toBeArrayOfSize(1);
  });

  test("streams tokens, the last with the whole text and without [DONE]", async () => {
    const answer = await post("openai-community/gpt2", {
      inputs: "test",
      parameters,
      stream: true,
    });
    const text = await answer.text();
    expect(text).not.toContain("[DONE]");
    const events = text
      .split("\n\n")
      .filter((event) => event !== "")
      .map((event) => JSON.parse(event.slice("data: ".length)));
    const said = events.map(({ token }) => token.text).join("");
    expect(events.map(({ index }) => index)).toEqual([1, 2, 3, 4]);
    expect(events.slice(0, -1).every((event) => event.generated_text === null)).toBe(true);
    expect(events.at(-1)).toMatchObject({
      generated_text: said,
      details: { finish_reason: "length", generated_tokens: 4, input_length: 1 },
    });
    expect(last()).toMatchObject({ stream: true, completionTokensDelivered: 4 });
    expect(BigInt(last().costNanoUsd)).toBeGreaterThan(0n);
  });

  test("refuses what is too long inside of the stream it had begun", async () => {
    const asked = { inputs: "test", parameters: { max_new_tokens: 10_000 }, stream: true };
    const answer = await post("openai-community/gpt2", asked);
    expect(answer.status).toBe(200);
    const [event = ""] = (await answer.text()).split("\n\n");
    expect(JSON.parse(event.slice("data: ".length))).toMatchObject({ error_type: "validation" });
    expect(last()).toMatchObject({ outcome: "failed", costNanoUsd: "0" });
  });

  test("serves chat models, too", async () => {
    const made = await (await post("HuggingFaceTB/SmolLM3-3B", { inputs: "Hi" })).json();
    expect(isObject(made[0])).toBe(true);
  });
});
