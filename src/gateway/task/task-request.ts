/** A request of a task other than chat, as the gateway sees it. */
import type { Asked } from "../../metering/task-usage.js";
import type { ChatRequest } from "../../tasks/chat-completion.js";
import type { Task } from "../../tasks/index.js";
import type { Delivered, TaskInput } from "../../tasks/task-call.js";
import type { Usage } from "../../tasks/usage.js";
import type { AnswerFacts, DoorAnswer } from "../../wire/doors/door.js";
import type { Call } from "../parts.js";
import type { Routed } from "../route/eligible.js";

export type TaskRequest = Pick<ChatRequest, "model" | "suffix" | "controls" | "isStream"> & {
  /** Any of these will do. */
  readonly tasks: readonly Task[];
  readonly input: TaskInput;
  readonly asked: Asked;
  /** What the request should use, as far as its caller said. */
  readonly expected: Usage;
  /** Media at URLs are left there. */
  readonly wantsUrls: boolean;
  /** Results wanted; a provider that makes one at a time is asked as often. */
  readonly count: number;
  readonly write: (delivered: Delivered, facts: AnswerFacts) => DoorAnswer;
};

/** A request whose bound and count are made of what it asked for. */
export type MeteredCall = Call & {
  readonly request: Call["request"] & Pick<TaskRequest, "asked" | "expected">;
};

/** A task that somebody is to be chosen for. */
export type RoutedTask = Routed & { readonly request: TaskRequest };

export type TaskCall = Call & { readonly request: TaskRequest };
