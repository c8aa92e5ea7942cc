/** `turnpike model add`, against a server that stands in for the Hub. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addGguf } from "../../src/embedded/add-gguf.js";
import { addOnnx } from "../../src/embedded/add-onnx.js";
import { HubError, hubOf } from "../../src/embedded/hub.js";
import { tempFolder } from "../support/app.js";
import { standInHub } from "./hub.js";

const MAIN = join(import.meta.dir, "../../src/cli/main.ts");
const small = `GGUF${"small".repeat(100)}`;
const hub = standInHub(
  {
    "acme/tiny-GGUF": {
      "README.md": "",
      "tiny-Q4_K_M.gguf": small,
      "tiny-Q8_0.gguf": `GGUF${"large".repeat(100)}`,
    },
    "acme/parts": {
      "p-Q4_K_M-00001-of-00002.gguf": "GGUF1",
      "p-Q4_K_M-00002-of-00002.gguf": "GGUF2",
    },
    "acme/damaged": { "x-Q4_K_M.gguf": "damaged: GGUF" },
    "acme/none": { "README.md": "" },
    "acme/bert": {
      "config.json": "{}",
      "tokenizer.json": "{}",
      "onnx/model.onnx": "full",
      "onnx/model_quantized.onnx": "small",
      "onnx/model_fp16.onnx": "half",
      "pytorch_model.bin": "no",
    },
  },
  { token: "hf_secret" },
);
const data = tempFolder();
afterAll(async () => {
  await hub.stop();
  data.remove();
});

const models = join(data.path, "models");

/** The command itself, which takes a while to start. */
async function turnpike(args: readonly string[]) {
  const child = Bun.spawn([process.execPath, MAIN, "model", "add", "--data", data.path, ...args], {
    env: { PATH: process.env.PATH, HF_ENDPOINT: hub.endpoint, HF_TOKEN: "hf_secret" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}

type Wanted = {
  readonly from: string;
  readonly id?: string;
  readonly task?: string;
  readonly token?: string;
};

/** What it does, here. */
function add({ from, id, task, token = "hf_secret" }: Wanted) {
  const env = { HF_ENDPOINT: `${hub.endpoint}/`, HF_TOKEN: token };
  const common = { dataFolder: data.path, from, id, hub: hubOf(env), progress: () => {} };
  return task === undefined ? addGguf(common) : addOnnx({ ...common, task });
}

const indexed = () =>
  (
    JSON.parse(readFileSync(join(models, "index.json"), "utf8")) as {
      models: Record<string, unknown>[];
    }
  ).models;

describe("a GGUF model", () => {
  test("comes from the Hub in the quantization that is named, with its progress and the token", async () => {
    const { code, out, err } = await turnpike(["--gguf", "hf:acme/tiny-GGUF:q4_k_m"]);
    expect([code, out]).toEqual([
      0,
      expect.stringContaining("Added acme/tiny-GGUF for conversational"),
    ]);
    expect(err).toContain("tiny-Q4_K_M.gguf: 0.0 of 0.0 MB");
    expect(readFileSync(join(models, "gguf/acme--tiny-GGUF/tiny-Q4_K_M.gguf"), "utf8")).toBe(small);
    expect(readdirSync(join(models, "gguf/acme--tiny-GGUF"))).toEqual(["tiny-Q4_K_M.gguf"]);
    expect(new Set(hub.seen)).toEqual(new Set(["Bearer hf_secret"]));
    expect(indexed()).toMatchObject([
      { id: "acme/tiny-GGUF", engine: "gguf", source: "hf:acme/tiny-GGUF:q4_k_m" },
    ]);
  });

  test("comes with all its parts, and under the name that is asked for", async () => {
    const weights = "gguf/acme--parts/p-Q4_K_M-00001-of-00002.gguf";
    expect(await add({ from: "hf:acme/parts", id: "local/parts" })).toMatchObject({
      id: "local/parts",
      weights,
    });
    expect(readdirSync(join(models, "gguf/acme--parts"))).toHaveLength(2);
  });

  test("comes from a file", async () => {
    const from = join(data.path, "My Model.gguf");
    writeFileSync(from, small);
    expect(await add({ from })).toMatchObject({ id: "local/My-Model" });
    expect(readFileSync(join(models, "gguf/local--My-Model.gguf"), "utf8")).toBe(small);
  });
});

test("an ONNX model comes in its smallest form, with what belongs to it", async () => {
  const { tasks } = await add({ from: "acme/bert", task: "feature-extraction" });
  expect(tasks).toEqual(["feature-extraction", "sentence-similarity"]);
  const folder = join(models, "onnx/acme/bert");
  expect(readdirSync(join(folder, "onnx"))).toEqual(["model_quantized.onnx"]);
  expect([
    existsSync(join(folder, "tokenizer.json")),
    existsSync(join(folder, "pytorch_model.bin")),
  ]).toEqual([true, false]);
});

test("what cannot be had is told in a sentence, and leaves nothing behind", async () => {
  const before = indexed();
  const text = join(data.path, "text.gguf");
  writeFileSync(text, "not a model");
  const tiny = "hf:acme/tiny-GGUF";
  const mistakes: readonly (readonly [Wanted, string])[] = [
    [
      { from: `${tiny}:Q2_K` },
      "There is no Q2_K in that repository. It has: tiny-Q4_K_M.gguf, tiny-Q8_0.gguf",
    ],
    [{ from: "hf:acme/none" }, "no GGUF file"],
    [{ from: "hf:acme" }, "Expected hf:owner/repo"],
    [{ from: "hf:acme/unknown" }, "was not found"],
    [{ from: "hf:acme/damaged" }, "arrived damaged"],
    [{ from: "/no/such.gguf" }, "There is no file"],
    [{ from: text }, "is not a GGUF file"],
    [{ from: tiny, id: "a/b/c" }, "is no model id"],
    [{ from: tiny, id: "embedded/flite" }, "is a built-in model"],
    [{ from: tiny, token: "" }, "it may want a token in HF_TOKEN"],
    [{ from: "acme/bert", task: "dance" }, "--task: expected one of"],
    [{ from: "acme/none", task: "fill-mask" }, "no ONNX weights"],
  ];
  for (const [wanted, message] of mistakes) {
    const thrown: unknown = await add(wanted).catch((it) => it);
    expect([thrown instanceof HubError, String(thrown)]).toEqual([
      true,
      expect.stringContaining(message),
    ]);
  }
  const { code, err } = await turnpike(["--onnx", "acme/bert"]);
  expect([code, err]).toEqual([1, expect.stringContaining("--onnx owner/model --task TASK")]);
  expect(indexed()).toEqual(before);
  expect(
    readdirSync(models, { recursive: true }).filter((name) => String(name).endsWith(".part")),
  ).toEqual([]);
});
