import type { Dials } from "../dials.js";
import type { Ids } from "../ids.js";
import type { Json, JsonObject } from "../json.js";
import type { Piece } from "../tokens.js";
import type { Answer, Finish, Head, Usage } from "./answer.js";
import type { ChatAsk, FormatName, Read, Refusal } from "./ask.js";
import type { Event } from "./sse.js";

export type ChunkFacts = {
  readonly head: Head;
  /** Undefined for the chunk with empty `choices` that only carries usage. */
  readonly choice: ChunkChoice | undefined;
  /** Undefined: the key is left out. */
  readonly usage: JsonObject | null | undefined;
  readonly first: boolean;
  readonly last: boolean;
};

export type ChunkChoice = {
  readonly index: number;
  readonly delta: JsonObject;
  /** The text this chunk carries, if it carries any. */
  readonly piece: Piece | undefined;
  readonly finish: string | null;
  /** Undefined when log probabilities were not asked for. */
  readonly logprobs: Json | undefined;
};

export type PlainFacts = {
  readonly ask: ChatAsk;
  readonly head: Head;
  readonly choices: readonly PlainChoice[];
  readonly usage: JsonObject;
};

export type PlainChoice = {
  readonly index: number;
  readonly message: JsonObject;
  readonly finish: string;
  readonly logprobs: Json | undefined;
};

export type HeaderFacts = {
  readonly head: Head;
  readonly usage: Usage;
  readonly stream: boolean;
  readonly ask: ChatAsk;
};

/** One provider's way of speaking OpenAI chat, or something close to it. Plain data and pure functions. */
export type ChatDialect = {
  /** Reads a body; `model` where the path names it. */
  readonly read: (body: unknown, model: string | undefined) => Read;
  /** Forms of response_format it takes. */
  readonly formats: readonly FormatName[];
  /** Top-level fields it knows; absent: it takes any. */
  readonly fields?: readonly string[];
  /** What else it refuses. */
  readonly refuse?: (ask: ChatAsk) => Refusal | undefined;
  readonly bodyId: (ids: Ids, requestId: string) => string;
  readonly fingerprint: (ids: Ids) => string;
  readonly finish: (finish: Finish) => string;
  /** Where thoughts go; `hidden` ones are only counted. */
  readonly reasoning: "reasoning" | "reasoning_content" | "hidden";
  readonly stream: StreamHabits;
  readonly toolCallId: (ids: Ids) => string;
  readonly logprobs: (pieces: readonly Piece[], top: number, streamed: boolean) => Json;
  readonly usage: (usage: Usage, head: Head) => JsonObject;
  readonly chunk: (facts: ChunkFacts) => JsonObject;
  readonly plain: (facts: PlainFacts) => Json;
  /** A whole stream. */
  readonly events: (answer: Answer, speaking: Speaking) => readonly Event[];
  readonly headers: (facts: HeaderFacts) => { readonly [name: string]: string };
};

/** What an answer is put in a provider's form with. */
export type Speaking = {
  readonly ask: ChatAsk;
  readonly dialect: ChatDialect;
  readonly dials: Dials;
  readonly ids: Ids;
};

export type StreamHabits = {
  /** `own`: a first chunk with the role alone; `own-empty`: and an empty content; `every`: in every chunk. */
  readonly role: "own" | "own-empty" | "every";
  /** `own`: a last chunk with an empty delta; `last-token`: on the last token when it was cut by length. */
  readonly finish: "own" | "last-token";
  /**
   * `always`: beside the finish, asked or not; `asked`: in a chunk of its own after it; `both`: beside
   * the finish always, and in a chunk of its own when asked; `running`: in every chunk, counted so far.
   */
  readonly usage: "always" | "asked" | "both" | "running";
  /** Which other chunks say `usage: null`. */
  readonly usageNull: "always" | "asked" | "never";
  readonly done: boolean;
  /** A tool call arrives in one chunk, not token by token. */
  readonly wholeToolCalls: boolean;
};
