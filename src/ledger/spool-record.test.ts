import { expect, test } from "bun:test";
import { nanoUsd } from "../kernel/money.js";
import { type Profile, profileOf } from "./profile.js";
import {
  isAwaitedLine,
  isSettledLine,
  parseAwaited,
  parseSettled,
  parseStarted,
  printAwaited,
  printSettled,
  printStarted,
} from "./spool-record.js";
import type { Settlement } from "./store.js";

const settlement: Settlement = {
  id: "request-1",
  profile: profileOf({
    userId: "u",
    tokenId: "t",
    payer: "user:u",
    groupId: "",
    model: "org/größe",
    task: "conversational",
    provider: "together",
    isOwnKey: false,
    price: ["input", "1"],
  }),
  at: 1_767_225_600_000,
  status: 200,
  outcome: "served",
  usage: {
    inputTokens: 9,
    cachedInputTokens: 1,
    cacheWriteTokens: 3,
    outputTokens: 7,
    reasoningTokens: 2,
    measured: { computeNanoseconds: 22_899_515_643 },
    estimated: true,
  },
  cost: nanoUsd(2n ** 53n + 1n),
  counted: nanoUsd(2n ** 53n - 1n),
  overrun: nanoUsd(3n),
  debits: [
    { account: "grant:a", amount: nanoUsd(2n ** 53n - 3n) },
    { account: "limit:b", amount: nanoUsd(1n) },
  ],
  durationMs: 12,
  firstByteMs: undefined,
  attempts: 2,
  isStream: true,
  tags: ["env=prod", "team=größe"],
  details: '["cheapest","max_tokens=9",["groq:429","acme:200"],"99"]',
};

const body = (line: string) => Buffer.from(line.slice(0, -1));

test("what is written is what is read, to the last nano-dollar", () => {
  const line = printSettled(settlement);
  expect(isSettledLine(Buffer.from(`x\n${line}`), 2)).toBe(true);
  expect(isSettledLine(Buffer.from(printStarted(settlement)), 0)).toBe(false);
  expect(parseSettled(body(line))).toEqual(settlement);
  const { id, profile, at, isStream, tags } = settlement;
  const started = { id, profile, at, isStream, tags };
  expect(parseStarted(body(printStarted(settlement)))).toEqual(started);
});

test("what many settlements share is read once, and is not mixed up", () => {
  const other = { ...settlement, profile: profileOf({ ...settlement.profile, userId: "ü" }) };
  const again = { ...settlement, debits: [], details: undefined };
  const read = [settlement, other, again].map((each) => parseSettled(body(printSettled(each))));
  expect(read).toEqual([settlement, other, again]);
  expect(read[2]?.profile).toBe(read[0]?.profile as Profile);
});

test("a request whose provider tells its cost later is noted with who pays", () => {
  const awaited = {
    requestId: "request-1",
    provider: "novita",
    providerRequestId: 'größe "7"',
    bucketIds: ["user:u", "token:t"],
    at: 1_767_225_600_000,
  };
  const line = body(printAwaited(awaited));
  expect(isAwaitedLine(line, 0)).toBe(true);
  expect(isSettledLine(line, 0)).toBe(false);
  expect(isAwaitedLine(Buffer.from(printSettled(settlement)), 0)).toBe(false);
  expect(parseAwaited(line)).toEqual(awaited);
  const look = { path: "/jobs/a\tb", host: "queue", asked: { images: 2 } };
  for (const job of [look, "known"] as const) {
    expect(parseAwaited(body(printAwaited({ ...awaited, job })))).toEqual({ ...awaited, job });
  }
  expect(parseAwaited(line.subarray(0, -1))).toBeUndefined();
  expect(parseAwaited(body(printSettled(settlement)))).toBeUndefined();
});

test("a line cut anywhere, or with one changed character, is no record", () => {
  const line = body(printSettled(settlement));
  for (let at = 0; at < line.length; at++) {
    expect(parseSettled(line.subarray(0, at))).toBeUndefined();
    const changed = Buffer.from(line);
    changed[at] = (line[at] ?? 0) ^ 1;
    expect(parseSettled(changed)).toBeUndefined();
  }
});

test("a beginning is no settlement, nor the other way round", () => {
  expect(parseSettled(body(printStarted(settlement)))).toBeUndefined();
  expect(parseStarted(body(printSettled(settlement)))).toBeUndefined();
});
