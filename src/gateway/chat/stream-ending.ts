/** The end of a stream, whichever way it comes: what was delivered is settled, and the caller is told. */
import { EVENT_BYTES_MAX } from "../../kernel/limits.js";
import { reasonOf } from "../../kernel/log.js";
import { type NanoUsd, nanoUsd, ZERO } from "../../kernel/money.js";
import { noUsage, type Reported, sumOfUsages, type Usage } from "../../tasks/usage.js";
import { memberReader, readEventJson } from "../../wire/chat-answer.js";
import type { ChatEvent } from "../../wire/chat-event.js";
import type { SaidText } from "../../wire/continuation.js";
import type { StreamDialect, StreamEnd } from "../../wire/dialects/dialect.js";
import { latin1Of } from "../../wire/sse.js";
import { closingComment, type Facts } from "../answer-headers.js";
import { CreditEndedError, TimeLimitError } from "../deadline.js";
import { withTime } from "../money/paid-time.js";
import { CALLER_GONE, settle } from "../money/settle.js";
import type { ChatCall, Gateway } from "../parts.js";
import { noteSpeed, noteTrouble, noteVerdict } from "../standing.js";
import { adapterFor, type Turn } from "../turn.js";
import { estimateUsage } from "./estimate-usage.js";
import type { Resend } from "./resend.js";
import type { StreamMeter } from "./stream-meter.js";
import { SlowStreamError } from "./stream-pace.js";

const OUT_OF_CREDIT = "The answer was stopped where your credit ended.";

/** The provider's own words about why its stream failed. */
export class StreamError extends Error {}

/** What a stream belongs to. */
export type StreamContext = {
  readonly gateway: Gateway;
  readonly call: ChatCall;
  readonly turn: Turn;
  readonly facts: Facts;
  readonly dialect: StreamDialect;
  readonly meter: StreamMeter;
  /** What the caller was told, where somebody else may have to go on. */
  readonly said?: SaidText | undefined;
  readonly resend?: Resend | undefined;
  /** The part of the answer that another provider gave before this one. */
  readonly before?: Spent & {
    readonly requestId: string;
    readonly provider: string;
    /** How long it is, in characters. */
    readonly characters: number;
  };
};

type Spent = { readonly usage: Usage; readonly cost: NanoUsd };

type Outcome = "served" | "stopped" | "aborted" | "cut";

export class StreamEnding {
  private readonly context: StreamContext;
  private usage: Usage | undefined;
  /** The payload that the usage stood in. */
  private usageData: string | undefined;
  private lastData = "{}";
  private lastWords = "";
  private settled: Promise<NanoUsd> | undefined;
  private cost: NanoUsd = ZERO;
  private cutBy: { readonly reason: unknown } | undefined;
  /** The provider said why it finished, so that an end without `[DONE]` is one. */
  isFinished = false;

  constructor(context: StreamContext) {
    this.context = context;
  }

  get hasBegun(): boolean {
    return this.settled !== undefined;
  }

  /** Notes an event that goes to the caller; what of it may go now. */
  note(event: Extract<ChatEvent, { kind: "chunk" }>): string {
    this.context.meter.deliver(event.output);
    if (event.usage) {
      this.usage = event.usage;
      this.usageData = event.data;
    }
    this.isFinished ||= event.isFinish;
    this.lastData = event.data;
    this.context.said?.note(event.text);
    if (!event.isLast && this.lastWords === "") return event.text;
    this.lastWords += event.text;
    return "";
  }

  /** The provider's own end, in `words` where they go to the caller: the last text. */
  async complete(words: string): Promise<string> {
    const cost = await this.settle("served", 200);
    this.lastWords += words;
    return this.context.dialect.complete(this.endOf(cost));
  }

  /** The money ends here. */
  async stop(): Promise<string> {
    this.context.turn.deadline.stop(new Error("the credit ended"));
    this.usage = undefined;
    this.usageData = undefined;
    const cost = await this.settle("stopped", 200);
    return this.context.dialect.stop(this.endOf(cost, "insufficient_credit"), OUT_OF_CREDIT);
  }

  /** The caller hung up: the provider is told at once, and what was delivered is settled. */
  async abandon(): Promise<void> {
    if (this.hasBegun) return;
    this.context.turn.deadline.stop(new Error("the caller hung up"));
    await this.settle("aborted", CALLER_GONE);
  }

  /** The provider failed after the first byte: say so, and never with a `[DONE]`. */
  async breakOff(thrown: unknown): Promise<string> {
    const { call, turn, dialect, before } = this.context;
    const reason: unknown = this.cutBy?.reason ?? turn.deadline.reason ?? thrown;
    if (reason instanceof CreditEndedError) return this.stop();
    await this.cut(reason);
    return dialect.breakOff(this.endOf(this.spent.cost), {
      message: `${turn.candidate.mapping.provider}: ${explain(reason)}`,
      code: isAboutTime(reason) ? "provider_timeout" : "provider_error",
      inferenceId: before?.requestId ?? call.id,
    });
  }

