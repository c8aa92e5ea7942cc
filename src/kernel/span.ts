/** Bytes where they stand: to cut them out of their buffer would cost more than most of what is done with them. */
export type Span = { readonly bytes: Buffer; readonly start: number; readonly end: number };

/** All of a text or of some bytes, without the mark of the byte order that some editors put before a text. */
export function spanOf(whole: string | Uint8Array): Span {
  const bytes = typeof whole === "string" ? Buffer.from(whole) : asBuffer(whole);
  return { bytes, start: startOfText(bytes, 0), end: bytes.length };
}

export const textOf = ({ bytes, start, end }: Span): string => bytes.toString("utf8", start, end);

/** Where a text begins whose bytes begin at `at`. */
export const startOfText = (bytes: Uint8Array, at: number): number =>
  bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf ? at + 3 : at;

/** Whether these letters of ASCII stand at a place. */
export function standsAt(bytes: Uint8Array, at: number, letters: string): boolean {
  for (let i = 0; i < letters.length; i++) {
    if (bytes[at + i] !== letters.charCodeAt(i)) return false;
  }
  return true;
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
