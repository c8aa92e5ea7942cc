import type { Call } from "../call.js";
import type { Units } from "../units.js";

/** Seconds a provider would claim to have worked: made from what it made, so that they repeat. */
export const workSeconds = (units: Units): number =>
  Math.round(
    1000 *
      ((units.images ?? 0) * 1.5 +
        (units.videoSeconds ?? 0) * 4 +
        (units.audioSeconds ?? 0) * 0.1 +
        (units.characters ?? 0) * 0.002 +
        0.25),
  ) / 1000;

/** Simulated time in seconds UTC: fixed at the start and one second per request, so that runs repeat. */
export const simulatedNow = ({ number }: Pick<Call, "number">): number => 1_767_225_600 + number;

export const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString();
