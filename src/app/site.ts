/** Joins what the routes are built on. */
import type { LateBilling } from "../gateway/money/late-billing.js";
import type { Jobs } from "../gateway/pass/jobs.js";
import { stripeProcessor } from "../gateway/payments/stripe.js";
import { BodyBudget } from "../http/body-budget.js";
import type { Site } from "../http/parts.js";
import { receiptKey } from "../ledger/receipt-key.js";
import type { Built } from "./gateway.js";
import type { Node } from "./node.js";
import type { AppParts } from "./parts.js";

type Parts = {
  readonly given: AppParts;
  readonly node: Node;
  readonly built: Built;
  readonly lateBilling: LateBilling;
  readonly jobs: Jobs;
  readonly drain: () => Promise<void>;
};

export function siteOf({ given, node, built, ...rest }: Parts): Site {
  const { config, masterKey, log } = given;
  const { gateway, guard, memory } = built;
  const { rates: rateLeases, ...kept } = node.stores;
  return {
    ...{ config, gateway, guard, masterKey, rateLeases },
    ...rest,
    ...kept,
    ...memory.reloads,
    bodies: new BodyBudget(config.limits.uploadBytesMax),
    processor: stripeProcessor(config.payments.stripe, log),
    receiptKey: receiptKey(masterKey),
    isReady: () => kept.ledger.spoolPosition(node.id).then(Boolean, () => false),
  };
}
