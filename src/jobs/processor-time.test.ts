import { expect, test } from "bun:test";
import { processorTime, processorTimeFrom } from "./processor-time.js";

const isTold = process.platform === "linux" && processorTime() !== undefined;

test.skipIf(!isTold)(
  "a thread that computes has run about as long as it was not kept waiting",
  () => {
    const [from, began] = [processorTime(), performance.now()];
    while (performance.now() - began < 100);
    const wallMs = performance.now() - began;
    const { ranMs, waitedMs } = processorTimeFrom(from, processorTime());
    expect(ranMs).toBeGreaterThan(0);
    expect(Math.abs(ranMs + waitedMs - wallMs)).toBeLessThan(0.2 * wallMs);
  },
);

test("where the system tells nothing, nobody was kept waiting", () => {
  const some = { ranMs: 5, waitedMs: 5 };
  expect(processorTimeFrom(undefined, some)).toEqual({ ranMs: 0, waitedMs: 0 });
  expect(processorTimeFrom(some, undefined)).toEqual({ ranMs: 0, waitedMs: 0 });
});
