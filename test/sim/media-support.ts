import { drawPicture } from "../../sim/media/draw-picture.js";
import { playSound } from "../../sim/media/play-sound.js";
import { randomFrom } from "../../sim/random.js";
import type { Sim } from "../../sim/server.js";

/** Files that a caller could send. */
export const PICTURE = drawPicture("png", { width: 640, height: 480 }, randomFrom(1), 0);
export const RECORDING = playSound("wav", 3, randomFrom(1), 0);
export const PICTURE_URI = `data:image/png;base64,${Buffer.from(PICTURE).toString("base64")}`;
export const RECORDING_URI = `data:audio/x-wav;base64,${Buffer.from(RECORDING).toString("base64")}`;

/** Where each provider's hosts are simulated, for clients that have them written into them. */
const HOSTS: { readonly [origin: string]: string } = {
  "https://fal.run": "fal-ai",
  "https://queue.fal.run": "fal-ai/queue",
  "https://api.replicate.com": "replicate",
  "https://api.together.xyz": "together",
  "https://api.novita.ai": "novita",
  "https://api.wavespeed.ai": "wavespeed",
  "https://api.z.ai": "zai-org",
  "https://inference.api.nscale.com": "nscale",
  "https://api.deepinfra.com": "deepinfra",
};

/** The simulated address of a provider's own. */
export function simulated(sim: Sim, url: string): string {
  const { origin, pathname, search } = new URL(url);
  const prefix = HOSTS[origin];
  if (prefix === undefined) return url;
  // A path that a client took from an answer begins with the prefix already. fal's apps begin like that, too.
  const whole = prefix !== "fal-ai" && pathname.startsWith(`/${prefix}/`);
  return sim.origin + (whole ? "" : `/${prefix}`) + pathname + search;
}
