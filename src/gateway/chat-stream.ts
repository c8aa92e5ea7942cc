/** Passes a stream on as it comes, event by event, and settles what it delivered, however it ends. */
import { EVENT_BYTES_MAX } from "../kernel/limits.js";
import { reasonOf } from "../kernel/log.js";
import type { NanoUsd } from "../kernel/money.js";
import { mostCost } from "../metering/cost.js";
import { noUsage, type Usage } from "../tasks/usage.js";
import {
  type ChatEvent,
  type EventQuirks,
  readChatEvent,
  stoppedEvent,
  usageEvent,
} from "../wire/chat-event.js";
import { eventOf, latin1Bytes, latin1Of } from "../wire/sse.js";
import { answerHeaders, closingComment, type Facts } from "./answer-headers.js";
import { keyFor } from "./candidates.js";
import { TimeLimitError } from "./deadline.js";
import { estimateUsage } from "./estimate-usage.js";
import { chargedPrice, coverAndTake, extendHold } from "./funds.js";
import type { ChatCall, Gateway } from "./parts.js";
import { type StreamStart, streamErrorMessage } from "./send.js";
import { CALLER_GONE, settle } from "./settle.js";
import { StreamMeter } from "./stream-meter.js";
import { adapterFor, type Turn } from "./turn.js";

/** Held more at a time for a stream that outgrows its hold. */
const GROWTH_TOKENS = 1_024;
const NO_EVENTS: readonly string[] = [];
const DONE = "data: [DONE]\n\n";
const OUT_OF_CREDIT = "The answer was stopped where your credit ended.";

export function answerStream(
  gateway: Gateway,
  call: ChatCall,
  turn: Turn,
  facts: Facts,
  start: StreamStart,
): Response {
  const relay = new ChatRelay(gateway, call, turn, facts, start);
  // Bun's own kind of stream, which is written to rather than read from, so that a chunk costs no promise.
  const source: Bun.DirectUnderlyingSource<Uint8Array> = {
    type: "direct",
    pull: (sink) => relay.run(sink),
    cancel: () => relay.abandon(),
  };
  const body = new ReadableStream<Uint8Array>(source as object);
  return new Response(body, { headers: answerHeaders(gateway, call, facts) });
}

type Sink = Pick<ReadableStreamDirectController, "write" | "flush" | "close">;

type Outcome = "served" | "stopped" | "aborted" | "cut";

class ChatRelay {
  private readonly gateway: Gateway;
  private readonly call: ChatCall;
  private readonly turn: Turn;
  private readonly facts: Facts;
  private readonly start: StreamStart;
  private readonly quirks: EventQuirks;
  private readonly meter: StreamMeter;
  /** Read and not passed on. */
  private events: readonly string[];
  /** The first event that cannot be passed on without waiting. */
  private slow: SlowEvent | undefined;
  private usage: Usage | undefined;
  private lastData = "";
  private isFinished = false;
  private ending: Promise<NanoUsd> | undefined;
  private sink: Sink | undefined;
  /** Resolves when a slow caller has taken what was written. */
  private flushed: Promise<unknown> | undefined;
  private isOver = false;

  constructor(gateway: Gateway, call: ChatCall, turn: Turn, facts: Facts, start: StreamStart) {
    const { finishReasons, hasEmptyIds } = adapterFor(gateway, turn.candidate);
    const { modelId } = turn.candidate.mapping;
    this.gateway = gateway;
    this.call = call;
    this.turn = turn;
    this.facts = facts;
    this.start = start;
    this.events = start.events;
    this.quirks = {
      finishReasons,
      hasEmptyIds,
      fill: {
        id: `chatcmpl-${call.id}`,
        model: modelId,
        object: "chat.completion.chunk",
        createdAt: call.at,
      },
    };
    this.meter = new StreamMeter(
      this.isCharged() ? turn.held.outputTokens : Number.MAX_SAFE_INTEGER,
    );
    call.signal.addEventListener("abort", this.onCallerGone, { once: true });
    turn.deadline.pause();
  }

  /** Passes everything on; resolves when the stream is over and settled. */
  async run(sink: Sink): Promise<void> {
    this.sink = sink;
    while (!this.isOver) {
      try {
        this.passArrived();
        this.write(await this.passSlow());
        await this.flushed;
        await this.waitForSlow();
      } catch (thrown) {
        if (!this.call.signal.aborted) this.write(await this.breakOff(thrown));
      }
    }
    await this.flushed;
    if (!this.call.signal.aborted) sink.close();
  }

