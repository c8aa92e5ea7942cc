import { createHmac } from "node:crypto";

/**
 * The header `Stripe-Signature` of a webhook's body. Source: Stripe's documentation, "Verify webhook signatures
 * manually", read 2026-11: HMAC-SHA256 over the time in seconds, a dot and the body as sent.
 */
export function stripeSignature(body: string, secret: string, atMs: number): string {
  const seconds = Math.floor(atMs / 1_000);
  const signature = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
  return `t=${seconds},v1=${signature}`;
}
