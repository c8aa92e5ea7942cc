import { type Call, refusalOf } from "../call.js";
import { isObject } from "../json.js";
import type { Outcome } from "../log.js";
import type { Event } from "./sse.js";

/** What a stream will do: its events, and how it leaves off after them. */
export type Script = {
  readonly events: readonly Event[];
  readonly ending: "end" | "cut" | "stall";
  /** How it counts when the caller stays to the end. */
  readonly outcome: Outcome;
};

/** Works the faults that the dials ask for into a stream. */
export function scriptFor(events: readonly Event[], call: Call, model: string): Script {
  const { dials } = call;
  const cut = dials.cut_after_events;
  const stall = dials.stall_after_events;
  if (dials.error_in_200 || dials.error_after_events !== undefined) {
    const kept = events.slice(0, dials.error_after_events ?? 0);
    return { events: [...kept, errorEvent(call, model)], ending: "end", outcome: "failed" };
  }
  const sent = withBrokenEvent(events, dials.malformed_after_events);
  if (cut !== undefined) return { events: sent.slice(0, cut), ending: "cut", outcome: "cut" };
  if (stall !== undefined) return { events: sent.slice(0, stall), ending: "stall", outcome: "cut" };
  return { events: sent, ending: "end", outcome: "complete" };
}

function withBrokenEvent(events: readonly Event[], after: number | undefined): readonly Event[] {
  if (after === undefined) return events;
  const broken: Event = { text: 'data: {"id":"broken","choices":[{"index":0,"del\n\n', tokens: 0 };
  return [...events.slice(0, after), broken, ...events.slice(after)];
}

/** Providers whose errors are flat still wrap them in `error` inside a stream. */
export function errorBody(call: Call, model: string) {
  const { body } = refusalOf(call, { kind: "server_error", about: model });
  return isObject(body) && "error" in body ? body : { error: body };
}

const errorEvent = (call: Call, model: string): Event => ({
  text: `data: ${JSON.stringify(errorBody(call, model))}\n\n`,
  tokens: 0,
});
