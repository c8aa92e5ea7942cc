/**
 * Access tokens: `hf_tp`, 28 random letters and digits, 6 of checksum. The `hf_` prefix is what the Hugging
 * Face clients test to decide that a call is routed; the checksum lets us refuse noise before any look-up.
 */
import { randomBytes } from "node:crypto";

const PREFIX = "hf_tp";
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_CHARS = 28;
const CHECKSUM_CHARS = 6;
const SHAPE = /^hf_tp[0-9A-Za-z]{34}$/;

/** 166 random bits and a checksum, in the shape of `SHAPE`. */
export function newAccessToken(): string {
  const body = PREFIX + randomLetters(RANDOM_CHARS);
  return body + checksumOf(body);
}

/** Whether this could be a token of ours at all: shape and checksum, without a look-up. */
export function isWellFormed(token: string): boolean {
  if (!SHAPE.test(token)) return false;
  let rest = Bun.hash.crc32(token.slice(0, -CHECKSUM_CHARS));
  for (let at = token.length - 1; at >= token.length - CHECKSUM_CHARS; at--) {
    if (token.charCodeAt(at) !== ALPHABET.charCodeAt(rest % ALPHABET.length)) return false;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return true;
}

/** What the store keeps of a token. A plain hash is enough for 166 random bits. */
export const hashToken = (token: string): string => Bun.SHA256.hash(token, "base64url");

/** What people may see of it afterwards. */
export const maskToken = (token: string): string => `${token.slice(0, 7)}…${token.slice(-4)}`;

function checksumOf(body: string): string {
  let rest = Bun.hash.crc32(body);
  let text = "";
  for (let i = 0; i < CHECKSUM_CHARS; i++) {
    text = ALPHABET.charAt(rest % ALPHABET.length) + text;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return text;
}

function randomLetters(count: number): string {
  let text = "";
  while (text.length < count) {
    for (const byte of randomBytes(count)) {
      // 248 is the largest multiple of 62 in a byte: what lies above would favour the first letters.
      if (byte < 248 && text.length < count) text += ALPHABET.charAt(byte % ALPHABET.length);
    }
  }
  return text;
}
