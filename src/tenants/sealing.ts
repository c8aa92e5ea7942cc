/** Seals provider keys with AES-256-GCM under the master key; the owner and provider are bound in as context. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const IV_BYTES = 12;
const TAG_BYTES = 16;

export type MasterKey = Buffer;

/** Reads 64 hex characters; undefined for anything else. */
export function parseMasterKey(text: string): MasterKey | undefined {
  return /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, "hex") : undefined;
}

/** Encrypts a provider's key. `context` names its owner and place: it opens nowhere else. */
export function seal(plain: string, context: string, key: MasterKey): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(context));
  const body = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString("base64url");
}

/** Throws when the text was altered, belongs to another context, or was sealed under another key. */
export function unseal(sealed: string, context: string, key: MasterKey): string {
  const bytes = Buffer.from(sealed, "base64url");
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, IV_BYTES))
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const body = bytes.subarray(IV_BYTES + TAG_BYTES);
  return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
}

/** Shows the end of a long key, and nothing of a short one. */
export const maskProviderKey = (key: string): string =>
  key.length >= 20 ? `…${key.slice(-4)}` : "…";
