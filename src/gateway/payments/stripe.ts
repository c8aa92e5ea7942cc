/** Stripe takes the money: its Checkout page for buyers, its signed webhooks for us. */
import type { Stripe } from "stripe";
import {
  STRIPE_KEY_VARIABLE,
  STRIPE_WEBHOOK_VARIABLE,
  type StripeSettings,
} from "../../config/payments.js";
import { badRequest, RouterError } from "../../kernel/errors.js";
import { PROCESSOR_CALL_MS } from "../../kernel/limits.js";
import type { Log } from "../../kernel/log.js";
import type { PaymentProcessor, WantedCheckout, Webhook } from "./processor.js";
import { readStripeEvent } from "./stripe-event.js";

/** Stripe's own default: what was signed longer ago may be somebody's recording. */
const SIGNATURE_SECONDS_MAX = 300;
const RETRIES = 2;
const WHAT_IS_BOUGHT = "Inference credit";

/**
 * Without its keys there is a processor too, which names those that are missing. Stripe's library is loaded with the
 * first call.
 */
export function stripeProcessor(settings: StripeSettings, log: Log): PaymentProcessor {
  const missing = [
    ...(settings.secretKey === undefined ? [STRIPE_KEY_VARIABLE] : []),
    ...(settings.webhookSecret === undefined ? [STRIPE_WEBHOOK_VARIABLE] : []),
  ];
  let client: Promise<Stripe> | undefined;
  return {
    name: "stripe",
    missing,
    startCheckout: async (wanted) => {
      // Without the webhook's secret nobody would ever hear that it was paid.
      if (settings.secretKey === undefined || missing.length > 0) throw notSetUp(missing);
      client ??= connect(settings, settings.secretKey);
      const { checkout } = await client;
      const session = await checkout.sessions
        .create(sessionFor(wanted, settings), { idempotencyKey: wanted.paymentId })
        .catch((cause) => {
          throw unavailable(cause, log);
        });
      if (!session.url) throw unavailable(new Error("a checkout without a URL"), log);
      return { sessionId: session.id, url: session.url };
    },
    readEvent: async (hook) => {
      if (settings.webhookSecret === undefined) throw notSetUp([STRIPE_WEBHOOK_VARIABLE]);
      return readStripeEvent(await verified(hook, settings.webhookSecret));
    },
  };
}

/** Ten megabytes and 50 ms, which only those pay who sell credit. */
const loadStripe = async (): Promise<typeof Stripe> => (await import("stripe")).default;

async function connect({ baseUrl }: StripeSettings, secretKey: string): Promise<Stripe> {
  const { protocol, hostname, port } = new URL(baseUrl);
  const isPlain = protocol === "http:";
  return new (await loadStripe())(secretKey, {
    host: hostname,
    port: port || (isPlain ? 80 : 443),
    protocol: isPlain ? "http" : "https",
    timeout: PROCESSOR_CALL_MS,
    maxNetworkRetries: RETRIES,
    telemetry: false,
  });
}

const sessionFor = (
  { paymentId, cents, expiresAt, ...own }: WantedCheckout,
  { successUrl, cancelUrl }: StripeSettings,
): Stripe.Checkout.SessionCreateParams => ({
  mode: "payment",
  line_items: [
    {
      quantity: 1,
      price_data: {
        currency: "usd",
        unit_amount: cents,
        product_data: { name: WHAT_IS_BOUGHT },
      },
    },
  ],
  // For people who look into Stripe's dashboard; nothing here reads it back.
  client_reference_id: paymentId,
  // Whoever pays in another currency would make the amount in the event another one.
  adaptive_pricing: { enabled: false },
  success_url: successUrl ?? own.successUrl,
  cancel_url: cancelUrl ?? own.cancelUrl,
  expires_at: Math.floor(expiresAt / 1_000),
});

async function verified({ body, signature, now }: Webhook, secret: string): Promise<unknown> {
  const { webhooks } = await loadStripe();
  if (signature === null) {
    throw badRequest("The header Stripe-Signature is missing.", "stripe-signature");
  }
  try {
    return await webhooks.constructEventAsync(
      body,
      signature,
      secret,
      SIGNATURE_SECONDS_MAX,
      undefined,
      now,
    );
  } catch (thrown) {
    throw badRequest(whyRefused(thrown), "stripe-signature");
  }
}

/** The package tells its reasons in words only, and shows what was sent beside them: neither is passed on. */
function whyRefused(thrown: unknown): string {
  const told = thrown instanceof Error ? thrown.message : "";
  if (told.includes("tolerance")) {
    return `The Stripe-Signature is older than ${SIGNATURE_SECONDS_MAX} seconds.`;
  }
  const isSigned = !(
    thrown instanceof Error &&
    "type" in thrown &&
    thrown.type === "StripeSignatureVerificationError"
  );
  if (isSigned)
    return "The body is signed, but it is no event that holds a snapshot of its object.";
  return "The Stripe-Signature does not fit this body and the webhook secret that is configured here.";
}

const notSetUp = (missing: readonly string[]): RouterError =>
  new RouterError(
    "payments_unavailable",
    `Credit cannot be bought here: ${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not set. Whoever runs this Turnpike sets that in its environment, or under payments.stripe in turnpike.yaml, and starts it again.`,
    { extra: { missing } },
  );

/** Stripe's own message may repeat part of the key, so only its codes are logged. */
function unavailable(cause: unknown, log: Log): RouterError {
  const facts: Readonly<Record<string, unknown>> = cause instanceof Error ? { ...cause } : {};
  const fact = (name: string) => (typeof facts[name] === "string" ? facts[name] : undefined);
  const status = typeof facts.statusCode === "number" ? facts.statusCode : undefined;
  const isOurs = status !== undefined && status < 500 && status !== 429;
  log(isOurs ? "error" : "warn", "processor_failed", {
    processor: "stripe",
    type: fact("type"),
    code: fact("code"),
    param: fact("param"),
    status,
    processor_request: fact("requestId"),
  });
  const why = isOurs
    ? "Stripe refused to start a checkout; the log of whoever runs this Turnpike says more"
    : "Stripe does not answer; try again in a moment";
  return new RouterError("payments_unavailable", `Credit cannot be bought right now: ${why}.`);
}
