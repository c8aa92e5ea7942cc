/** What the answers of the doors have in common. */
import { RouterError } from "../../kernel/errors.js";
import type { Delivered, Json } from "../../tasks/task-call.js";
import { withCost } from "../chat-answer.js";
import { printMeasured } from "../usage.js";
import type { AnswerFacts, DoorAnswer } from "./door.js";

/** A `usage` object: counts as the door names them, then what else was measured, then what it cost. */
export function usageOf(counts: Json, { usage, cost }: AnswerFacts): string {
  const members = {
    ...counts,
    ...(usage.measured && printMeasured(usage.measured)),
    ...(usage.estimated && { estimated: true }),
  };
  return withCost(JSON.stringify(members), cost);
}

/** `usage` is text, since its cost has more digits than a float would keep. */
export const jsonAnswer = (members: Json, usage: string): DoorAnswer => ({
  type: "application/json",
  body: `${JSON.stringify(members).slice(0, -1)},"usage":${usage}}`,
});

/** For an output that is none of the task's. */
export const unreadable = (why: string): RouterError =>
  new RouterError("provider_error", `The provider's answer cannot be given in this form: ${why}.`);

/** Throws `provider_error` for a file. */
export function jsonIn(delivered: Delivered): unknown {
  if (delivered.kind === "json") return delivered.json;
  throw unreadable("it is a file and no JSON");
}
