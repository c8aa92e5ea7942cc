/** The OpenAI-shaped routes beside chat: each is a body in, one call of a task, and an answer out. Pure. */
import type { NanoUsd } from "../../kernel/money.js";
import type { RouteControls } from "../../tasks/chat-completion.js";
import type { Task } from "../../tasks/index.js";
import type { Media } from "../../tasks/media.js";
import type { Delivered, Json, TaskInput } from "../../tasks/task-call.js";
import type { Usage } from "../../tasks/usage.js";

/** A part of `multipart/form-data`, its file read. */
export type FormPart =
  | { readonly name: string; readonly text: string }
  | { readonly name: string; readonly media: Media };

/** A body as it came, read once. */
export type DoorBody =
  | { readonly kind: "json"; readonly json: Json }
  | { readonly kind: "form"; readonly parts: readonly FormPart[] };

/** What a body asks for. */
export type Asked = {
  /** With its `:suffix` still on it. */
  readonly model: string;
  readonly controls: RouteControls;
  /** The tasks that can serve this, best first; each takes `input` as it stands. */
  readonly tasks: readonly Exclude<Task, "conversational">[];
  readonly input: TaskInput;
  /** How many results are wanted. Where it is more than one, `input.parameters.n` says so too. */
  readonly count: number;
  /** Media may stay where the provider put them. */
  readonly wantsUrls: boolean;
  readonly isStream: boolean;
  /** The form of the answer: `b64_json`, `url`, `json`, `text`, `srt`, `mp3`, `float`, `base64` and the like. */
  readonly format: string;
  readonly ranking?: Ranking;
};

/** What of a ranking is wanted: its first `topN`, and whether with their texts. */
export type Ranking = { readonly topN: number; readonly returnsDocuments: boolean };

export type AnswerFacts = {
  readonly id: string;
  /** As the caller named it, without its suffix. */
  readonly model: string;
  /** Milliseconds UTC. */
  readonly at: number;
  readonly usage: Usage;
  readonly cost: NanoUsd;
};

export type DoorAnswer = { readonly type: string; readonly body: string | Uint8Array };

/**
 * `parse` throws a RouterError that names the field at fault. `print` throws one (`provider_error`) for an output
 * that is none of the task's.
 */
export type Door = {
  readonly parse: (body: DoorBody) => Asked;
  readonly print: (asked: Asked, delivered: Delivered, facts: AnswerFacts) => DoorAnswer;
};
