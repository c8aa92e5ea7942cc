/** How the events of one stream are read and passed on, and how its caller is told that it is over. */
import type { NanoUsd } from "../../kernel/money.js";
import type { Usage } from "../../tasks/usage.js";
import type { ChatEvent } from "../chat-event.js";

/** Made for one stream: it may count what went by. All text is in the Latin-1 form of `sse.ts`. */
export type StreamDialect = {
  /** Throws SyntaxError for an event that is none of the dialect's. */
  readonly read: (event: string) => ChatEvent;
  /** The provider ended the stream itself. */
  readonly complete: (end: StreamEnd) => string;
  /** The money ended. */
  readonly stop: (end: StreamEnd, message: string) => string;
  /** The provider failed in the middle of it. */
  readonly breakOff: (end: StreamEnd, fault: StreamFault) => string;
};

export type StreamEnd = {
  /** The payload of the last event that the caller was given. */
  readonly lastData: string;
  /** The provider's own last words, kept back until they were charged. */
  readonly lastWords: string;
  /** All that was generated, as JavaScript's text. */
  readonly output: () => string;
  readonly usage: Usage;
  readonly wantsUsage: boolean;
  readonly cost: NanoUsd;
  /** What we say ourselves, as a comment. */
  readonly comment: string;
};

export type StreamFault = {
  readonly message: string;
  readonly code: "provider_error" | "provider_timeout";
  readonly inferenceId: string;
};
