import { expect, test } from "bun:test";
import type { PricePerMillion } from "../kernel/money.js";
import { TASKS } from "../tasks/index.js";
import { costOf } from "./cost.js";
import { unitsOf } from "./priceable.js";
import { typicalUsage } from "./typical.js";

/** For each single one. */
const A_DOLLAR = 1_000_000_000_000_000n as PricePerMillion;
const NOTHING_SAID = { measured: {} };
/** A task may have no part of these, and is charged the whole then. */
const MAY_BE_NONE = ["cached_input", "cache_write", "reasoning", "output"];

test("a call of no task is assumed to use nothing of what it can be charged by", () => {
  for (const task of TASKS) {
    for (const unit of unitsOf(task).filter((each) => !MAY_BE_NONE.includes(each))) {
      const cost = costOf(typicalUsage(task, NOTHING_SAID), { [unit]: A_DOLLAR });
      expect({ task, unit, isFree: cost === 0n }).toEqual({ task, unit, isFree: false });
    }
  }
});

test("tokens of pictures and of sound go by how many and how long they are", () => {
  const drawn = (images: number) => typicalUsage("text-to-image", { measured: { images } });
  expect(drawn(3).outputTokens).toBe(3 * drawn(1).outputTokens);
  const heard = (seconds: number) =>
    typicalUsage("automatic-speech-recognition", {
      measured: { audioNanoseconds: seconds * 1_000_000_000 },
    });
  expect(heard(120).inputTokens).toBe(2 * heard(60).inputTokens);
});
