import { expect, test } from "bun:test";
import { systemClock } from "../../src/kernel/clock.js";
import { manualClock } from "./clock.js";

test("a sleep that was called off before it began is over at once, on either clock", async () => {
  for (const clock of [systemClock, manualClock().clock]) {
    let isOver = false;
    void clock.sleep(3_600_000, AbortSignal.abort()).then(() => {
      isOver = true;
    });
    await Promise.resolve();
    await Promise.resolve();
    expect(isOver).toBe(true);
  }
});
