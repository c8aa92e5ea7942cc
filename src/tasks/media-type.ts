/** What a file is, from its first bytes: clients often name no media type, or one that stands for any file. */

type Signature = { readonly type: string; readonly at: number; readonly bytes: string };

/** As Latin-1. Containers that hold sound or film alike are taken for what they most often are. */
const SIGNATURES: readonly Signature[] = [
  { type: "image/png", at: 0, bytes: "\x89PNG\r\n\x1a\n" },
  { type: "image/jpeg", at: 0, bytes: "\xff\xd8\xff" },
  { type: "image/gif", at: 0, bytes: "GIF8" },
  { type: "image/webp", at: 8, bytes: "WEBP" },
  { type: "image/bmp", at: 0, bytes: "BM" },
  { type: "image/tiff", at: 0, bytes: "II*\0" },
  { type: "image/tiff", at: 0, bytes: "MM\0*" },
  { type: "image/avif", at: 4, bytes: "ftypavif" },
  { type: "image/heic", at: 4, bytes: "ftyphei" },
  { type: "audio/wav", at: 8, bytes: "WAVE" },
  { type: "audio/flac", at: 0, bytes: "fLaC" },
  { type: "audio/ogg", at: 0, bytes: "OggS" },
  { type: "audio/mpeg", at: 0, bytes: "ID3" },
  { type: "audio/mpeg", at: 0, bytes: "\xff\xfb" },
  { type: "audio/mpeg", at: 0, bytes: "\xff\xf3" },
  { type: "audio/mpeg", at: 0, bytes: "\xff\xf2" },
  { type: "audio/aac", at: 0, bytes: "\xff\xf1" },
  { type: "audio/aac", at: 0, bytes: "\xff\xf9" },
  { type: "audio/mp4", at: 4, bytes: "ftypM4A" },
  { type: "video/mp4", at: 4, bytes: "ftyp" },
  { type: "video/webm", at: 0, bytes: "\x1a\x45\xdf\xa3" },
];

const LOOKED_AT = 16;
export const ANY_FILE = "application/octet-stream";

/** Said of any body by clients that were told nothing; curl's is the form's. */
const MEANS_NOTHING = new Set(["", ANY_FILE, "application/x-www-form-urlencoded"]);

/** The type as it was said, or else as the bytes tell, or else that of any file. */
export function typeOfMedia(bytes: Uint8Array, said: string | null | undefined): string {
  const bare = (said ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (!MEANS_NOTHING.has(bare)) return (said ?? "").trim();
  const head = Buffer.from(bytes.subarray(0, LOOKED_AT)).toString("latin1");
  return SIGNATURES.find((one) => head.startsWith(one.bytes, one.at))?.type ?? ANY_FILE;
}
