import { expect, test } from "bun:test";
import type { Price } from "../catalog/model.js";
import type { PricePerMillion } from "../kernel/money.js";
import { TASKS, type Task } from "../tasks/index.js";
import type { Unit } from "../tasks/usage.js";
import { isPriceFor, priceFault, unitsOf } from "./priceable.js";

const price = (units: { readonly [U in Unit]?: number }): Price =>
  Object.fromEntries(
    Object.entries(units).map(([unit, each]) => [unit, BigInt(each) as PricePerMillion]),
  );

test("a task is charged by what it counts, and by nothing less than a whole price", () => {
  const table: readonly [Task, { readonly [U in Unit]?: number }, RegExp | undefined][] = [
    ["conversational", { input: 1, output: 2 }, undefined],
    ["conversational", { input: 0, output: 2, cache_write: 1, cached_input: 1 }, undefined],
    ["conversational", { request: 1 }, undefined],
    ["conversational", { compute_second: 1 }, undefined],
    ["conversational", { compute_second: 1, input: 1 }, undefined],
    ["conversational", {}, /no price/],
    ["conversational", { input: 1 }, /half a price: input/],
    ["conversational", { output: 1, cached_input: 1 }, /half a price/],
    ["conversational", { input: 0, output: 0 }, /nothing, and no is_free/],
    ["conversational", { input: 1, output: 1, image: 1 }, /per image/],
    ["conversational", { audio_second: 1 }, /per audio_second/],
    ["feature-extraction", { input: 1 }, undefined],
    ["feature-extraction", { output: 1 }, /per output/],
    ["text-to-image", { image: 1 }, undefined],
    ["text-to-image", { megapixel: 1, step: 1 }, undefined],
    ["text-to-image", { input: 1, output: 1 }, undefined],
    ["text-to-image", { output: 1 }, /half a price/],
    ["text-to-video", { video_second: 1 }, undefined],
    ["text-to-video", { image: 1 }, /per image/],
    ["text-to-video", { input: 1, output: 1 }, /per input/],
    ["automatic-speech-recognition", { audio_minute: 1 }, undefined],
    ["automatic-speech-recognition", { million_characters: 1 }, /million_characters/],
    ["text-to-speech", { million_characters: 1 }, undefined],
    ["image-to-text", { image: 1 }, undefined],
  ];
  for (const [task, units, fault] of table) {
    const said = priceFault(task, price(units));
    if (fault)
      expect({ task, units, said }).toEqual({ task, units, said: expect.stringMatching(fault) });
    else expect({ task, units, said }).toEqual({ task, units, said: undefined });
    expect(isPriceFor(task, price(units))).toBe(fault === undefined);
  }
  expect(isPriceFor("conversational", undefined)).toBe(false);
});

test("every task can be charged by the request and by compute time", () => {
  for (const task of TASKS) {
    expect(isPriceFor(task, price({ request: 1 }))).toBe(true);
    expect(isPriceFor(task, price({ compute_second: 1 }))).toBe(true);
    expect(unitsOf(task)).toContain("compute_second");
  }
});
