import { expect, test } from "bun:test";
import { Breaker } from "./breaker.js";

/** What happens at a time, and the state and the rest that come of it. */
type Step = readonly [at: number, what: What, state: string, restsForMs: number];
type What =
  | "begin"
  | "unjudged"
  | { readonly fails: number }
  | { readonly succeeds: number }
  | { readonly answers: number }
  | { readonly pause: number };

const REST = 1_000;

function run(steps: readonly Step[], opensAt = 2, dice = 1): void {
  const breaker = new Breaker();
  for (const [now, what, state, rests] of steps) {
    if (what === "begin") breaker.begin(now);
    else if (what === "unjudged") breaker.unjudged();
    else if ("fails" in what) {
      breaker.failed({ now, begunAt: what.fails, weight: 1, opensAt, restMs: REST, dice });
    } else if ("succeeds" in what) breaker.succeeded(what.succeeds);
    else if ("answers" in what) breaker.answered(what.answers);
    else breaker.pause(now, what.pause);
    const seen = [now, what, breaker.stateAt(now), breaker.restsForMs(now)];
    expect<readonly unknown[]>(seen).toEqual([now, what, state, rests]);
  }
}

test("failures in a row open it, and a success between them does not let them add up", () => {
  run([
    [0, { fails: 0 }, "closed", 0],
    [1, { succeeds: 0 }, "closed", 0],
    [2, { fails: 0 }, "closed", 0],
    [3, { fails: 0 }, "open", REST],
  ]);
});

test("after its rest one request goes through, and its success closes it", () => {
  run([
    [0, { fails: 0 }, "closed", 0],
    [0, { fails: 0 }, "open", REST],
    [999, "begin", "open", 1],
    [1_000, "begin", "half-open", 30_000],
    [1_001, "begin", "half-open", 29_999],
    [1_100, { succeeds: 1_000 }, "closed", 0],
    [1_200, { fails: 1_150 }, "closed", 0],
    [1_300, { fails: 1_150 }, "open", REST],
  ]);
});

test("a probe that fails opens it for twice as long each time, up to a limit", () => {
  const steps: Step[] = [
    [0, { fails: 0 }, "closed", 0],
    [0, { fails: 0 }, "open", REST],
  ];
  let at = 0;
  let rest = REST;
  for (let i = 0; i < 12; i++) {
    at += rest;
    rest = Math.min(rest * 2, 300_000);
    steps.push([at, "begin", "half-open", 30_000], [at, { fails: at }, "open", rest]);
  }
  expect(rest).toBe(300_000);
  run(steps);
});

test("the first byte of a stream closes it, and the stream that breaks off after it opens it at once", () => {
  run([
    [0, { fails: 0 }, "closed", 0],
    [0, { fails: 0 }, "open", REST],
    [1_000, "begin", "half-open", 30_000],
    [1_001, { answers: 1_000 }, "closed", 0],
    [1_002, { fails: 1_000 }, "open", 2 * REST],
  ]);
});

test("a probe that says nothing, or is never heard of, makes way for the next", () => {
  run([
    [0, { pause: 500 }, "open", 500],
    [500, "begin", "half-open", 30_000],
    [600, "unjudged", "half-open", 0],
    [700, "begin", "half-open", 30_000],
    [30_700, "begin", "half-open", 30_000],
  ]);
});

test("what began before it opened changes nothing, and what is tried while it rests prolongs nothing", () => {
  run([
    [10, { fails: 0 }, "closed", 0],
    [10, { fails: 0 }, "open", REST],
    [20, { succeeds: 5 }, "open", 990],
    [30, { fails: 5 }, "open", 980],
    [40, { fails: 15 }, "open", 970],
    [50, { succeeds: 45 }, "closed", 0],
  ]);
});

test("a pause that the provider asks for is kept to the millisecond, never shortened, and bounded", () => {
  run([
    [0, { pause: 2_000 }, "open", 2_000],
    [100, { pause: 500 }, "open", 1_900],
    [200, { pause: 5_000 }, "open", 5_000],
    [300, { pause: 86_400_000 }, "open", 300_000],
  ]);
});

test("a share of failures opens it too, though never many of them come in a row", () => {
  const breaker = new Breaker();
  const failed = { begunAt: 0, weight: 1, opensAt: 5, restMs: REST, dice: 1 };
  let requests = 0;
  while (breaker.stateAt(0) === "closed" && requests < 200) {
    if (requests++ % 4 === 0) breaker.succeeded(0);
    else breaker.failed({ ...failed, now: 0 });
  }
  expect(requests).toBeGreaterThan(15);
  expect(requests).toBeLessThan(40);
  const healthy = new Breaker();
  for (let i = 0; i < 10_000; i++) {
    if (i % 4 > 0) healthy.succeeded(0);
    else healthy.failed({ ...failed, now: 0 });
  }
  expect(healthy.stateAt(0)).toBe("closed");
});

test("the dice take up to a quarter off a rest, and nothing off a pause that was asked for", () => {
  run([[0, { fails: 0 }, "open", REST * 0.75]], 1, 0);
  run([[0, { pause: 1_000 }, "open", 1_000]], 1, 0);
});
