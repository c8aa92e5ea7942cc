import type { NanoUsd } from "../kernel/money.js";
import { nanoUsd } from "../kernel/money.js";

/** What happens past the included credit: stop, spend bought credit, or pay as you go up to a limit. */
export const EXTRA_USAGE = ["none", "prepaid", "pay_as_you_go"] as const;

export type Plan = {
  readonly name: string;
  readonly monthlyCredit: NanoUsd;
  readonly monthlyCreditPerSeat: NanoUsd;
  readonly extraUsage: (typeof EXTRA_USAGE)[number];
};

const plan = (name: string, fields: Partial<Plan>): Plan => ({
  name,
  monthlyCredit: nanoUsd(0n),
  monthlyCreditPerSeat: nanoUsd(0n),
  extraUsage: "none",
  ...fields,
});

const TWO_DOLLARS = nanoUsd(2_000_000_000n);

/** The built-in plans. Source of the figures: Hugging Face's Inference Providers pricing page, read 2026-08. */
export const builtInPlans: readonly Plan[] = [
  plan("free", { monthlyCredit: nanoUsd(100_000_000n) }),
  plan("pro", { monthlyCredit: TWO_DOLLARS, extraUsage: "pay_as_you_go" }),
  plan("team", { monthlyCreditPerSeat: TWO_DOLLARS, extraUsage: "pay_as_you_go" }),
  plan("enterprise", { monthlyCreditPerSeat: TWO_DOLLARS, extraUsage: "pay_as_you_go" }),
];
