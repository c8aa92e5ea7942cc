import type { Dials } from "../dials.js";
import { BLOCK_EVENTS, STALL_MS_MAX } from "../limits.js";
import type { Outcome } from "../log.js";
import { wait } from "../wait.js";
import type { Script } from "./script.js";
import type { Event } from "./sse.js";

/** The part of Bun's direct stream controller in use: writes go to the socket without queues between. */
export type Sink = {
  readonly write: (chunk: string | Uint8Array) => unknown;
  readonly flush: () => unknown;
  readonly end: () => unknown;
};

export type Ended = (outcome: Outcome, delivered: number) => void;

type Playing = {
  readonly script: Script;
  readonly dials: Dials;
  readonly signal: AbortSignal;
  readonly ended: Ended;
};

/** Plays a script into a response body and says, once, how it ended and how many tokens went out. */
export function play(playing: Playing): ReadableStream {
  const source = {
    type: "direct",
    pull: (sink: Sink) => run(sink, playing),
  };
  // Bun's own kind of source; the standard types know only "bytes".
  return new ReadableStream(source as unknown as UnderlyingDefaultSource);
}

/** An error to end a stream with: Bun then destroys the socket, which is what a cut is. */
export const CUT = new DOMException("the simulator cuts this stream", "AbortError");

function run(sink: Sink, playing: Playing): Promise<void> | void {
  const { script, dials, signal } = playing;
  const simple = script.ending === "end" && !dials.split && script.events.length <= BLOCK_EVENTS;
  if (simple && !dials.tokens_per_second && !dials.first_token_ms) return runAtOnce(sink, playing);
  return runInSteps(sink, playing, signal);
}

/** No pacing and nothing odd: one write, no timer, no promise. */
function runAtOnce(sink: Sink, { script, signal, ended }: Playing): void {
  if (signal.aborted) {
    ended("aborted", 0);
  } else {
    sink.write(textOf(script.events));
    ended(script.outcome, tokensOf(script.events));
  }
  sink.end();
}

async function runInSteps(sink: Sink, playing: Playing, signal: AbortSignal): Promise<void> {
  const { dials, ended } = playing;
  let delivered = 0;
  const send = async (events: readonly Event[]) => {
    if (dials.split) await sendSplit(sink, textOf(events), signal);
    // A write is a promise when the reader is slow: waiting for it is what keeps memory bounded.
    else await sink.write(textOf(events));
    await sink.flush();
    if (!signal.aborted) delivered += tokensOf(events);
  };
  const there = (await wait(dials.first_token_ms ?? 0, signal)) && (await pace(send, playing));
  if (!there) {
    ended("aborted", delivered);
    sink.end();
    return;
  }
  await leave(sink, playing, delivered);
}

async function leave(sink: Sink, { script, signal, ended }: Playing, delivered: number) {
  if (script.ending === "stall") {
    const waited = await wait(STALL_MS_MAX, signal);
    ended(waited ? script.outcome : "aborted", delivered);
    sink.end();
    return;
  }
  ended(script.outcome, delivered);
  if (script.ending === "end") {
    sink.end();
    return;
  }
  // A reset may overtake what was just written; give it a moment to arrive.
  await wait(5, signal);
  throw CUT;
}

/** Sends everything at the dialled speed. One timer at a time; false when the caller hung up. */
async function pace(
  send: (events: readonly Event[]) => Promise<void>,
  { script, dials, signal }: Playing,
): Promise<boolean> {
  const { events } = script;
  const perMs = (dials.tokens_per_second ?? Infinity) / 1000;
  const start = performance.now();
  let next = 0;
  let tokens = 0;
  while (next < events.length) {
    if (signal.aborted) return false;
    const due = (performance.now() - start) * perMs;
    let until = next;
    while (until < events.length && until - next < BLOCK_EVENTS) {
      const after = tokens + (events[until]?.tokens ?? 0);
      if (after > tokens && after > due && perMs !== Infinity) break;
      tokens = after;
      until += 1;
    }
    if (until > next) await send(events.slice(next, until));
    next = until;
    if (perMs !== Infinity && next < events.length) {
      const at = (tokens + (events[next]?.tokens ?? 0)) / perMs;
      const waited = await wait(Math.max(1, at - (performance.now() - start)), signal);
      if (!waited) return false;
    }
  }
  return !signal.aborted;
}

const encoder = new TextEncoder();

/** Writes bytes cut inside lines and inside characters, each part a write of its own. */
async function sendSplit(sink: Sink, text: string, signal: AbortSignal): Promise<void> {
  const bytes = encoder.encode(text);
  let from = 0;
  for (const cut of [...awkwardCuts(bytes), bytes.length]) {
    if (signal.aborted) return;
    sink.write(bytes.slice(from, cut));
    await sink.flush();
    await wait(0, signal);
    from = cut;
  }
}

/** After "da" of each line, inside each multi-byte character, between the two ends of an event. */
export function awkwardCuts(bytes: Uint8Array): number[] {
  const cuts: number[] = [];
  for (let i = 1; i < bytes.length; i += 1) {
    const here = bytes[i] ?? 0;
    const before = bytes[i - 1] ?? 0;
    const insideCharacter = (here & 0xc0) === 0x80;
    const betweenEnds = here === 0x0a && before === 0x0a;
    const insideWord =
      before === 0x61 && bytes[i - 2] === 0x64 && (i === 2 || bytes[i - 3] === 0x0a);
    if (insideCharacter || betweenEnds || insideWord) cuts.push(i);
  }
  return cuts;
}

const textOf = (events: readonly Event[]): string => {
  let text = "";
  for (const event of events) text += event.text;
  return text;
};

const tokensOf = (events: readonly Event[]): number => {
  let tokens = 0;
  for (const event of events) tokens += event.tokens;
  return tokens;
};
