/** What a conformance check is: something to send, what must come back, and what to say when it does not. */
import type { Listing, Step } from "../providers/provider.js";
import type { Task } from "../tasks/index.js";
import type { ChatBody } from "./chat-probes.js";

/** One request as it goes out, but for the key. */
export type Sendable = {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
};

/** Whom the checks are about, and how the gateway would ask them. */
export type Subject = {
  readonly task: Task;
  /** The provider's own name for the model that it is tried with. */
  readonly providerModel: string;
  /** In lower case: where its answers say its own id of the request. */
  readonly requestIdHeader: string;
  readonly billingUrl: string | undefined;
  /** Undefined where it has no list. */
  readonly modelsUrl: string | undefined;
  /** Reads a list in the provider's own form; undefined for whoever must keep to the usual one. */
  readonly readList: Listing["read"] | undefined;
  /** A chat request with at most so many tokens of output. */
  readonly chat: (body: ChatBody, maxTokens: number) => Sendable;
  /** The smallest request of a task other than chat, and what its answer means. */
  readonly small: () => Sendable;
  readonly read: (answer: Answered) => Step;
};

export type Probe = Sendable & {
  /** Which key goes with it: ours, one that nobody has, or none. */
  readonly key: "good" | "wrong" | "none";
  readonly isStream: boolean;
};

/** What came back, whatever its status. */
export type Answered = {
  readonly status: number;
  /** `name` in lower case. */
  readonly header: (name: string) => string | undefined;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** To its last byte. */
  readonly ms: number;
  /** To the first event of a stream that says something. */
  readonly firstTokenMs: number | undefined;
};

/** No answer at all, and why, in a few words. */
export type Unanswered = { readonly failed: string };

export type Observed = Answered | Unanswered;

export const isAnswered = (observed: Observed | undefined): observed is Answered =>
  observed !== undefined && "status" in observed;

/** What other checks saw, by their names. */
export type Seen = ReadonlyMap<string, Observed>;

export type Judgment =
  | { readonly verdict: "passed" }
  | { readonly verdict: "failed"; readonly why: string }
  /** Nothing to find out here, or nothing that could be found out. */
  | { readonly verdict: "skipped"; readonly why: string };

export const PASSED: Judgment = { verdict: "passed" };
export const failed = (why: string): Judgment => ({ verdict: "failed", why });
export const skipped = (why: string): Judgment => ({ verdict: "skipped", why });

/** Undefined stands for nothing wrong. */
export const judged = (fault: string | undefined): Judgment =>
  fault === undefined ? PASSED : failed(fault);

export type Check = {
  readonly name: string;
  readonly expected: string;
  /** What whoever runs the provider can do about it. */
  readonly hint: string;
  /** A provider may do without: it is told, and keeps nobody from passing. */
  readonly isOptional?: boolean;
  /** Undefined where there is nothing to send: it looks at what others saw, or has nothing to look at. */
  readonly probe: (subject: Subject, seen: Seen) => Probe | undefined;
  readonly judge: (observed: Observed | undefined, subject: Subject, seen: Seen) => Judgment;
  /** Whether it is too early to tell, and worth asking again in a moment. */
  readonly isTooEarly?: (observed: Observed) => boolean;
};

/** Whatever is not an answer fails every check the same way. */
export const judgeAnswer =
  (judge: (answer: Answered, subject: Subject, seen: Seen) => Judgment): Check["judge"] =>
  (observed, subject, seen) => {
    if (observed === undefined) return skipped("nothing was sent");
    return isAnswered(observed) ? judge(observed, subject, seen) : failed(observed.failed);
  };

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whoever asks says what was expected instead.
    return undefined;
  }
}
