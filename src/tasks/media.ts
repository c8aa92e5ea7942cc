/** A picture, a sound or a film: its bytes and their media type. */
export type Media = { readonly bytes: Uint8Array; readonly type: string };

/** A file that its caller is still sending. It is there once: what was taken of it cannot be taken again. */
export type Upload = {
  readonly type: string;
  /** As its caller announced it. */
  readonly length: number;
  /** Whether anything was taken of it. */
  readonly isBegun: boolean;
  /** Its bytes as they come; ends early, or throws, where the caller does. */
  readonly parts: () => AsyncIterable<Uint8Array>;
};

/** Media in an answer: there already, or at a URL that is fetched without credentials. */
export type MediaSource = Media | { readonly url: string };

/** Whether its bytes are here, and not still to be fetched. */
export const isThere = (source: MediaSource): source is Media => "bytes" in source;

export const toBase64 = ({ bytes }: Media): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");

export const toDataUri = (media: Media): string => `data:${media.type};base64,${toBase64(media)}`;

export const fromBase64 = (text: string, type: string): Media => ({
  bytes: Buffer.from(text, "base64"),
  type,
});

const DATA_URI = /^data:([^;,]*)((?:;[^;,]*)*),/;

/** Undefined for what is no data URI. */
export function fromDataUri(text: string): Media | undefined {
  const match = DATA_URI.exec(text);
  if (!match) return undefined;
  const [head, type = "", options = ""] = match;
  const body = text.slice(head.length);
  const bytes = options.endsWith(";base64") ? Buffer.from(body, "base64") : percentDecoded(body);
  return bytes && { bytes, type: type || "text/plain" };
}

function percentDecoded(text: string): Buffer<ArrayBuffer> | undefined {
  try {
    return Buffer.from(decodeURIComponent(text));
  } catch {
    // A percent sign with no number behind it.
    return undefined;
  }
}
