import { expect, test } from "bun:test";
import type { Mapping } from "../catalog/model.js";
import { FAILURES_HALF_LIFE_MS, SPEED_FADES_SLOWER, STATISTICS_KEPT_MS } from "../kernel/limits.js";
import { NOTHING_KNOWN, Statistics } from "./statistics.js";

const AT = Date.UTC(2026, 0, 15, 12);
const SPEED_HALF_LIFE_MS = FAILURES_HALF_LIFE_MS * SPEED_FADES_SLOWER;

const mappingOf = (provider: string): Mapping => ({
  ...{ modelId: "org/model", task: "conversational", provider, providerModel: "m" },
  ...{ status: "live", price: undefined, isFree: true, source: "a test" },
});
const acme = mappingOf("acme");

const streamOf = (tokens: number, totalMs: number, firstByteMs: number) => ({
  ...{ tokens, totalMs, firstByteMs },
});
const wholeOf = (totalMs: number) => ({ tokens: 0, totalMs, firstByteMs: undefined });

test("of whom nobody has asked anything, nothing is known", () => {
  expect(new Statistics().evidenceOf(acme, AT)).toBe(NOTHING_KNOWN);
});

test("speed is tokens by the whole time of answers, long ones counting as what they are", () => {
  const statistics = new Statistics();
  statistics.served(acme, AT, streamOf(10, 1_000, 400));
  statistics.served(acme, AT, streamOf(990, 9_000, 600));
  expect(statistics.evidenceOf(acme, AT)).toMatchObject({
    ...{ throughput: 100, firstByteMs: 500, totalMs: 5_000, answers: 2, seenAt: AT },
  });
});

test("what has no tokens, or comes whole, is known by its time alone", () => {
  const statistics = new Statistics();
  for (const ms of [2_000, 4_000]) statistics.served(acme, AT, wholeOf(ms));
  const { throughput, firstByteMs, totalMs } = statistics.evidenceOf(acme, AT);
  expect({ throughput, firstByteMs, totalMs }).toEqual({
    ...{ throughput: undefined, firstByteMs: undefined, totalMs: 3_000 },
  });
});

test("what was measured a half-life ago counts half of what is measured now", () => {
  const statistics = new Statistics();
  statistics.served(acme, AT, wholeOf(1_000));
  statistics.served(acme, AT + SPEED_HALF_LIFE_MS, wholeOf(4_000));
  const { totalMs, answers } = statistics.evidenceOf(acme, AT + SPEED_HALF_LIFE_MS);
  expect(totalMs).toBeCloseTo((0.5 * 1_000 + 4_000) / 1.5, 9);
  expect(answers).toBeCloseTo(1.5, 9);
});

test("failures fade five times as fast as speed, so that who is well again is soon known to be", () => {
  const statistics = new Statistics();
  statistics.served(acme, AT, wholeOf(1_000));
  for (let i = 0; i < 9; i++) statistics.failed(acme, AT, i < 3);
  const { errorRate, rateLimitedRate } = statistics.evidenceOf(acme, AT);
  expect([errorRate, rateLimitedRate]).toEqual([9 / 11, 3 / 11]);
  const later = statistics.evidenceOf(acme, AT + SPEED_HALF_LIFE_MS);
  expect(later.errorRate).toBeCloseTo(9 / 32 / (10 / 32 + 1), 9);
  expect(later.answers).toBeCloseTo(0.5, 9);
  expect(later.totalMs).toBeCloseTo(1_000, 6);
});

test("half and nineteen of twenty first bytes come within what is told of them", () => {
  const statistics = new Statistics();
  for (let ms = 1; ms <= 1_000; ms++) statistics.served(acme, AT, streamOf(1, 2_000, ms));
  const { firstByteP50Ms = 0, firstByteP95Ms = 0 } = statistics.detailsOf(acme, AT);
  // A class is √2 wide, and so a quantile is off by less than that.
  expect(firstByteP50Ms).toBeGreaterThan(500 / Math.SQRT2);
  expect(firstByteP50Ms).toBeLessThan(500 * Math.SQRT2);
  expect(firstByteP95Ms).toBeGreaterThan(950 / Math.SQRT2);
  expect(firstByteP95Ms).toBeLessThan(950 * Math.SQRT2);
});

test("first bytes of any time have a class, from none to an hour", () => {
  for (const [ms, least, most] of [
    [0, 0, 20],
    [20, 10, 20],
    [20.1, 20, 29],
    [10_000, 7_000, 15_000],
    [3_600_000, 10_000, 15_000],
  ] as const) {
    const statistics = new Statistics();
    statistics.served(acme, AT, streamOf(1, ms, ms));
    const { firstByteP95Ms = -1 } = statistics.detailsOf(acme, AT);
    expect({ ms, isWithin: firstByteP95Ms >= least && firstByteP95Ms <= most }).toEqual({
      ...{ ms, isWithin: true },
    });
  }
});

