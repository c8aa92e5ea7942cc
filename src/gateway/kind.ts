import type { Candidate } from "../routing/policy.js";
import type { Facts } from "./answer-headers.js";
import type { ResponseHead } from "./client/response-head.js";
import type { Failure } from "./failure.js";
import type { Held } from "./money/hold.js";
import type { Call, Gateway } from "./parts.js";
import type { TokensWanted } from "./rates/rate-amounts.js";
import type { Reply } from "./reply.js";
import type { Wish } from "./route/eligible.js";
import type { Verdict } from "./standing.js";
import type { Turn } from "./turn.js";

/** What sets the requests of one kind apart from others. */
export type Kind<C extends Call, Answered extends { readonly kind: string }> = {
  readonly wish: Wish<C>;
  /** Asked only where the caller's tokens of text are limited. */
  readonly tokens: (gateway: Gateway, call: C) => TokensWanted;
  /** As many as it may use, by an upper bound. */
  readonly tokensMost: (gateway: Gateway, call: C) => number;
  /** Holds from what is at hand, without waiting; undefined where that does not do. */
  readonly holdAtOnce: (gateway: Gateway, call: C, candidate: Candidate) => Held | undefined;
  /** Holds with what the store still has. Throws `insufficient_credit`. */
  readonly holdFor: (gateway: Gateway, call: C, candidate: Candidate) => Promise<Held>;
  /** Never throws for anything the provider does. */
  readonly send: (gateway: Gateway, call: C, turn: Turn) => Promise<Answered | Failure>;
  /** Members of the caller's body that the provider was not sent. */
  readonly leftOut: (gateway: Gateway, call: C, candidate: Candidate) => readonly string[];
  /** What an answer says of its provider. */
  readonly verdict: (gateway: Gateway, answered: Answered) => Verdict;
  /** The headers of an answer, where they may say what is left of the provider's limits. */
  readonly headOf: (answered: Answered) => ResponseHead | undefined;
  /** Whether a request is so short that it may be sent to a second candidate while the first is still at it. */
  readonly isShort: (gateway: Gateway, call: C) => boolean;
  /** Settles, and answers the caller. */
  readonly answer: (
    gateway: Gateway,
    call: C,
    turn: Turn,
    facts: Facts,
    answered: Answered,
  ) => Promise<Reply> | Reply;
};
