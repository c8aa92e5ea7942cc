/** What a request is to hold of its caller's rates. */
import type { CallerRates } from "../../tenants/rates.js";
import { tooLong } from "./rate-refusal.js";
import { leastOf } from "./rate-window.js";

/** The most tokens of text that a request may use. */
export type TokensWanted = {
  /** An upper bound that costs nothing to find out. */
  readonly input: number;
  readonly output: number;
  /** Counts the input; undefined where nobody here can. */
  readonly countInput: (() => Promise<number>) | undefined;
};

/** The tokens to hold for an input as it is counted, where somebody can. */
export async function countedTokens(
  rates: CallerRates,
  { input, output, countInput }: TokensWanted,
): Promise<number> {
  const most = leastOf(rates.tokens);
  const counted = countInput ? Math.min(await countInput(), input) : input;
  if (countInput && counted > most) throw tooLong(rates.tokens, counted);
  // What may use more than a whole minute's is admitted when it has the minute to itself.
  return Math.min(counted + output, most);
}
