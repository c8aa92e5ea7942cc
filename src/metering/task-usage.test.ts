import { expect, test } from "bun:test";
import type { TaskInput } from "../tasks/task-call.js";
import { askedOf } from "./asked.js";
import { NOTHING_ASKED, taskBound, taskMeasured } from "./task-usage.js";

const input = (parameters: Record<string, unknown>, inputs: unknown = "héllo 🦊"): TaskInput => ({
  inputs,
  media: undefined,
  parameters,
  extra: {},
});

const asked = (parameters: Record<string, unknown>, count = 1) =>
  askedOf("text-to-image", input(parameters), count, undefined);

test("a size is read under whichever name it has", () => {
  for (const parameters of [
    { width: 640, height: 480 },
    { size: "640x480" },
    { size: "640*480" },
    { target_size: { width: 640, height: 480 } },
    { image_size: { width: 640, height: 480 } },
  ]) {
    expect(asked(parameters).pixels).toBe(307_200);
  }
  for (const parameters of [{}, { width: 640 }, { size: "big" }, { size: "99999999x1" }]) {
    expect(asked(parameters).pixels).toBeUndefined();
  }
});

test("what is no sensible number says nothing", () => {
  for (const steps of [Number.NaN, Number.POSITIVE_INFINITY, -1, "20", null]) {
    expect(asked({ num_inference_steps: steps }).steps).toBeUndefined();
  }
  expect(asked({ num_inference_steps: 2.5 }).steps).toBe(3);
});

test("characters are those that people count, and no tokenizer makes more tokens than bytes", () => {
  const { characters, textBytes } = asked({});
  expect([characters, textBytes]).toEqual([7, Buffer.byteLength("héllo 🦊")]);
});

test("a film is as long as its seconds or its frames say", () => {
  const videoMs = (parameters: Record<string, unknown>) =>
    askedOf("text-to-video", input(parameters), 1, undefined).videoMs;
  expect(videoMs({ duration: 5 })).toBe(5_000);
  expect(videoMs({ num_frames: 48 })).toBe(2_000);
  expect(videoMs({ num_frames: 48, fps: 16 })).toBe(3_000);
  expect(videoMs({})).toBeUndefined();
});

test("what was delivered wins over what was asked for, and what nobody knows is what was held for", () => {
  const small = asked({ width: 1_000, height: 1_000 });
  const seen = { images: 1, pixels: 250_000, videoMs: undefined, audioMs: undefined };
  const isPixels = (measure: string) => measure === "pixels";
  expect(taskMeasured("text-to-image", small, seen, isPixels).pixels).toBe(250_000);
  const unseen = { ...seen, pixels: undefined };
  expect(taskMeasured("text-to-image", small, unseen, isPixels).pixels).toBe(1_000_000);
  const most = taskBound("text-to-image", asked({}), undefined).measured?.pixels;
  expect(taskMeasured("text-to-image", asked({}), unseen, isPixels).pixels).toBe(most);
});

test("what no price charges and nobody said is not on the bill", () => {
  const seen = { images: 0, pixels: undefined, videoMs: undefined, audioMs: undefined };
  expect(taskMeasured("text-to-speech", NOTHING_ASKED, seen, () => false)).toEqual({});
});

test("a bound is never below what is then counted", () => {
  const seen = { images: 3, pixels: undefined, videoMs: undefined, audioMs: undefined };
  const three = asked({}, 3);
  const counted = taskMeasured("text-to-image", three, seen, () => true);
  const bound = taskBound("text-to-image", three, undefined).measured ?? {};
  for (const [measure, count] of Object.entries(counted)) {
    expect([measure, count <= (bound[measure as keyof typeof bound] ?? 0)]).toEqual([
      measure,
      true,
    ]);
  }
});
