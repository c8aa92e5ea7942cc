/** A request of a task other than chat, as the gateway sees it. */
import type { NanoUsd } from "../kernel/money.js";
import type { Asked } from "../metering/task-usage.js";
import type { ChatRequest } from "../tasks/chat-completion.js";
import type { Task } from "../tasks/index.js";
import type { Delivered, TaskInput } from "../tasks/task-call.js";
import type { Usage } from "../tasks/usage.js";
import type { Call } from "./parts.js";

/** What is known of an answer when it is written. */
export type AnswerFacts = {
  readonly id: string;
  readonly model: string;
  readonly at: number;
  readonly usage: Usage;
  readonly cost: NanoUsd;
};

/** A body and its media type. */
export type Written = { readonly type: string; readonly body: string | Uint8Array };

export type TaskRequest = Pick<ChatRequest, "model" | "suffix" | "controls" | "isStream"> & {
  /** Any of these will do. */
  readonly tasks: readonly Task[];
  readonly input: TaskInput;
  readonly asked: Asked;
  /** What the request should use, as far as its caller said. */
  readonly expected: Usage;
  /** Media at URLs are left there. */
  readonly wantsUrls: boolean;
  readonly write: (delivered: Delivered, facts: AnswerFacts) => Written;
};

export type TaskCall = Call & { readonly request: TaskRequest };
