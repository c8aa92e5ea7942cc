/** Looks into media: how large a picture is, how long a sound or a film. Only where a price asks for it. */
import { imageSize } from "image-size";
import type { MediaInfo } from "mediainfo.js";
import type { Looked } from "../../metering/task-usage.js";
import { isThere, type Media } from "../../tasks/media.js";
import type { Delivered } from "../../tasks/task-call.js";

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
export const durationMsOf = async (media: Media): Promise<number | undefined> =>
  (await soundMsOf(media)) ?? (isFilm(media) ? await filmMsOf(media) : undefined);

const isFilm = ({ type }: Media): boolean => type.startsWith("video/");

/** Of anything with a sound in it. */
async function soundMsOf({ bytes, type }: Media): Promise<number | undefined> {
  try {
    // Loaded when first needed, like the other one below.
    const { parseBuffer } = await import("music-metadata");
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

/** Silent films have no length for the library of sounds. This one is much larger. */
let filmLibrary: Promise<MediaInfo<"object">> | undefined;

/** It looks into one file at a time. */
let lastLook: Promise<unknown> = Promise.resolve();

function filmMsOf(media: Media): Promise<number | undefined> {
  const look = lastLook.then(() => lookIntoFilm(media));
  lastLook = look;
  return look;
}

async function lookIntoFilm({ bytes }: Media): Promise<number | undefined> {
  try {
    filmLibrary ??= import("mediainfo.js").then(({ default: load }) => load({ format: "object" }));
    const library = await filmLibrary;
    const { media } = await library.analyzeData(bytes.byteLength, (size, offset) =>
      bytes.subarray(offset, offset + size),
    );
    const [general] = media?.track ?? [];
    const seconds = general && "Duration" in general ? Number(general.Duration) : Number.NaN;
    return Number.isFinite(seconds) ? seconds * 1_000 : undefined;
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
