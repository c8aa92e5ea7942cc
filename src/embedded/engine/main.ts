/** An engine's own process: `main.ts wasm|gguf|onnx`, started by `engine-process.ts` and by nobody else. */
import { constants, setPriority } from "node:os";
import { Refusal } from "../refusal.js";
import type { Engine } from "./engine.js";
import { serveEngine } from "./serve.js";

const ENGINES: Readonly<Record<string, () => Promise<Engine>>> = {
  gguf: async () => (await import("./gguf/engine.js")).ggufEngine,
  onnx: async () => (await import("./onnx/engine.js")).onnxEngine,
  wasm: async () => (await import("./wasm/engine.js")).wasmEngine,
};

const [name = ""] = process.argv.slice(2);
const { EMBEDDED_SECRET: secret = "", EMBEDDED_BODY_BYTES_MAX: bytesMax = "0" } = process.env;

// Where there are fewer processors than work, requests that only pass through go first.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
// A call into an engine can block this thread for seconds, so another one watches whether the parent still lives.
new Worker(new URL("./orphan-watch.ts", import.meta.url).href, { ref: false });

const engine = await ENGINES[name]?.();
if (!engine) throw new Refusal(500, `There is no engine "${name}".`);
process.send?.({ port: serveEngine(engine, secret, Number(bytesMax)) });
