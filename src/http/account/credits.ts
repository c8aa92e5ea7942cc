/** What payers have left, and what they may spend beyond it. */
import { z } from "zod";
import { keeperOf } from "../../gateway/parts.js";
import { badRequest, RouterError } from "../../kernel/errors.js";
import { formatUsd, type NanoUsd, printAmountOrNull } from "../../kernel/money.js";
import { periodAt } from "../../kernel/period.js";
import { printCredit } from "../../ledger/credit.js";
import { fundsBucketOf, type Payer } from "../../tenants/payer.js";
import { headroom } from "../../tenants/plan.js";
import { loweredByTerms, type TermsChange } from "../../tenants/store.js";
import type { User } from "../../tenants/user.js";
import { authenticate } from "../authenticate.js";
import { readJson } from "../body.js";
import { caughtUp } from "../caught-up.js";
import { dollars } from "../fields.js";
import { type Handler, json, type Site } from "../parts.js";

export const showCredits: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "read");
  return json(await creditOf(site, user));
};

export async function creditOf(site: Site, payer: Payer) {
  await caughtUp(site);
  const { gateway, ledger, usage } = site;
  const bucket = fundsBucketOf(payer);
  const now = gateway.clock.now();
  const period = periodAt(payer.anchor, now);
  const view = await ledger.credit(bucket, now);
  const spent = await usage.chargedSince(bucket, period.start);
  return printCredit(view, { held: gateway.book.heldOn(bucket), spent, resetsAt: period.end });
}

export const showSpendingLimit: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "read");
  return json(printSpendingLimit(site, user));
};

const amountSchema = z.strictObject({ amount: dollars.nullable() });

export const putSpendingLimit: Handler = async (site, visit) => {
  const { user, token } = await authenticate(site, visit, "write");
  if (token.budget) {
    throw new RouterError("forbidden", "A token with a budget cannot change what its user spends.");
  }
  const { amount } = await readJson(visit.request, amountSchema);
  requireWithinPlan(site, user, amount, "amount");
  return json(printSpendingLimit(site, await setUserTerms(site, user, { spendingLimit: amount })));
};

/** What payers may choose themselves; the operator may go beyond. */
export function requireWithinPlan(
  { gateway }: Site,
  payer: Payer,
  amount: NanoUsd | null,
  field: string,
): void {
  const plan = gateway.plans.get(payer.plan);
  if (amount === null || amount === 0n) return;
  if (plan?.extraUsage !== "pay_as_you_go") {
    throw badRequest(
      `The plan "${payer.plan}" has no pay-as-you-go, so there is nothing to limit.`,
      field,
    );
  }
  const most = plan.spendingLimitMax;
  if (most !== undefined && amount > most) {
    throw badRequest(
      `"${field}" may be at most $${formatUsd(most)} on the plan "${plan.name}".`,
      field,
    );
  }
}

/** What counts, what the payer chose (null: nothing, the plan decides), and the most that may be chosen. */
export function printSpendingLimit({ gateway }: Site, payer: Payer) {
  const plan = gateway.plans.get(payer.plan);
  return {
    spending_limit_nano_usd: String(headroom(plan, payer)),
    own_nano_usd: printAmountOrNull(payer.spendingLimit),
    max_nano_usd: printAmountOrNull(plan?.spendingLimitMax),
  };
}

/** Changes a user's terms here and, within a second, everywhere. Returns the user as it is then. */
export async function setUserTerms(site: Site, user: User, change: TermsChange): Promise<User> {
  const { tenants, gateway } = site;
  await tenants.setTerms(user.id, change);
  await site.reloadUser(user.id);
  for (const id of loweredByTerms(user, change)) await keeperOf(gateway, id).surrender(id);
  return gateway.directory.user(user.id) ?? user;
}
