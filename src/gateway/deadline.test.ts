import { expect, test } from "bun:test";
import { systemClock } from "../kernel/clock.js";
import { Deadline } from "./deadline.js";

/** A caller whose signal is made when it is first looked at, as Bun's is. */
function lateSignal() {
  const controller = new AbortController();
  const caller = {
    looks: 0,
    get signal() {
      caller.looks++;
      return controller.signal;
    },
  };
  return { caller, hangUp: () => controller.abort() };
}

const deadlineFor = (caller: { readonly signal: AbortSignal }): Deadline =>
  new Deadline(systemClock, caller, 1e15, 1e15);

test("what is over before the second look never asks for the caller's signal", () => {
  const { caller } = lateSignal();
  const deadline = deadlineFor(caller);
  deadline.look();
  deadline.end();
  expect(caller.looks).toBe(0);
});

test("a caller who hung up before anybody listened is found gone at the second look", () => {
  const { caller, hangUp } = lateSignal();
  const deadline = deadlineFor(caller);
  const reasons: unknown[] = [];
  deadline.stops({ stop: (reason) => reasons.push(reason) });
  hangUp();
  deadline.look();
  expect(deadline.isStopped).toBe(false);
  deadline.look();
  expect(reasons).toEqual([expect.objectContaining({ name: "AbortError" })]);
});

test("from the second look on a caller who hangs up is heard at once, and after the end not at all", () => {
  for (const isOver of [false, true]) {
    const { caller, hangUp } = lateSignal();
    const deadline = deadlineFor(caller);
    deadline.look();
    deadline.look();
    if (isOver) deadline.end();
    hangUp();
    expect(deadline.isStopped).toBe(!isOver);
  }
});
