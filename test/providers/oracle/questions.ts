/** What is asked about pictures, films and sounds, whoever makes them. */
import type { Media } from "../../../src/tasks/media.js";
import type { OracleRow } from "./row.js";

export type Case = Omit<OracleRow, "provider" | "task">;

export const rowsOf = (
  provider: OracleRow["provider"],
  task: OracleRow["task"],
  cases: readonly Case[],
): readonly OracleRow[] => cases.map((one) => ({ provider, task, ...one }));

export const bytes = new Uint8Array([137, 80, 78, 71, 0, 255, 13, 10]);
export const file = (type: string): Media => ({ type, bytes });
export const png = file("image/png");
export const mp3 = file("audio/mpeg");
export const lora = "weights/lora.safetensors";
export const night = { prompt: "make it night" };
export const more = { seed: 7, negative_prompt: "people", guidance_scale: 3.5 };
export const extra = { user: "ada", seed: 1 };
export const size = { width: 768, height: 512 };

export const bare: Case = { how: "a text", inputs: "a fox" };
export const text: readonly Case[] = [
  bare,
  { ...bare, how: "a text with options", parameters: more, extra },
];
export const picture: readonly Case[] = [
  { how: "a picture", media: png, parameters: night },
  {
    how: "a picture with options",
    media: file("image/webp"),
    parameters: { ...night, ...more },
    extra,
  },
];
export const alone: Case = {
  how: "a text instead of a picture",
  parameters: { ...night, ...more },
  extra,
};
export const steps = { ...more, num_inference_steps: 20 };
