/** Looks into media: how large a picture is, how long a sound or a film. Only where a price asks for it. */
import { imageSize } from "image-size";
import { parseBuffer } from "music-metadata";
import type { Looked } from "../metering/task-usage.js";
import { isThere, type Media } from "../tasks/media.js";
import type { Delivered } from "../tasks/task-call.js";

/** Undefined for what is no picture that anybody knows. */
export function pixelsOf({ bytes }: Media): number | undefined {
  try {
    const { width, height } = imageSize(bytes);
    return width * height;
  } catch {
    // A truncated or unknown file has no size; whoever asked knows what to count instead.
    return undefined;
  }
}

/** Milliseconds, from the container; undefined for what is neither sound nor film. */
export async function durationMsOf({ bytes, type }: Media): Promise<number | undefined> {
  try {
    const { format } = await parseBuffer(
      bytes,
      { mimeType: type, size: bytes.length },
      { duration: true },
    );
    return format.duration === undefined ? undefined : format.duration * 1_000;
  } catch {
    // As above.
    return undefined;
  }
}

const NOTHING: Looked = { images: 0, pixels: undefined, videoMs: undefined, audioMs: undefined };

/** `isDeep` looks into the files as well, and does not just count them. */
export async function lookAt(delivered: Delivered, isDeep: boolean): Promise<Looked> {
  if (delivered.kind === "json") return NOTHING;
  const { media } = delivered;
  if (!isDeep) return { ...NOTHING, images: media.length };
  const there = media.filter(isThere);
  const pixels = sumOf(there.map(pixelsOf));
  const durations = pixels === undefined ? await Promise.all(there.map(durationMsOf)) : [];
  const ms = sumOf(durations);
  return { images: media.length, pixels, videoMs: ms, audioMs: ms };
}

/** Undefined unless all are known. */
function sumOf(values: readonly (number | undefined)[]): number | undefined {
  let sum: number | undefined;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum = (sum ?? 0) + value;
  }
  return sum;
}
