/**
 * What a receipt tells of a request and nobody ever looks for: kept as one text. A list rather than an object,
 * because every request writes one.
 */
export type ReceiptDetails = readonly [
  /** `fastest`, `cheapest`, `preferred`, or the provider that was named. */
  policy: string,
  /** What the balance lowered, like `max_tokens=412`; empty for nothing. */
  clamped: string,
  /** `provider:result` of every attempt, in order. */
  tried: readonly string[],
  /** The most that the request could cost when it was last held for, in nano-USD. */
  held: string,
];
