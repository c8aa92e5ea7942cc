/** TensorFlow.js on its WebAssembly backend, and weights from files. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { type GraphModel, loadGraphModel } from "@tensorflow/tfjs-converter";
import { type io, setBackend } from "@tensorflow/tfjs-core";
import { assert } from "../../../kernel/errors.js";

let isReady: Promise<void> | undefined;

/** To be awaited before the first tensor. */
export function tensorflowReady(): Promise<void> {
  isReady ??= start();
  return isReady;
}

async function start(): Promise<void> {
  setWasmPaths(join(packageFolder("@tensorflow/tfjs-backend-wasm"), "wasm-out", "/"));
  // The plain backend would do the same thirty times slower; rather nothing than that.
  assert(await setBackend("wasm"), "the WebAssembly backend starts");
}

export const packageFolder = (name: string): string =>
  dirname(Bun.resolveSync(`${name}/package.json`, import.meta.dir));

export const ownWeights = (...path: string[]): string =>
  join(import.meta.dir, "../../weights", ...path);

export async function graphModel(modelJson: string): Promise<GraphModel> {
  await tensorflowReady();
  return await loadGraphModel(fileHandler(modelJson));
}

type WeightsEntry = {
  readonly paths: readonly string[];
  readonly weights: io.WeightsManifestEntry[];
};

/** TensorFlow.js reads files through fetch or its native package, and here there is neither. */
export const fileHandler = (modelJson: string): io.IOHandler => ({
  load: async () => {
    const { weightsManifest, ...model } = JSON.parse(await readFile(modelJson, "utf8"));
    const entries = weightsManifest as WeightsEntry[];
    const paths = entries.flatMap((entry) =>
      entry.paths.map((path) => join(dirname(modelJson), path)),
    );
    const shards = await Promise.all(paths.map((path) => readFile(path)));
    const bytes = Uint8Array.from(Buffer.concat(shards));
    return {
      ...model,
      weightSpecs: entries.flatMap(({ weights }) => weights),
      weightData: bytes.buffer,
    };
  },
});
