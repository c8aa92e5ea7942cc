import type { Json } from "../json.js";
import { readInput } from "../media/input.js";
import type { Size } from "../media/picture.js";
import { isCutOff, probe } from "../media/probe.js";
import type { Refused } from "../task/answer.js";
import { failed, type Given, required } from "./pipeline.js";

/** The picture of a call: the body itself, or base64 where JSON holds it. */
export function imageIn(given: Given, value: Json | undefined): Size | Refused {
  const bytes = bytesIn(given, value);
  if (!bytes) return required("inputs");
  const seen = probe(bytes);
  if (seen?.kind !== "image") return failed("cannot identify image file");
  return isCutOff(bytes) ? failed("image file is truncated") : seen;
}

/** How long the recording of a call is, in seconds. */
export function soundIn(given: Given): { readonly seconds: number } | Refused {
  const bytes = bytesIn(given, given.inputs);
  if (!bytes) return required("inputs");
  const heard = probe(bytes);
  if (heard?.kind === "sound") return { seconds: heard.seconds };
  return failed("Malformed soundfile");
}

function bytesIn(given: Given, value: Json | undefined): Uint8Array | undefined {
  if (given.bytes) return given.bytes;
  const input = readInput(given.ask, value);
  return input?.kind === "bytes" ? input.bytes : undefined;
}