  /** Settles what a provider delivered that failed, and remembers that it did. */
  async cut(reason: unknown): Promise<void> {
    if (this.cutBy) return;
    this.cutBy = { reason };
    const { gateway, call, turn } = this.context;
    const { provider } = turn.candidate.mapping;
    turn.deadline.stop(reason);
    const why = reason instanceof StreamError ? "provider_error" : reasonOf(reason);
    gateway.log("warn", "stream_broken", { request: call.id, provider, why });
    noteTrouble(gateway, turn, { kind: "failed", why });
    this.cost = await this.settle("cut", 200);
  }

  /** What was settled. */
  get spent(): Spent {
    return { usage: this.usage ?? noUsage, cost: this.cost };
  }

  /** The first way in which a stream ends is the way it ended. */
  private settle(outcome: Outcome, status: number): Promise<NanoUsd> {
    this.settled ??= this.settleOnce(outcome, status);
    return this.settled;
  }

  private async settleOnce(outcome: Outcome, status: number): Promise<NanoUsd> {
    const { gateway, call, turn, facts } = this.context;
    turn.deadline.end();
    turn.time?.stop();
    const usage = withTime(this.usage ?? (await this.countUsage()), turn.time);
    this.usage = usage;
    const { answeredAt, sentAt } = facts;
    if (outcome === "served" || outcome === "stopped") {
      noteVerdict(gateway, turn, "succeeded");
    }
    if (outcome === "served") {
      noteSpeed(gateway, turn.candidate, {
        tokens: usage.outputTokens,
        totalMs: gateway.clock.elapsed() - sentAt,
        firstByteMs: answeredAt - sentAt,
        isProbe: call.isProbe,
      });
    }
    return settle(gateway, call, turn.candidate, turn.held, {
      usage,
      reported: this.reported(),
      status,
      outcome,
      firstByteMs: Math.round(answeredAt - sentAt),
      way: facts,
    });
  }

  /** What the provider says of the cost, where it stands beside the usage. */
  private reported(): Reported | undefined {
    const { gateway, turn } = this.context;
    const { reported } = adapterFor(gateway, turn.candidate);
    if (!reported || this.usageData === undefined) return undefined;
    const member = memberReader(readEventJson(this.usageData));
    return reported({ header: () => undefined, member });
  }

  /** A caller who hung up before anything was generated owes nothing. */
  private async countUsage(): Promise<Usage> {
    const { call, meter } = this.context;
    if (meter.isEmpty && !this.isFinished) return noUsage;
    return estimateUsage(call.request, meter.text());
  }

  /** Of an answer in two parts the caller is told the sum, which no provider has printed. */
  private endOf(ownCost: NanoUsd, stopped?: string): StreamEnd {
    const { call, meter, before } = this.context;
    const own = this.usage ?? noUsage;
    const usage = before ? { ...sumOfUsages(before.usage, own), estimated: true } : own;
    const cost = before ? nanoUsd(before.cost + ownCost) : ownCost;
    return {
      lastData: this.lastData,
      lastWords: this.lastWords,
      output: () => meter.text(),
      usage,
      wantsUsage: call.request.wantsUsage,
      cost,
      comment: this.commentFor(cost, ownCost, usage.estimated, stopped),
    };
  }

  private commentFor(
    cost: NanoUsd,
    ownCost: NanoUsd,
    isEstimated: boolean,
    stopped: string | undefined,
  ): string {
    const { gateway, call, turn, before } = this.context;
    const told = before ? { ...call, id: before.requestId } : call;
    const joint = before && {
      provider: before.provider,
      at_character: before.characters,
      cost_nano_usd: String(before.cost),
      rest: { inference_id: call.id, cost_nano_usd: String(ownCost) },
    };
    const end = { cost, isEstimated, stopped, joint };
    return latin1Of(closingComment(gateway, told, turn.candidate, end));
  }
}

const isAboutTime = (reason: unknown): reason is TimeLimitError | SlowStreamError =>
  reason instanceof TimeLimitError || reason instanceof SlowStreamError;

function explain(reason: unknown): string {
  if (reason instanceof StreamError || isAboutTime(reason)) return reason.message;
  if (reason instanceof SyntaxError) return "the stream held an event that is not JSON";
  if (reason instanceof RangeError) return `an event was longer than ${EVENT_BYTES_MAX} bytes`;
  return "the connection broke in the middle of the answer";
}
