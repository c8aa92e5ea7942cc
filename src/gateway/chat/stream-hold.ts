/** Holding more for a stream that outgrows its hold. */
import { addedCost } from "../../metering/cost.js";
import { chargedPrice, extendHold, freeFor, growHold } from "../money/funds.js";
import type { StreamContext } from "./stream-ending.js";

/** Held more at a time. */
const GROWTH_TOKENS = 1_024;
/** While there is so many times more at hand than a stream takes, what it takes is in nobody's way. */
const PLENTY = 16n;

type Growing = Pick<StreamContext, "gateway" | "call" | "turn" | "meter">;

/** Whether `output` may be delivered on top of what was: what it needs beyond the hold is held for, if it can be had. */
export async function isPaidFor(stream: Growing, output: string): Promise<boolean> {
  if (growFromPlenty(stream) && stream.meter.covers(output.length)) return true;
  const excess = await stream.meter.excessWith(output);
  return excess <= 0 || growBy(stream, excess);
}

/** Counting tokens takes longer than holding for as many as there are bytes, which comes back at the end. */
function growFromPlenty({ gateway, call, turn, meter }: Growing): boolean {
  const more = { inputTokens: 0, outputTokens: GROWTH_TOKENS };
  const amount = addedCost(more, chargedPrice(turn.candidate));
  if (freeFor(gateway, call.caller) < amount * PLENTY) return false;
  if (!extendHold(gateway, call.caller, turn.held.hold, amount)) return false;
  meter.allow(GROWTH_TOKENS);
  return true;
}

/** Holds for `least` more tokens of output, or for a good deal more where the balance allows. */
async function growBy({ gateway, call, turn, meter }: Growing, least: number): Promise<boolean> {
  const price = chargedPrice(turn.candidate);
  for (const outputTokens of [Math.max(least, GROWTH_TOKENS), least]) {
    const amount = addedCost({ inputTokens: 0, outputTokens }, price);
    if (!(await growHold(gateway, call.caller, turn.held.hold, amount))) continue;
    meter.allow(outputTokens);
    return true;
  }
  return false;
}
