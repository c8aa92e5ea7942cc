import { expect, test } from "bun:test";
import type { SpoolPosition } from "../ledger/store.js";
import type { DrainAnswer, DrainQuestion, DrainThread } from "./drainer.js";
import { Drainer } from "./drainer.js";

const at = (offset: number): SpoolPosition => ({ segment: 0, offset });

/** A drain of `total` bytes in batches of 10, whose thread had to wait for a processor in each of them. */
function crowded(total: number) {
  let nowMs = 0;
  const asked: number[] = [];
  const answers = new Map<string, (answer: DrainAnswer) => void>();
  const answer = (question: DrainQuestion): DrainAnswer => {
    if (question.kind === "close") return { ok: true, batch: undefined };
    const { offset } = question.from;
    asked.push(offset);
    const upTo = at(Math.min(offset + 10, total));
    const took = { ranMs: 10, waitedMs: 30 };
    return { ok: true, batch: { upTo, leftBytes: total - upTo.offset, took } };
  };
  const thread = {
    postMessage: (question: DrainQuestion) =>
      queueMicrotask(() => answers.get("message")?.(answer(question))),
    on: (event: string, listener: (answer: DrainAnswer) => void) => answers.set(event, listener),
    ref: () => {},
    unref: () => {},
    terminate: async () => 0,
  } as unknown as DrainThread;
  const drainer = new Drainer({
    ...{ place: "memory", folder: "spool", node: "n" },
    clock: { elapsed: () => nowMs },
    spool: { position: () => at(total), oldestOpenSegment: () => 0 },
    startThread: () => thread,
  });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { drainer, asked, pass };
}

test("a drain that nobody waits for pauses after a batch that had to wait for a processor", async () => {
  const { drainer, asked, pass } = crowded(30);
  await drainer.drainAside();
  pass(189);
  await drainer.drainAside();
  expect(asked).toEqual([0]);
  pass(1);
  await drainer.drainAside();
  expect(asked).toEqual([0, 10]);
});

test("whoever waits for a drain gets all of it at once, even in the middle of a pause", async () => {
  const { drainer, asked } = crowded(30);
  await drainer.drainAside();
  await drainer.drain();
  expect(asked).toEqual([0, 10, 20]);
  // All of it is there: nothing is asked of the thread again.
  await drainer.drain();
  expect(asked).toHaveLength(3);
  await drainer.stop();
});
