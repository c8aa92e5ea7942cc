import type { PaymentEvent } from "../../ledger/payment.js";

/** Who takes the buyers' money: it shows them a page of its own, so no card number ever comes here. */
export type PaymentProcessor = {
  readonly name: string;
  /** The environment variables the operator has yet to set before credit can be bought. */
  readonly missing: readonly string[];
  /** Throws `payments_unavailable` when something is missing, or the processor does not answer or refuses us. */
  readonly startCheckout: (wanted: WantedCheckout) => Promise<StartedCheckout>;
  /**
   * What a webhook says, once its signature over the raw body was found good; undefined for what concerns no
   * payment. Throws `bad_request` for a signature that is wrong or old.
   */
  readonly readEvent: (hook: Webhook) => Promise<PaymentEvent | undefined>;
};

export type WantedCheckout = {
  /** Our id of the payment. Asking twice with one id makes one checkout. */
  readonly paymentId: string;
  /** US cents. */
  readonly cents: number;
  /** Where the buyer goes afterwards, unless the operator configured it. */
  readonly successUrl: string;
  readonly cancelUrl: string;
  /** Nobody can pay after this. */
  readonly expiresAt: number;
};

export type StartedCheckout = { readonly sessionId: string; readonly url: string };

export type Webhook = {
  readonly body: string;
  readonly signature: string | null;
  readonly now: number;
};
