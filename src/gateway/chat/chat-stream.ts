/** Passes a stream on as it comes, event by event. */
import { reasonOf } from "../../kernel/log.js";
import type { ChatEvent } from "../../wire/chat-event.js";
import type { StreamDialect } from "../../wire/dialects/dialect.js";
import { EventTemplate } from "../../wire/event-template.js";
import { latin1Bytes } from "../../wire/sse.js";
import { answerHeaders, type Facts } from "../answer-headers.js";
import { streamErrorMessage } from "../failure.js";
import type { ChatCall, Gateway } from "../parts.js";
import { type Sink, type Source, StreamReply } from "../reply.js";
import { keyFor } from "../route/candidates.js";
import type { StreamStart } from "../send.js";
import type { Turn } from "../turn.js";
import { continued, type Rest, saidFor } from "./continue.js";
import type { Resend } from "./resend.js";
import { type StreamContext, StreamEnding, StreamError } from "./stream-ending.js";
import { isPaidFor } from "./stream-hold.js";
import { meterFor } from "./stream-meter.js";
import { StreamPace } from "./stream-pace.js";

const NO_EVENTS: readonly string[] = [];

/** A stream that has begun, and how it is spoken. */
export type Streaming = {
  readonly start: StreamStart;
  readonly dialect: StreamDialect;
  /** Of the answer, where they are not just our own. */
  readonly headers?: Headers;
  /** Undefined where nobody could go on with it. */
  readonly resend?: Resend;
};

/** The answer to a caller, whose body is the provider's stream. It is settled when that ends, whoever ends it. */
export function answerStream(
  gateway: Gateway,
  call: ChatCall,
  turn: Turn,
  facts: Facts,
  { start, dialect, headers = answerHeaders(gateway, call, facts), resend }: Streaming,
): StreamReply {
  const meter = meterFor(turn);
  const said = resend && saidFor(gateway, call);
  const context = { gateway, call, turn, facts, dialect, meter, said, resend };
  const relay = new ChatRelay(context, start);
  return new StreamReply(200, headers, relay);
}

/** An event that ends the stream: it reports an error, or is none. */
type BrokenEvent = { readonly kind: "broken"; readonly reason: unknown };
type ErrorEvent = Extract<ChatEvent, { kind: "error" }>;
type SlowEvent = Extract<ChatEvent, { kind: "chunk" | "done" }> | BrokenEvent;

class ChatRelay implements Source {
  private context: StreamContext;
  private readonly signal: AbortSignal;
  private start: StreamStart;
  private ending: StreamEnding;
  private pace: StreamPace;
  private template = new EventTemplate();
  /** Read and not passed on. */
  private events: readonly string[];
  /** The first event that cannot be passed on without waiting. */
  private slow: SlowEvent | undefined;
  private sink: Sink | undefined;
  /** Resolves when a slow caller has taken what was written. */
  private flushed: Promise<unknown> | undefined;

  constructor(context: StreamContext, start: StreamStart) {
    this.context = context;
    this.signal = context.call.sender.signal;
    this.start = start;
    this.ending = new StreamEnding(context);
    this.pace = new StreamPace(context.gateway.clock, context.meter, context.gateway.limits);
    this.events = start.events;
    this.signal.addEventListener("abort", this.onCallerGone, { once: true });
    context.turn.deadline.pause();
    // Who hung up before anybody listened is not heard of again.
    if (this.signal.aborted) this.onCallerGone();
  }

  /** Passes everything on; resolves when the stream is over and settled. */
  async run(sink: Sink): Promise<void> {
    const { signal } = this;
    this.sink = sink;
    while (!this.ending.hasBegun) {
      try {
        this.passArrived();
        this.write(await this.passSlow());
        await this.taken();
        await this.waitForSlow();
      } catch (thrown) {
        if (!signal.aborted) await this.breakOff(thrown);
      }
    }
    await this.flushed;
    signal.removeEventListener("abort", this.onCallerGone);
    if (!signal.aborted) sink.close();
  }

  /** Resolves once a slow caller has taken all; what it took must not be waited for again. */
  private async taken(): Promise<void> {
    for (let { flushed } = this; flushed; { flushed } = this) {
      await flushed;
      if (this.flushed === flushed) this.flushed = undefined;
    }
  }

  abandon(): Promise<void> {
    return this.ending.abandon();
  }

  /** The provider failed: somebody else goes on, or the caller is told. */
  private async breakOff(thrown: unknown): Promise<void> {
    const rest = await continued(this.context, this.ending, thrown);
    if (rest) this.goOn(rest);
    else this.write(await this.ending.breakOff(thrown));
  }

  private goOn({ context, start }: Rest): void {
    this.context = context;
    this.start = start;
    this.ending = new StreamEnding(context);
    this.pace = new StreamPace(context.gateway.clock, context.meter, context.gateway.limits);
    this.template = new EventTemplate();
    this.events = start.events;
    this.slow = undefined;
    context.turn.deadline.pause();
    if (this.signal.aborted) this.onCallerGone();
  }

