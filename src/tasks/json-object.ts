import type { Span } from "../kernel/span.js";

/** A member of a JSON object as a place in the buffer that the object stands in. */
export type Member = {
  /** From the quote of the name to the end of the value. */
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
};

/** A JSON object as it came, with the places of its members in the order of its text. */
export type JsonObject = Span & {
  readonly count: number;
  readonly has: (name: string) => boolean;
  readonly get: (name: string) => Member | undefined;
  /** Which of them has a name; -1 for none. Those below are for looks that must not make an object each. */
  readonly indexOf: (name: string) => number;
  readonly nameOf: (nth: number) => string;
  readonly startOf: (nth: number) => number;
  readonly valueStartOf: (nth: number) => number;
  readonly endOf: (nth: number) => number;
  /** Whether the member that mostly looks the same looks so, where whoever read it knew of one. */
  readonly isUsual: boolean;
};

/** Changes to an object's members: new JSON text, or undefined to leave the member out. */
export type Changes = Map<string, string | undefined>;
