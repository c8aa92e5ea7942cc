/** What an answer on a provider's own wire does not say yet of its cost, though it has its result. */
import { charges } from "../../metering/cost.js";
import type { ProviderReply, Step } from "../../providers/provider.js";
import { chargedPrice } from "../money/funds.js";
import { type Asking, exchangeWith } from "../task/task-exchange.js";
import { pause } from "../task/task-send.js";
import { stepOf } from "./step.js";

export type Seen = {
  readonly reply: ProviderReply;
  readonly step: Extract<Step, { kind: "done" }>;
};

/**
 * Whoever has a result asks no more, so we do, where time is charged, which only the provider knows. Undefined where it does
 * not say even then; never throws, since the result is the caller's in any case.
 */
export async function lastLook(asking: Asking, step: Step | undefined): Promise<Seen | undefined> {
  const { gateway, turn } = asking;
  const isWanted = charges(chargedPrice(turn.candidate), "computeNanoseconds");
  if (!isWanted || step?.kind !== "send" || !step.hasResult) return undefined;
  try {
    await pause(asking, step.afterMs);
    const reply = await exchangeWith(asking, step.request);
    const next = "kind" in reply ? undefined : stepOf(gateway, turn.candidate, reply);
    return "kind" in reply || next?.kind !== "done" ? undefined : { reply, step: next };
  } catch {
    // The caller hung up, or the provider fell silent: what the call was expected to use is charged.
    return undefined;
  }
}