  private readonly onCallerGone = () => {
    const { gateway, call } = this.context;
    this.abandon().catch((thrown) =>
      gateway.log("error", "settle_failed", { request: call.id, reason: reasonOf(thrown) }),
    );
  };

  private write(text: string): void {
    if (text !== "") this.writeBytes(latin1Bytes(text));
  }

  private writeBytes(bytes: Uint8Array): void {
    if (this.signal.aborted) return;
    this.sink?.write(bytes);
    this.flushed = this.sink?.flush();
  }

  /**
   * Passes on what has arrived, up to the first event that has to wait for something. Nearly all events of all
   * streams go through here: it makes no promise, and bytes that need no change go out as they came in.
   */
  private passArrived(): void {
    while (!this.slow) {
      const bytes = this.events.length === 0 ? this.start.exchange.takeUnread() : undefined;
      if (bytes && this.passAlike(bytes)) continue;
      if (bytes) this.events = this.start.splitter.push(bytes);
      if (this.events.length === 0 && !bytes) return;
      const isAligned = bytes !== undefined && this.start.splitter.isAligned;
      const { text, isChanged } = this.passEvents();
      if (bytes && isAligned && !isChanged) this.writeBytes(bytes);
      else this.write(text);
    }
  }

  /** Passes on a single event that is like the ones before and paid for; false for anything else. */
  private passAlike(bytes: Buffer): boolean {
    const { meter, said, before } = this.context;
    // What is remembered or rewritten has to be read.
    if (said || before || !this.start.splitter.isAtStart) return false;
    const length = this.template.textIn(bytes);
    if (length < 0 || !meter.covers(length)) return false;
    meter.deliverBytes(bytes, this.template.textAt, length);
    this.writeBytes(bytes);
    return true;
  }

  /** The caller's share of the events at hand, and whether that is anything but the events as they are. */
  private passEvents(): { readonly text: string; readonly isChanged: boolean } {
    const { events } = this;
    let text = "";
    let isChanged = false;
    let done = 0;
    while (done < events.length && !this.slow) {
      const raw = events[done++] ?? "";
      const event = this.readEvent(raw);
      if (event.kind === "chunk" && this.context.meter.covers(event.output.length)) {
        const passed = this.take(event);
        if (passed !== raw) isChanged = true;
        else if (!event.usage && !event.isFinish) this.template.learn(raw, event.output);
        text += passed;
      } else {
        isChanged = true;
        if (event.kind !== "silent") this.slow = event;
      }
    }
    this.events = done === events.length ? NO_EVENTS : events.slice(done);
    return { text, isChanged };
  }

  /** What the event that had to wait comes to; what went before it is out by now. */
  private async passSlow(): Promise<string> {
    const event = this.slow;
    this.slow = undefined;
    if (!event) return "";
    if (event.kind === "done") return this.ending.complete(event.text);
    if (event.kind === "broken") throw event.reason;
    return (await isPaidFor(this.context, event.output)) ? this.take(event) : this.ending.stop();
  }

  /**
   * Passes on what arrives, as it arrives, until something has to be waited for: money, a slow caller, the end.
   * Ends the stream where the provider ended it.
   */
  private async waitForSlow(): Promise<void> {
    const { exchange, splitter } = this.start;
    if (this.ending.hasBegun || this.slow || this.events.length > 0) return;
    if (!exchange.isAtEnd) {
      await this.passWhileFast();
      return;
    }
    // Some servers leave out the last blank line.
    const rest = splitter.end();
    if (rest !== "") this.events = [rest];
    else if (this.ending.isFinished) this.slow = { kind: "done", text: "" };
    else throw new StreamError("the provider's stream broke off before its end");
  }

  private async passWhileFast(): Promise<void> {
    const { exchange } = this.start;
    const { gateway, turn } = this.context;
    const { deadline } = turn;
    this.pace.begin();
    const isFast = (): boolean => {
      deadline.allow(gateway.limits.chunkGapMs, "gap between chunks");
      this.passArrived();
      this.pace.check();
      return !this.slow && !this.flushed && !exchange.isAtEnd;
    };
    await exchange.follow(isFast);
    deadline.pause();
  }

  private readEvent(raw: string): Exclude<ChatEvent, ErrorEvent> | BrokenEvent {
    const { gateway, call, turn, dialect } = this.context;
    try {
      const event = dialect.read(raw);
      if (event.kind !== "error") return event;
      const key = keyFor(gateway, call, turn.candidate);
      return { kind: "broken", reason: new StreamError(streamErrorMessage(event.data, key)) };
    } catch (reason) {
      return { kind: "broken", reason };
    }
  }

  private take(event: Extract<ChatEvent, { kind: "chunk" }>): string {
    return this.ending.note(event);
  }
}
