/** What was delivered on a provider's own wire, as far as what it costs depends on it. */
import { chargesLooks } from "../../metering/task-usage.js";
import type { Delivered, TaskOutput } from "../../tasks/task-call.js";
import { chargedPrice } from "../funds.js";
import type { Asking } from "../task-exchange.js";
import { fetched } from "../task-send.js";

/**
 * The caller gets links as they are. Where a price charges what is behind them, and the provider does not say how much that
 * was, somebody has to look; what cannot be fetched counts as what was asked for. Never throws.
 */
export async function deliveredOf(
  asking: Asking,
  output: TaskOutput,
  isReported: boolean,
): Promise<Delivered> {
  if (output.kind === "json") return output;
  const { media } = output;
  if (isReported || !chargesLooks(chargedPrice(asking.turn.candidate))) {
    return { kind: "media", media };
  }
  const looks = media.map((source) => fetched(asking, source).catch(() => source));
  return { kind: "media", media: await Promise.all(looks) };
}
