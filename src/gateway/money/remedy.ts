/** What can be done about a bucket that is short, as the end of a 402's message. */
import type { Caller } from "../../tenants/caller.js";
import type { CallerBucket } from "../../tenants/caller-buckets.js";
import type { Payer } from "../../tenants/payer.js";
import { headroom, type Plans, sellsCredit } from "../../tenants/plan.js";

/** One sentence. */
export function remedyFor(plans: Plans, { payer }: Caller, { kind }: CallerBucket): string {
  if (kind === "credit") return moreCredit(plans, payer);
  if (kind === "token_budget") return "A token with a larger budget can go on.";
  return `An admin of ${payer.name} can raise it.`;
}

function moreCredit(plans: Plans, payer: Payer): string {
  const plan = plans.get(payer.plan);
  if (plan?.extraUsage !== "pay_as_you_go") {
    return sellsCredit(plan)
      ? "Buy credit where that is offered, or ask whoever runs this service for some."
      : "Ask whoever runs this service for credit, or for another plan.";
  }
  const verb = headroom(plan, payer) > 0n ? "raise" : "set";
  return payer.kind === "user"
    ? `To go on beyond your credit, ${verb} your spending limit: PUT /api/turnpike/me/spending-limit.`
    : `An owner of ${payer.name} can ${verb} its spending limit, to go on beyond credit.`;
}
