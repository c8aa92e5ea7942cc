/** What answers link to. */
import { chargesLooks } from "../../metering/task-usage.js";
import { isThere, type Media, type MediaSource } from "../../tasks/media.js";
import type { Delivered, TaskOutput } from "../../tasks/task-call.js";
import { chargedPrice } from "../money/funds.js";
import { download } from "./download.js";
import type { Asking } from "./task-exchange.js";

/** Throws DownloadError or ForbiddenUrlError for what cannot be had. */
export async function fetched(
  { gateway, configured, turn }: Asking,
  source: MediaSource,
): Promise<Media> {
  if (isThere(source)) return source;
  const { baseUrl, guard } = configured;
  // What the operator did not write is judged by the same guard as the provider itself.
  const trustedOrigin = guard ? undefined : new URL(baseUrl).origin;
  return download(gateway, { url: source.url, trustedOrigin, guard, deadline: turn.deadline });
}

/**
 * The caller gets links as they are. Where a price charges what is behind them, and the provider does not say how much that
 * was, somebody has to look; what cannot be fetched counts as what was asked for. Never throws.
 */
export async function deliveredOf(
  asking: Asking,
  output: TaskOutput | Delivered,
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
