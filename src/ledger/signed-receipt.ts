/** A receipt that carries its own proof: what it says, and a signature over the canonical JSON of that. */
import type { KeyObject } from "node:crypto";
import { z } from "zod";
import { canonicalJson, type Json } from "../kernel/canonical-json.js";
import { RECEIPT_CHARS_MAX } from "../kernel/limits.js";
import { twiceNamed } from "../kernel/twice-named.js";
import { isSignatureOf, keyId, type ReceiptKey, signText } from "./receipt-key.js";

export type SignedReceipt = {
  readonly receipt: Json;
  readonly signature: {
    readonly algorithm: "Ed25519";
    readonly key_id: string;
    readonly value: string;
  };
};

/** Signs the canonical JSON of a receipt, so that programs may write it anew. */
export const signReceipt = (receipt: Json, key: ReceiptKey): SignedReceipt => ({
  receipt,
  signature: {
    algorithm: "Ed25519",
    key_id: key.id,
    value: signText(key, canonicalJson(receipt)),
  },
});

export type Verdict =
  | { readonly ok: true; readonly receipt: Receipt }
  /** `not_a_receipt`, `other_key`, or `changed` since it was signed. */
  | { readonly ok: false; readonly why: Fault; readonly message: string };

type Fault = "not_a_receipt" | "other_key" | "changed";
type Receipt = z.output<typeof signedSchema>["receipt"];

/** What stands in a receipt is the signer's business; this asks only for what every one has. */
const signedSchema = z.strictObject({
  receipt: z.looseObject({ inference_id: z.string() }),
  signature: z.strictObject({
    algorithm: z.literal("Ed25519"),
    key_id: z.string(),
    value: z.string(),
  }),
});

/** Whether a receipt is the very one that the holder of a key signed. Blanks and the order of members do not matter. */
export function checkReceipt(text: string, publicKey: KeyObject): Verdict {
  const signed = parseSigned(text);
  if (typeof signed === "string") return fault("not_a_receipt", `This is no receipt: ${signed}.`);
  const { receipt, signature } = signed;
  const id = keyId(publicKey);
  if (signature.key_id !== id) {
    const message = `The receipt names the key ${signature.key_id}, and the key given is ${id}: it was signed by somebody else, or its "key_id" was changed.`;
    return fault("other_key", message);
  }
  if (!isSignatureOf(canonicalJson(receipt as Json), signature.value, publicKey)) {
    const message = `The receipt was changed after it was signed: its signature does not fit what it says.`;
    return fault("changed", message);
  }
  return { ok: true, receipt };
}

const fault = (why: Fault, message: string): Verdict => ({ ok: false, why, message });

/** What it holds, or in a few words what is wrong with it. */
function parseSigned(text: string): z.output<typeof signedSchema> | string {
  if (text.length > RECEIPT_CHARS_MAX) return `it is longer than ${RECEIPT_CHARS_MAX} characters`;
  try {
    const json = JSON.parse(text);
    const twice = twiceNamed(text);
    if (twice !== undefined) return `it has "${twice}" twice`;
    const result = signedSchema.safeParse(json);
    if (result.success) {
      // As it came: the schema's copy lacks what is called `__proto__`.
      const receipt: Receipt = json.receipt;
      canonicalJson(receipt as Json);
      return { ...result.data, receipt };
    }
    const [issue] = result.error.issues;
    return `"${issue?.path.join(".")}": ${issue?.message}`;
  } catch (thrown) {
    return thrown instanceof Error ? `it is not JSON (${thrown.message})` : "it is not JSON";
  }
}
