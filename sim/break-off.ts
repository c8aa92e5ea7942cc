import { CUT, type Sink } from "./chat/play.js";
import type { Dials } from "./dials.js";
import { STALL_MS_MAX } from "./limits.js";
import type { Outcome } from "./log.js";
import { wait } from "./wait.js";

/** How the dials want a body that is not a stream of events to be broken. */
export function breakIn(dials: Dials): "cut" | "stall" | undefined {
  if (dials.cut_after_events !== undefined) return "cut";
  return dials.stall_after_events === undefined ? undefined : "stall";
}

/** A body that stops where it is: the socket destroyed, or held open with nothing coming. */
export function breakingOff(
  half: string | Uint8Array,
  ending: "cut" | "stall",
  signal: AbortSignal,
  ended: (outcome: Outcome) => void,
): ReadableStream {
  const pull = async (sink: Sink) => {
    sink.write(half);
    await sink.flush();
    if (ending === "stall") {
      ended((await wait(STALL_MS_MAX, signal)) ? "cut" : "aborted");
      sink.end();
      return;
    }
    ended("cut");
    // A reset may overtake what was just written; give it a moment to arrive.
    await wait(5, signal);
    throw CUT;
  };
  // Bun's own kind of source; the standard types know only "bytes".
  return new ReadableStream({ type: "direct", pull } as unknown as UnderlyingDefaultSource);
}
