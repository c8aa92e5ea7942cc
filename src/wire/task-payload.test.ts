import { expect, test } from "bun:test";
import { RouterError } from "../kernel/errors.js";
import { parseTaskPayload } from "./task-payload.js";

const PNG = Buffer.from("\x89PNG\r\n\x1a\n and more", "latin1");
const BASE64 = PNG.toString("base64");
const media = { bytes: PNG, type: "image/png" };

type PayloadTask = Parameters<typeof parseTaskPayload>[0];

const bytes = (text: string) => new TextEncoder().encode(text);
const parse = (task: PayloadTask, json: unknown, type: string | null = "application/json") =>
  parseTaskPayload(task, type, bytes(typeof json === "string" ? json : JSON.stringify(json)));

test("text tasks take JSON whatever its type says, with what stands beside it", () => {
  const body = {
    inputs: "Hallo",
    parameters: { tgt_lang: "en" },
    options: { wait_for_model: true },
  };
  for (const type of ["application/json", null, "application/x-www-form-urlencoded"]) {
    expect(parse("translation", body, type)).toEqual({
      input: { inputs: "Hallo", media: undefined, parameters: { tgt_lang: "en" }, extra: {} },
    });
  }
  expect(parse("feature-extraction", { inputs: ["a"], normalize: true }).input).toMatchObject({
    inputs: ["a"],
    parameters: {},
    extra: { normalize: true },
  });
  const table = { x: ["1"] };
  expect(parse("tabular-classification", { parameters: {}, table }).input).toMatchObject({
    inputs: undefined,
    extra: { table },
  });
});

test("a file is taken as the whole body, and told by its bytes where its type says nothing", () => {
  const cases: readonly (readonly [said: string | null, type: string])[] = [
    ["image/png", "image/png"],
    ["image/x-odd; q=1", "image/x-odd; q=1"],
    [null, "image/png"],
    ["", "image/png"],
    ["application/octet-stream", "image/png"],
    ["application/x-www-form-urlencoded", "image/png"],
  ];
  for (const [said, type] of cases) {
    const { input } = parseTaskPayload("image-classification", said, new Uint8Array(PNG));
    expect(input).toEqual({
      inputs: undefined,
      media: { bytes: new Uint8Array(PNG), type },
      parameters: {},
      extra: {},
    });
  }
  const noise = parseTaskPayload("automatic-speech-recognition", null, bytes("{noise}"));
  expect(noise.input.media?.type).toBe("application/octet-stream");
});

test("a file in JSON is base64, a data URI, or an address to fetch it from", () => {
  const parameters = { threshold: 0.5 };
  const written = [
    BASE64,
    BASE64.replace(/(.{4})/g, "$1\n"),
    `data:image/png;base64,${BASE64}`,
    `data:;base64,${BASE64}`,
  ];
  for (const inputs of written) {
    const payload = parse("object-detection", { inputs, parameters });
    expect(payload).toEqual({ input: { inputs: undefined, media, parameters, extra: {} } });
  }
  const labels = { candidate_labels: ["cat"] };
  for (const inputs of [BASE64, { image: BASE64 }]) {
    const payload = parse("zero-shot-image-classification", { inputs, parameters: labels });
    expect(payload.input).toMatchObject({ inputs: undefined, media, parameters: labels });
  }
  expect(parse("image-to-image", { inputs: "https://x.example/a.png" })).toMatchObject({
    input: { inputs: undefined, media: undefined },
    mediaUrl: "https://x.example/a.png",
  });
});

test("a question about a picture is read in the form of either client", () => {
  const question = "Who?";
  for (const body of [
    { inputs: { question, image: BASE64 } },
    { inputs: BASE64, parameters: {}, question, image: BASE64 },
    { inputs: { question }, image: BASE64 },
  ]) {
    expect(parse("visual-question-answering", body)).toEqual({
      input: { inputs: { question }, media, parameters: {}, extra: {} },
    });
  }
});

test("where the picture may be missing, the prompt alone will do", () => {
  for (const body of [
    { parameters: { prompt: "p" } },
    { inputs: null, parameters: { prompt: "p" } },
  ]) {
    expect(parse("image-text-to-video", body).input).toMatchObject({
      inputs: undefined,
      media: undefined,
      parameters: { prompt: "p" },
    });
  }
});

test("what is no payload of the task is refused by name", () => {
  const refused: readonly (readonly [
    task: PayloadTask,
    body: unknown,
    param: string | undefined,
  ])[] = [
    ["translation", "", undefined],
    ["translation", "not json", undefined],
    ["translation", [1], undefined],
    ["translation", '{"inputs":"a","inputs":"b"}', "inputs"],
    ["translation", {}, "inputs"],
    ["translation", { inputs: null }, "inputs"],
    ["translation", { inputs: "a", parameters: "b" }, "parameters"],
    ["translation", { inputs: "a", parameters: [1] }, "parameters"],
    ["image-to-image", {}, "inputs"],
    ["image-to-image", { inputs: "" }, "inputs"],
    ["image-to-image", { inputs: 7 }, "inputs"],
    ["image-to-image", { inputs: "file:///etc/passwd" }, "inputs"],
    ["image-to-image", { inputs: "ftp://x.example/a.png" }, "inputs"],
    ["image-to-image", { inputs: "not base64!" }, "inputs"],
    ["image-to-image", { inputs: "data:image/png;base64," }, "inputs"],
    ["image-to-image", { inputs: "data:image/png,%E0%A4%A" }, "inputs"],
    ["image-to-image", { inputs: "data:no comma" }, "inputs"],
    ["image-text-to-image", { inputs: 7 }, "inputs"],
    ["zero-shot-image-classification", { inputs: { image: 7 } }, "inputs.image"],
    ["visual-question-answering", { inputs: { image: BASE64 } }, "inputs.question"],
    ["visual-question-answering", { inputs: { question: "Who?" } }, "inputs.image"],
    ["document-question-answering", { inputs: BASE64 }, "inputs.question"],
  ];
  for (const [task, body, param] of refused) {
    const where = `${task} ${JSON.stringify(body)}`;
    try {
      parse(task, body);
      throw new Error(`${where} was taken`);
    } catch (thrown) {
      if (!(thrown instanceof RouterError)) throw thrown;
      expect({ where, param: thrown.detail.param }).toEqual({ where, param });
      expect(thrown.code).toBe("bad_request");
    }
  }
  const form = () => parse("image-to-image", "--b", "multipart/form-data; boundary=b");
  expect(form).toThrow("Send the file as the whole body");
});

test("where a picture may be left out, words alone are words and not a file in base64", () => {
  const encode = (text: string) => new TextEncoder().encode(JSON.stringify({ inputs: text }));
  const read = (text: string) =>
    parseTaskPayload("image-text-to-video", "application/json", encode(text)).input;
  for (const words of ["a fox", "fox", "Ein Fuchs läuft, schnell!"]) {
    expect(read(words)).toMatchObject({ inputs: words, media: undefined });
  }
  const picture = Buffer.from("\x89PNG\r\n\x1a\n and so on", "latin1").toString("base64");
  expect(read(picture)).toMatchObject({ inputs: undefined, media: { type: "image/png" } });
});
