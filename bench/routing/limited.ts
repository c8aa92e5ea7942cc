/**
 * What limits cost a request of the spine bench, headers on the wire and all: processor time of the request thread of a
 * running Turnpike, by turns for a caller with limits and for one without.
 */
import { readFileSync } from "node:fs";
import { type ClosedLoopResult, requestBody, type Target } from "../load/spec.js";
import { choosePins } from "../machine.js";
import { inFreshProcesses, type Session, sendLoad } from "../measure/session.js";
import { median } from "../measure/statistics.js";
import { turnpike } from "../variants/turnpike.js";

/** One of each kind, never reached, and still counted. */
export const LIMITS = {
  requests_per_minute: 900_000_000,
  tokens_per_minute: 1_000_000_000,
  concurrent_requests: 100_000,
};

const CONNECTIONS = 64;
/** Short, so that both callers meet the same moments of a noisy machine. */
const SLICE_MS = { full: 1_500, quick: 300 };
const PAIRS = { full: 12, quick: 2 };
const WARM_UP_PAIRS = 2;
const SLACK_MS = 30_000;

/** Microseconds that limits of all three kinds add to a request. */
export async function timeOfLimits(isQuick: boolean): Promise<number> {
  const size = isQuick ? "quick" : "full";
  const { value } = await inFreshProcesses({ variant: turnpike, pins: choosePins() }, (session) =>
    compare(session, PAIRS[size], SLICE_MS[size]),
  );
  return value;
}

async function compare(session: Session, pairs: number, durationMs: number): Promise<number> {
  const free = session.proxy.target;
  const limited = await limitedTarget(free);
  await check(free, false);
  await check(limited, true);
  const added: number[] = [];
  for (let i = -WARM_UP_PAIRS; i < pairs; i++) {
    const isTurned = i % 2 !== 0;
    const first = await timeOf(session, isTurned ? limited : free, durationMs);
    const second = await timeOf(session, isTurned ? free : limited, durationMs);
    if (i >= 0) added.push(isTurned ? first - second : second - first);
  }
  return median(added);
}

/** The same payer, by a token that has limits. */
async function limitedTarget(target: Target): Promise<Target> {
  const answer = await fetch(`http://127.0.0.1:${target.port}/api/turnpike/me/tokens`, {
    method: "POST",
    headers: { ...target.headers, "Content-Type": "application/json" },
    body: JSON.stringify({ name: "limited", ...LIMITS }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`the limits were refused: ${answer.status} ${text}`);
  return { ...target, headers: { Authorization: `Bearer ${JSON.parse(text).token.token}` } };
}

/** A limit that is not in force would seem to cost nothing. */
async function check(target: Target, isLimited: boolean): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${target.port}${target.path}`, {
    method: "POST",
    headers: { ...target.headers, "Content-Type": "application/json" },
    body: requestBody(target, false),
  });
  await answer.text();
  const isTold = answer.headers.has("ratelimit");
  if (answer.status !== 200 || isTold !== isLimited) {
    throw new Error(`limits: ${isTold}, expected ${isLimited} (${answer.status})`);
  }
}

/** Microseconds of the request thread for one request. */
async function timeOf(session: Session, target: Target, durationMs: number): Promise<number> {
  const { proxy, bodyBytes } = session;
  const before = requestThreadUs(proxy.pids);
  const { result } = await sendLoad<ClosedLoopResult>(session, {
    spec: {
      ...{ mode: "closed-loop", target, bodyBytes, durationMs },
      ...{ connections: CONNECTIONS, warmupMs: 0 },
    },
    limitMs: durationMs + SLACK_MS,
  });
  return (requestThreadUs(proxy.pids) - before) / result.answers;
}

/** A process's first thread has its number; `schedstat` begins with the nanoseconds it had a processor. */
function requestThreadUs([pid]: readonly number[]): number {
  if (pid === undefined) throw new Error("only Linux tells what a thread of another process took");
  const [ns = ""] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ");
  return Number(ns) / 1_000;
}
