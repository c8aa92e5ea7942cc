import { expect, test } from "bun:test";
import { nanoUsd } from "../kernel/money.js";
import type { AwaitedCost } from "./late-cost.js";
import { LineBuffer } from "./line-buffer.js";
import { type Profile, profileOf } from "./profile.js";
import type { ReceiptDetails } from "./receipt.js";
import { printAwaited, printSettled, printStarted } from "./spool-print.js";
import {
  type Ended,
  isAwaitedLine,
  isSettledLine,
  parseAwaited,
  parseSettled,
  parseStarted,
} from "./spool-record.js";

const details: ReceiptDetails = ["cheapest", "max_tokens=9", ["groq:429", "acmé:200"], "99"];
const ended: Ended = {
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
  details,
};
const settlement = { ...ended, details: JSON.stringify(details) };

/** One line, as it stands in the file. */
function lineOf(print: (lines: LineBuffer) => void): Buffer {
  const lines = new LineBuffer();
  print(lines);
  return lines.content();
}

const settledLine = (of = ended) => lineOf((lines) => printSettled(lines, of));
const startedLine = () => lineOf((lines) => printStarted(lines, ended));
const awaitedLine = (of: AwaitedCost) => lineOf((lines) => printAwaited(lines, of));
const body = (line: Buffer) => line.subarray(0, -1);

test("what is written is what is read, to the last nano-dollar", () => {
  const line = settledLine();
  expect(isSettledLine(Buffer.concat([Buffer.from("x\n"), line]), 2)).toBe(true);
  expect(isSettledLine(startedLine(), 0)).toBe(false);
  expect(parseSettled(body(line))).toEqual(settlement);
  const { id, profile, at, isStream, tags } = ended;
  const started = { id, profile, at, isStream, tags };
  expect(parseStarted(body(startedLine()))).toEqual(started);
});

test("what many settlements share is read once, and is not mixed up", () => {
  const other = { ...ended, profile: profileOf({ ...ended.profile, userId: "ü" }) };
  const again = { ...ended, debits: [], details: undefined };
  const read = [ended, other, again].map((each) => parseSettled(body(settledLine(each))));
  expect(read).toEqual([settlement, { ...other, details: settlement.details }, again]);
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
  const line = body(awaitedLine(awaited));
  expect(isAwaitedLine(line, 0)).toBe(true);
  expect(isSettledLine(line, 0)).toBe(false);
  expect(isAwaitedLine(settledLine(), 0)).toBe(false);
  expect(parseAwaited(line)).toEqual(awaited);
  const look = { path: "/jobs/a\tb", host: "queue", asked: { images: 2 } };
  for (const job of [look, "known"] as const) {
    expect(parseAwaited(body(awaitedLine({ ...awaited, job })))).toEqual({ ...awaited, job });
  }
  expect(parseAwaited(line.subarray(0, -1))).toBeUndefined();
  expect(parseAwaited(body(settledLine()))).toBeUndefined();
});

test("a line cut anywhere, or with one changed character, is no record", () => {
  const line = body(settledLine());
  for (let at = 0; at < line.length; at++) {
    expect(parseSettled(line.subarray(0, at))).toBeUndefined();
    const changed = Buffer.from(line);
    changed[at] = (line[at] ?? 0) ^ 1;
    expect(parseSettled(changed)).toBeUndefined();
  }
});

test("a beginning is no settlement, nor the other way round", () => {
  expect(parseSettled(body(startedLine()))).toBeUndefined();
  expect(parseStarted(body(settledLine()))).toBeUndefined();
});
