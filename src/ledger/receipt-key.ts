/**
 * The key that signs receipts: Ed25519, made from the master key, so that all processes sign alike and nothing more
 * has to be kept.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";

/** Also the version: another purpose, or another way to sign, gets another text and so another key. */
const PURPOSE = "turnpike receipts ed25519 v1";
const SEED_BYTES = 32;
/** What PKCS #8 has before the seed of an Ed25519 key. Source: RFC 8410, section 7. */
const BEFORE_SEED = Buffer.from("302e020100300506032b657004220420", "hex");
const ID_CHARS = 16;

export type ReceiptKey = {
  readonly id: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
};

/** The same master key gives the same one, on every node and after every start. */
export function receiptKey(masterKey: Buffer): ReceiptKey {
  const seed = Buffer.from(hkdfSync("sha256", masterKey, "", PURPOSE, SEED_BYTES));
  const key = Buffer.concat([BEFORE_SEED, seed]);
  const privateKey = createPrivateKey({ key, format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey);
  return { id: keyId(publicKey), publicKey, privateKey };
}

/** Names a public key: the beginning of its hash. */
export const keyId = (publicKey: KeyObject): string =>
  createHash("sha256")
    .update(publicKey.export({ format: "der", type: "spki" }))
    .digest("base64url")
    .slice(0, ID_CHARS);

/** In base64url. */
export const signText = ({ privateKey }: ReceiptKey, text: string): string =>
  sign(null, Buffer.from(text), privateKey).toString("base64url");

/** False also for a signature in any other spelling than the one it was given in. */
export function isSignatureOf(text: string, signature: string, publicKey: KeyObject): boolean {
  const bytes = Buffer.from(signature, "base64url");
  if (bytes.toString("base64url") !== signature) return false;
  return verify(null, Buffer.from(text), publicKey, bytes);
}

/** The public key as it is published. */
export const printPublicKey = ({ id, publicKey }: ReceiptKey) => ({
  algorithm: "Ed25519",
  key_id: id,
  public_key: publicKey.export({ format: "pem", type: "spki" }).toString(),
});

/** Reads a published key, or a PEM file of its own; undefined for anything else. */
export function parsePublicKey(text: string): KeyObject | undefined {
  try {
    const key = createPublicKey(pemIn(text));
    return key.asymmetricKeyType === "ed25519" ? key : undefined;
  } catch {
    // Whatever is wrong with it: it is no such key.
    return undefined;
  }
}

function pemIn(text: string): string {
  if (text.trimStart().startsWith("-----BEGIN PUBLIC KEY-----")) return text;
  const { public_key }: { public_key?: unknown } = JSON.parse(text);
  return String(public_key);
}