  private write(text: string): void {
    if (text !== "") this.writeBytes(latin1Bytes(text));
  }

  private writeBytes(bytes: Uint8Array): void {
    if (this.call.signal.aborted) return;
    this.sink?.write(bytes);
    const flushed = this.sink?.flush();
    this.flushed = flushed instanceof Promise ? flushed : undefined;
  }

  /** The caller hung up: the provider is told at once, and what was delivered is settled. */
  async abandon(): Promise<void> {
    if (this.ending) return;
    this.turn.deadline.stop(new Error("the caller hung up"));
    await this.finish("aborted", CALLER_GONE);
  }

  private readonly onCallerGone = () => {
    this.abandon().catch((thrown) =>
      this.gateway.log("error", "settle_failed", {
        request: this.call.id,
        reason: reasonOf(thrown),
      }),
    );
  };

  /**
   * Passes on what has arrived, up to the first event that has to wait for something. Nearly all events of all
   * streams go through here: it makes no promise, and bytes that need no change go out as they came in.
   */
  private passArrived(): void {
    while (!this.slow) {
      const bytes = this.events.length === 0 ? this.start.exchange.takeUnread() : undefined;
      if (bytes) this.events = this.start.splitter.push(bytes);
      if (this.events.length === 0 && !bytes) return;
      const isAligned = bytes !== undefined && this.start.splitter.isAligned;
      const { text, isChanged } = this.passEvents();
      if (bytes && isAligned && !isChanged) this.writeBytes(bytes);
      else this.write(text);
    }
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
      if (event.kind === "chunk" && this.meter.covers(event.output)) {
        const passed = this.take(event);
        isChanged ||= passed !== raw;
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
    if (event.kind === "done") return this.complete();
    if (event.kind === "broken") throw event.reason;
    return (await this.isPaidFor(event.output)) ? this.take(event) : this.stop();
  }

  /**
   * Passes on what arrives, as it arrives, until something has to be waited for: money, a slow caller, the end.
   * Ends the stream where the provider ended it.
   */
  private async waitForSlow(): Promise<void> {
    const { exchange, splitter } = this.start;
    if (this.isOver || this.slow || this.events.length > 0) return;
    if (!exchange.isAtEnd) {
      await this.passWhileFast();
      return;
    }
    // Some servers leave out the last blank line.
    const rest = splitter.end();
    if (rest !== "") this.events = [rest];
    else if (this.isFinished) this.slow = { kind: "done" };
    else throw new StreamError("the provider's stream broke off before its end");
  }

  private async passWhileFast(): Promise<void> {
    const { exchange } = this.start;
    const { deadline } = this.turn;
    const isFast = (): boolean => {
      deadline.allow(this.gateway.limits.chunkGapMs, "gap between chunks");
      this.passArrived();
      return !this.slow && !this.flushed && !exchange.isAtEnd;
    };
    await exchange.follow(isFast);
    deadline.pause();
  }

  private readEvent(raw: string): Exclude<ChatEvent, ErrorEvent> | BrokenEvent {
    try {
      const event = readChatEvent(raw, this.quirks);
      if (event.kind !== "error") return event;
      const key = keyFor(this.gateway, this.call, this.turn.candidate);
      return { kind: "broken", reason: new StreamError(streamErrorMessage(event.data, key)) };
    } catch (reason) {
      return { kind: "broken", reason };
    }
  }

  private take(event: Extract<ChatEvent, { kind: "chunk" }>): string {
    this.meter.deliver(event.output);
    this.usage = event.usage ?? this.usage;
    this.isFinished ||= event.isFinish;
    this.lastData = event.data;
    return event.text;
  }

  private async isPaidFor(output: string): Promise<boolean> {
    const excess = await this.meter.excessWith(output);
    return excess <= 0 || this.growHold(excess);
  }

  /** Holds for `least` more tokens of output, or for a good deal more where the balance allows. */
  private async growHold(least: number): Promise<boolean> {
    const { caller } = this.call;
    const { hold } = this.turn.held;
    const price = chargedPrice(this.turn.candidate);
    for (const outputTokens of [Math.max(least, GROWTH_TOKENS), least]) {
      const amount = mostCost({ inputTokens: 0, outputTokens }, price);
      const extend = () => extendHold(this.gateway, caller, hold, amount);
      // Without the store, only what is at hand can be held.
      const isExtended =
        extend() ??
        (await coverAndTake(this.gateway, caller, amount, extend).catch(() => undefined));
      if (!isExtended) continue;
      this.meter.allow(outputTokens);
      return true;
    }
    return false;
  }

  private async complete(): Promise<string> {
    const cost = await this.finish("served", 200);
    const usage = this.call.request.wantsUsage ? this.usageText(cost) : "";
    return usage + this.comment(cost) + DONE;
  }

  /** The money ends here. */
  private async stop(): Promise<string> {
    this.turn.deadline.stop(new Error("the credit ended"));
    this.usage = undefined;
    const cost = await this.finish("stopped", 200);
    const usage = this.call.request.wantsUsage ? this.usageText(cost) : "";
    const last = this.lastData === "" ? "{}" : this.lastData;
    return (
      stoppedEvent(last, this.quirks.fill, OUT_OF_CREDIT) +
      usage +
      this.comment(cost, "insufficient_credit") +
      DONE
    );
  }

  /** The provider failed after the first byte: say so, and never with a `[DONE]`. */
  private async breakOff(thrown: unknown): Promise<string> {
    const reason: unknown = this.turn.deadline.reason ?? thrown;
    this.turn.deadline.stop(reason);
    const { mapping } = this.turn.candidate;
    this.gateway.health.failed(mapping, this.gateway.clock.now());
    this.gateway.log("warn", "stream_broken", {
      request: this.call.id,
      provider: mapping.provider,
      why: reason instanceof StreamError ? "provider_error" : reasonOf(reason),
    });
    const cost = await this.finish("cut", 200);
    const error = {
      message: `${mapping.provider}: ${explain(reason)}`,
      type: "provider_error",
      code: reason instanceof TimeLimitError ? "provider_timeout" : "provider_error",
      param: null,
      inference_id: this.call.id,
    };
    return eventOf(latin1Of(JSON.stringify({ error }))) + this.comment(cost);
  }

  /** The first way in which a stream ends is the way it ended. */
  private finish(outcome: Outcome, status: number): Promise<NanoUsd> {
    this.isOver = true;
    this.ending ??= this.settle(outcome, status);
    return this.ending;
  }

  private async settle(outcome: Outcome, status: number): Promise<NanoUsd> {
    this.turn.deadline.end();
    this.call.signal.removeEventListener("abort", this.onCallerGone);
    const usage = this.usage ?? (await this.countUsage());
    this.usage = usage;
    this.measure(usage, outcome === "served");
    return settle(this.gateway, this.call, this.turn.candidate, this.turn.held, {
      usage,
      status,
      outcome,
      firstByteMs: Math.round(this.facts.answeredAt - this.facts.sentAt),
      attempts: this.facts.tried.length,
    });
  }

  /** A caller who hung up before anything was generated owes nothing. */
  private async countUsage(): Promise<Usage> {
    if (this.meter.isEmpty && !this.isFinished) return noUsage;
    return estimateUsage(this.call.request, this.meter.text());
  }

  private measure(usage: Usage, isComplete: boolean): void {
    if (!isComplete) return;
    const { answeredAt, sentAt } = this.facts;
    const streamedMs = this.gateway.clock.elapsed() - answeredAt;
    const { mapping } = this.turn.candidate;
    this.gateway.health.measured(mapping, usage.outputTokens, streamedMs, answeredAt - sentAt);
  }

  private usageText(cost: NanoUsd): string {
    const last = this.lastData === "" ? "{}" : this.lastData;
    return usageEvent(last, this.quirks.fill, this.usage ?? noUsage, cost);
  }

  private comment(cost: NanoUsd, stopped?: string): string {
    const isEstimated = this.usage?.estimated === true;
    return latin1Of(
      closingComment(this.gateway, this.call, this.turn.candidate, { cost, isEstimated, stopped }),
    );
  }

  private isCharged(): boolean {
    return Object.keys(chargedPrice(this.turn.candidate)).length > 0;
  }
}

/** The provider's own words about why its stream failed. */
class StreamError extends Error {}

/** An event that ends the stream: it reports an error, or is none. */
type BrokenEvent = { readonly kind: "broken"; readonly reason: unknown };
type ErrorEvent = Extract<ChatEvent, { kind: "error" }>;
type SlowEvent = Extract<ChatEvent, { kind: "chunk" | "done" }> | BrokenEvent;

function explain(reason: unknown): string {
  if (reason instanceof StreamError || reason instanceof TimeLimitError) return reason.message;
  if (reason instanceof SyntaxError) return "the stream held an event that is not JSON";
  if (reason instanceof RangeError) return `an event was longer than ${EVENT_BYTES_MAX} bytes`;
  return "the connection broke in the middle of the answer";
}
