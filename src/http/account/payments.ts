/** Buying credit, and what the payment processor tells of it. */
import { z } from "zod";
import { badRequest, RouterError } from "../../kernel/errors.js";
import { CHECKOUT_LIFE_MS, OPEN_CHECKOUTS_MAX, WEBHOOK_BYTES_MAX } from "../../kernel/limits.js";
import { formatUsd, type NanoUsd, parseUsd } from "../../kernel/money.js";
import {
  type EventOutcome,
  openPayment,
  type Payment,
  type PaymentEvent,
  printPayment,
  toCents,
} from "../../ledger/payment.js";
import { fundsBucketOf, type Payer } from "../../tenants/payer.js";
import { sellsCredit } from "../../tenants/plan.js";
import { authenticate } from "../authenticate.js";
import { readJson, readText } from "../body.js";
import { type Handler, json, type Site, type Visit } from "../parts.js";

const PAYMENTS_SHOWN = 100;

/** Whether credit can be bought here, and what is missing; for whoever shows a button. */
export const showCheckout: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "read");
  const { minAmount, maxAmount } = site.config.payments;
  const { name, missing } = site.processor;
  const isOnPlan = sellsCredit(site.gateway.plans.get(user.plan));
  return json({
    available: missing.length === 0 && isOnPlan,
    missing,
    plan: user.plan,
    plan_allows: isOnPlan,
    processor: name,
    currency: "usd",
    min_amount_nano_usd: String(minAmount),
    max_amount_nano_usd: String(maxAmount),
  });
};

export const startCheckout: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "write");
  return json(await checkoutFor(site, visit, user), 201);
};

/** Sends whoever asks to the processor's page, to buy credit for this payer. */
export async function checkoutFor(site: Site, visit: Visit, payer: Payer) {
  const bucket = fundsBucketOf(payer);
  const { amount: text } = await readJson(visit.request, z.strictObject({ amount: z.string() }));
  const { amount, cents } = readAmount(site, text);
  requireSale(site, payer);
  const bound = { openMax: OPEN_CHECKOUTS_MAX, since: visit.at - CHECKOUT_LIFE_MS };
  if ((await site.payments.countOpen(bucket, bound.since)) >= bound.openMax) throw tooMany();
  const id = site.gateway.newId();
  const back = (outcome: string): string => `${visit.url.origin}/?checkout=${outcome}`;
  const { sessionId, url } = await site.processor.startCheckout({
    paymentId: id,
    cents,
    successUrl: back("paid"),
    cancelUrl: back("cancelled"),
    expiresAt: visit.at + CHECKOUT_LIFE_MS,
  });
  // Only now: nobody can pay a checkout whose URL they were not told, and nobody is told of one we did not note.
  const payment = openPayment({ id, bucket, amount, sessionId, createdAt: visit.at });
  if ((await site.payments.add(payment, bound)) === "too_many") throw tooMany();
  return { payment: printPayment(payment), url };
}

/** What is not set up is said first: then nobody can buy, whatever their plan. */
function requireSale({ gateway, processor }: Site, { plan }: Payer): void {
  if (processor.missing.length > 0 || sellsCredit(gateway.plans.get(plan))) return;
  throw new RouterError(
    "forbidden",
    `The plan "${plan}" stops at the credit that it includes, so none can be bought on it. Ask whoever runs this service for another plan.`,
  );
}

function readAmount(site: Site, text: string): { amount: NanoUsd; cents: number } {
  const { minAmount, maxAmount } = site.config.payments;
  const amount = parseUsd(text);
  const cents = amount === undefined ? undefined : toCents(amount);
  if (amount === undefined || cents === undefined || amount < minAmount || amount > maxAmount) {
    throw badRequest(
      `"amount" must be dollars and whole cents as decimal text, from "${formatUsd(minAmount)}" to "${formatUsd(maxAmount)}".`,
      "amount",
    );
  }
  return { amount, cents };
}

const tooMany = (): RouterError =>
  new RouterError(
    "rate_limited",
    `${OPEN_CHECKOUTS_MAX} checkouts of yours are open already. Pay one of them, or wait until they are over.`,
    {
      retryAfterSeconds: CHECKOUT_LIFE_MS / 1_000,
      extra: { limited_by: "turnpike" },
    },
  );

export const listPayments: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "read");
  return json(await paymentsOf(site, fundsBucketOf(user)));
};

export async function paymentsOf(site: Site, bucket: string) {
  const payments = await site.payments.list(bucket, PAYMENTS_SHOWN);
  return { payments: payments.map(printPayment) };
}

/**
 * Everything but a 200 makes the processor send the event again, for days: so what could be done is done before
 * the answer, in one transaction, and what concerns nobody here is received as well.
 */
export const receiveStripe: Handler = async (site, visit) => {
  const body = await readText(visit.request, WEBHOOK_BYTES_MAX);
  const signature = visit.request.headers.get("stripe-signature");
  const event = await site.processor.readEvent({ body, signature, now: visit.at });
  const outcome = event && (await apply(site, event, visit.at));
  return json({
    received: true,
    concerns: outcome?.what === "unknown" ? null : (event?.kind ?? null),
  });
};

async function apply(site: Site, event: PaymentEvent, at: number): Promise<EventOutcome> {
  if (event.kind === "disputed") return noteDispute(site, event.intentId);
  const outcome =
    event.kind === "checkout"
      ? await site.payments.applyCheckout(event, at)
      : await site.payments.applyReversal(event, at);
  if (outcome.what === "refused") throw refuse(site, event, outcome.payment);
  if (outcome.what === "changed") logChange(site, event, outcome.payment);
  return outcome;
}

async function noteDispute(site: Site, intentId: string): Promise<EventOutcome> {
  const payment = await site.payments.findByIntent(intentId);
  if (!payment) return { what: "unknown" };
  site.gateway.log("warn", "payment_disputed", { payment: payment.id, bucket: payment.bucket });
  return { what: "unchanged", payment };
}

/** Signed by the processor, and yet not what the checkout was for: nobody may be credited on a guess. */
function refuse(
  { gateway }: Site,
  { money }: Exclude<PaymentEvent, { kind: "disputed" }>,
  payment: Payment,
): RouterError {
  const told = `${formatUsd(money.amount)} ${money.currency || "of no currency"}`;
  const expected = `${formatUsd(payment.amount)} usd`;
  gateway.log("error", "payment_refused", { payment: payment.id, told, expected });
  return badRequest(
    `The event speaks of ${told}, and payment ${payment.id} is for ${expected}. Nothing was changed.`,
    "data.object",
  );
}

function logChange(
  { gateway }: Site,
  event: Exclude<PaymentEvent, { kind: "disputed" }>,
  payment: Payment,
): void {
  const { id, bucket, amount, state, takenBack, lost, outstanding } = payment;
  if (event.kind === "checkout") {
    gateway.log("info", `payment_${state}`, { payment: id, bucket, usd: formatUsd(amount) });
    return;
  }
  gateway.log("warn", event.isVoid ? "payment_reversal_undone" : "payment_reversed", {
    payment: id,
    bucket,
    because: event.because,
    taken_back_usd: formatUsd(takenBack),
    lost_usd: formatUsd(lost),
    outstanding_usd: formatUsd(outstanding),
  });
}
