/** What providers answer to tasks, as media and as hf-inference's JSON. */
import { fromBase64, fromDataUri, type Media, type MediaSource } from "../../tasks/media.js";
import { typeOfMedia } from "../../tasks/media-type.js";
import type { Usage } from "../../tasks/usage.js";
import type { ProviderReply, Step } from "../provider.js";
import { at, MalformedReply, textAt } from "../reply.js";

export const doneWithMedia = (media: readonly MediaSource[], usage?: Usage): Step => ({
  kind: "done",
  output: { kind: "media", media },
  ...(usage && { usage }),
});

/** The end of a job that came to nothing; `why` is whatever the provider has to say about it. */
export const failed = (why: unknown): Step => ({ kind: "failed", message: wordsIn(why) });

/** fal gives a list of what is wrong with the request, others an object or plain text. */
function wordsIn(why: unknown): string {
  if (typeof why === "string" && why !== "") return why;
  if (Array.isArray(why) && why.length > 0) return why.map(wordsIn).join("; ");
  const said = at(why, "message") ?? at(why, "msg");
  return said === undefined ? "the provider does not say why" : wordsIn(said);
}

/** A link, or a data URI of what is there already. */
export const mediaAt = (json: unknown, ...path: readonly (string | number)[]): MediaSource =>
  mediaFrom(textAt(json, ...path));

export function mediaFrom(text: string): MediaSource {
  if (/^https?:\/\//i.test(text)) return { url: text };
  const media = text.startsWith("data:") ? decoded(text) : undefined;
  if (!media) throw new MalformedReply("neither a link nor a data URI");
  return media;
}

function decoded(uri: string): Media | undefined {
  try {
    return fromDataUri(uri);
  } catch (cause) {
    throw new MalformedReply("a data URI that cannot be decoded", { cause });
  }
}

/** Sound in the body itself. JSON there is a complaint. */
export function soundIn({ type, bytes, json }: ProviderReply): Media {
  if (json === undefined && bytes.length > 0 && !type.startsWith("text/")) return { bytes, type };
  throw new MalformedReply(`no sound but ${type || "nothing"}`);
}

/** A picture. Providers never say of which kind: Nebius sends WebP, Hyperbolic PNG, others what was asked for. */
export function pictureFrom(base64: string): Media {
  const { bytes } = fromBase64(base64, "");
  const type = typeOfMedia(bytes, undefined);
  return { bytes, type: type.startsWith("image/") ? type : "image/jpeg" };
}

type Chunk = { readonly text: string; readonly timestamp: readonly unknown[] };

/** `{text, chunks?}` from what Whisper's many hosts call the same. */
export function transcriptOf(json: unknown): object {
  // NVIDIA's models on fal have `output`.
  const text = at(json, "text") ?? at(json, "output");
  if (typeof text !== "string") throw new MalformedReply("no transcript");
  const chunks = chunksIn(json);
  return chunks.length > 0 ? { text, chunks } : { text };
}

function chunksIn(json: unknown): Chunk[] {
  const chunks = at(json, "chunks");
  if (Array.isArray(chunks)) return chunks.flatMap((one) => chunkOf(one, at(one, "timestamp")));
  // OpenAI's single words are in a list of their own.
  const timed = at(json, "segments") ?? at(json, "words");
  if (!Array.isArray(timed)) return [];
  return timed.flatMap((one) => chunkOf(one, [at(one, "start") ?? 0, at(one, "end") ?? 0]));
}

function chunkOf(json: unknown, timestamp: unknown): Chunk[] {
  const text = at(json, "text") ?? at(json, "word");
  return typeof text === "string" && Array.isArray(timestamp) ? [{ text, timestamp }] : [];
}
