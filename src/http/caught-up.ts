import { CATCH_UP_MS } from "../kernel/limits.js";
import type { Site } from "./parts.js";

/**
 * Waits until the store has heard of what ended here, so that whoever looks right after an answer finds its cost. Not
 * for long: a backlog, or a store that is away, must not keep anybody from seeing what is known.
 */
export async function caughtUp({ drain, gateway }: Site): Promise<void> {
  const over = new AbortController();
  // The background drain meets the same failure, and tells of it.
  const isDrained = drain().catch(() => undefined);
  await Promise.race([isDrained, gateway.clock.sleep(CATCH_UP_MS, over.signal)]);
  over.abort();
}
