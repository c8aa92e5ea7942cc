/** Passes a stream on as it comes, event by event, and settles what it delivered, however it ends. */
import { EVENT_BYTES_MAX } from "../kernel/limits.js";
import { reasonOf } from "../kernel/log.js";
import type { NanoUsd } from "../kernel/money.js";
import { mostCost } from "../metering/cost.js";
import { loadTokenizer } from "../metering/count-tokens.js";
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
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const text = await relay.next();
        if (text === undefined) controller.close();
        else controller.enqueue(latin1Bytes(text));
      },
      cancel: () => relay.abandon(),
    },
    // Read ahead of the caller and a stream's text would pile up here.
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: answerHeaders(gateway, call, facts) });
}

type Outcome = "served" | "stopped" | "aborted" | "cut";

class ChatRelay {
  private readonly gateway: Gateway;
  private readonly call: ChatCall;
  private readonly turn: Turn;
  private readonly facts: Facts;
  private readonly start: StreamStart;
  private readonly quirks: EventQuirks;
  private readonly meter: StreamMeter;
  private waiting: readonly string[] | undefined;
  private usage: Usage | undefined;
  private lastData = "";
  private isFinished = false;
  private ending: Promise<NanoUsd> | undefined;
  private isOver = false;

  constructor(gateway: Gateway, call: ChatCall, turn: Turn, facts: Facts, start: StreamStart) {
    const { finishReasons, hasEmptyIds } = adapterFor(gateway, turn.candidate);
    const { modelId } = turn.candidate.mapping;
    this.gateway = gateway;
    this.call = call;
    this.turn = turn;
    this.facts = facts;
    this.start = start;
    this.waiting = start.events;
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

  /** The next text for the caller, or undefined at the end. */
  async next(): Promise<string | undefined> {
    while (!this.isOver) {
      try {
        const { events, done } = await this.read();
        const text = await this.pass(events, done);
        if (text !== "") return text;
      } catch (thrown) {
        if (this.call.signal.aborted) return undefined;
        return this.breakOff(thrown);
      }
    }
    return undefined;
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

  private async read(): Promise<{ events: readonly string[]; done: boolean }> {
    if (this.waiting) {
      const events = this.waiting;
      this.waiting = undefined;
      return { events, done: false };
    }
    const { deadline } = this.turn;
    deadline.allow(this.gateway.limits.chunkGapMs, "gap between chunks");
    const bytes = await this.start.exchange.read();
    deadline.pause();
    if (bytes) return { events: this.start.splitter.push(bytes), done: false };
    return { events: [this.start.splitter.end()], done: true };
  }

  /** The caller's share of some events; with the end of the stream, if this is it. */
  private async pass(events: readonly string[], isLast: boolean): Promise<string> {
    let text = "";
    for (let i = 0; i < events.length; i++) {
      const event = this.readEvent(events[i] ?? "");
      if (event.kind === "silent") continue;
      if (event.kind === "done") return text + (await this.complete());
      if (event.kind === "broken") {
        if (text === "") throw event.reason;
        // What came before it goes out first: it is settled as delivered. This is read again next.
        this.waiting = events.slice(i);
        return text;
      }
      if (!(await this.isPaidFor(event.output))) return text + (await this.stop());
      text += this.take(event);
    }
    if (!isLast) return text;
    if (this.isFinished) return text + (await this.complete());
    // The rest goes out first, so that what was delivered and what is settled are the same.
    if (text !== "") return text;
    throw new StreamError("the provider's stream broke off before its end");
  }

  private readEvent(raw: string): Exclude<ChatEvent, { kind: "error" }> | BrokenEvent {
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
    await loadTokenizer();
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

function explain(reason: unknown): string {
  if (reason instanceof StreamError || reason instanceof TimeLimitError) return reason.message;
  if (reason instanceof SyntaxError) return "the stream held an event that is not JSON";
  if (reason instanceof RangeError) return `an event was longer than ${EVENT_BYTES_MAX} bytes`;
  return "the connection broke in the middle of the answer";
}
