import type { Json } from "../tasks/task-call.js";

/** A JSON object, or undefined for what is none. */
export const asObject = (value: unknown): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Json)
    : undefined;