test("a probe counts, but less than an answer to a caller", () => {
  const statistics = new Statistics();
  statistics.probed(acme, AT, { ok: true, ...streamOf(10, 1_000, 300) });
  expect(statistics.evidenceOf(acme, AT)).toMatchObject({
    ...{ throughput: 10, firstByteMs: 300, answers: 0.25, seenAt: AT },
  });
  statistics.served(acme, AT, streamOf(100, 1_000, 300));
  expect(statistics.evidenceOf(acme, AT).throughput).toBeCloseTo(82, 9);
  statistics.probed(acme, AT, { ok: false, isRateLimited: false });
  expect(statistics.evidenceOf(acme, AT).errorRate).toBeCloseTo(0.25 / 2.5, 9);
});

test("a clock that is set back fades nothing and breaks nothing", () => {
  const statistics = new Statistics();
  statistics.served(acme, AT, wholeOf(1_000));
  statistics.served(acme, AT - 3_600_000, wholeOf(3_000));
  expect(statistics.evidenceOf(acme, AT - 3_600_000)).toMatchObject({ totalMs: 2_000, answers: 2 });
});

/** Everything that processes told, as the store hands it to one of them. */
const toldBy = (...all: readonly Statistics[]) => all.flatMap((each) => each.changed());

test("what several processes measured adds up to what one would have measured, whenever it is heard", () => {
  const [one, other, alone, listener] = [
    ...[new Statistics(), new Statistics(), new Statistics(), new Statistics()],
  ] as const;
  for (let i = 0; i < 50; i++) {
    const at = AT + i * 1_234;
    const answer = streamOf(i, 100 + i, 10 + i * 7);
    (i % 3 === 0 ? one : other).served(acme, at, answer);
    alone.served(acme, at, answer);
    if (i % 7 !== 0) continue;
    (i % 2 === 0 ? one : other).failed(acme, at, true);
    alone.failed(acme, at, true);
  }
  const now = AT + 200_000;
  listener.hear(toldBy(one, other), now);
  for (const later of [now, now + 90_000]) {
    const [heard, own] = [listener.detailsOf(acme, later), alone.detailsOf(acme, later)];
    for (const [name, value] of Object.entries(own)) {
      expect(heard[name as keyof typeof heard]).toBeCloseTo(Number(value), 6);
    }
  }
});

test("hearing the same again counts nothing twice, and one's own measurements stay", () => {
  const [here, there] = [new Statistics(), new Statistics()];
  here.served(acme, AT, wholeOf(1_000));
  there.served(acme, AT, wholeOf(3_000));
  for (let i = 0; i < 3; i++) here.hear(toldBy(there), AT + i);
  expect(here.evidenceOf(acme, AT + 2).answers).toBeCloseTo(2, 4);
  expect(here.evidenceOf(acme, AT + 2).totalMs).toBeCloseTo(2_000, 3);
  here.hear([], AT + 3);
  expect(here.evidenceOf(acme, AT + 3).totalMs).toBeCloseTo(1_000, 6);
});

test("only what changed since it was written is to be written, also when it changed meanwhile", () => {
  const statistics = new Statistics();
  statistics.served(acme, AT, wholeOf(1_000));
  const first = statistics.changed();
  statistics.served(acme, AT, wholeOf(1_000));
  statistics.written(first);
  expect(statistics.changed().length).toBe(1);
  statistics.written(statistics.changed());
  expect(statistics.changed()).toEqual([]);
});

test("a row of another version's making is passed over", () => {
  const statistics = new Statistics();
  statistics.hear([{ mapping: "acme conversational org/model", at: AT, sums: [1, 2, 3] }], AT);
  expect(statistics.evidenceOf(acme, AT)).toBe(NOTHING_KNOWN);
});

test("who is being asked is not new any more, though nothing of it is known", () => {
  const statistics = new Statistics();
  statistics.asked(acme, AT);
  expect(statistics.evidenceOf(acme, AT)).toMatchObject({
    ...{ seenAt: AT, answers: 0, throughput: undefined },
  });
  expect(statistics.changed()).toEqual([]);
});

test("what has faded away is forgotten, here and of others", () => {
  const [here, there] = [new Statistics(), new Statistics()];
  here.served(acme, AT, wholeOf(1_000));
  there.served(mappingOf("other"), AT, wholeOf(1_000));
  here.hear(toldBy(there), AT);
  here.hear([], AT + STATISTICS_KEPT_MS + 1);
  expect(here.evidenceOf(acme, AT)).toBe(NOTHING_KNOWN);
  expect(here.evidenceOf(mappingOf("other"), AT)).toBe(NOTHING_KNOWN);
});
