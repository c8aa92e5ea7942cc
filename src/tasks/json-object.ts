import type { Span } from "../kernel/span.js";

/** A JSON object as it came, with the places of its members in the order of its text. */
export type JsonObject = Span & {
  readonly count: number;
  readonly has: (name: string) => boolean;
  /** Which of them has a name; -1 for none. */
  readonly indexOf: (name: string) => number;
  readonly nameOf: (nth: number) => string;
  /** Where it begins, with the quote of its name; where its value does; and where both end. */
  readonly startOf: (nth: number) => number;
  readonly valueStartOf: (nth: number) => number;
  readonly endOf: (nth: number) => number;
  /** Whether the member that mostly looks the same looks so, where whoever read it knew of one. */
  readonly isUsual: boolean;
};

/** Changes to an object's members: new JSON text, or undefined to leave the member out. */
export type Changes = Map<string, string | undefined>;
