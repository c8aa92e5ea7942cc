import { AMOUNT_MAX, least, type NanoUsd, nanoUsd, ZERO } from "../kernel/money.js";
import type { Payer } from "./payer.js";
import type { Rates } from "./rates.js";

/** What happens past the included credit: stop, spend bought credit, or pay as you go up to a limit. */
export const EXTRA_USAGE = ["none", "prepaid", "pay_as_you_go"] as const;

export type Plan = {
  readonly name: string;
  readonly monthlyCredit: NanoUsd;
  readonly monthlyCreditPerSeat: NanoUsd;
  readonly extraUsage: (typeof EXTRA_USAGE)[number];
  /** What its payers may spend beyond their credit each month, until they choose an amount themselves. */
  readonly spendingLimit: NanoUsd;
  /** The most they may choose; none: any amount. */
  readonly spendingLimitMax: NanoUsd | undefined;
  /** What the plan itself costs each period, and for each seat: to be shown. Nothing here charges it. */
  readonly price: NanoUsd;
  readonly pricePerSeat: NanoUsd;
  /** What holds for each payer of the plan; undefined: nothing. */
  readonly rates: Rates | undefined;
};

export type Plans = ReadonlyMap<string, Plan>;

/** A plan of this name that has nothing but what is said. */
export const planOf = (name: string, fields: Partial<Plan> = {}): Plan => ({
  name,
  monthlyCredit: ZERO,
  monthlyCreditPerSeat: ZERO,
  extraUsage: "none",
  // Nobody is billed without having asked for it.
  spendingLimit: ZERO,
  spendingLimitMax: undefined,
  price: ZERO,
  pricePerSeat: ZERO,
  rates: undefined,
  ...fields,
});

const dollars = (amount: number): NanoUsd => nanoUsd(BigInt(amount) * 1_000_000_000n);

/** The built-in plans. Source of the figures: Hugging Face's Inference Providers pricing page, read 2026-08. */
export const builtInPlans: readonly Plan[] = [
  planOf("free", { monthlyCredit: nanoUsd(100_000_000n) }),
  planOf("pro", { monthlyCredit: dollars(2), extraUsage: "pay_as_you_go", price: dollars(9) }),
  planOf("team", {
    monthlyCreditPerSeat: dollars(2),
    extraUsage: "pay_as_you_go",
    pricePerSeat: dollars(20),
  }),
  planOf("enterprise", {
    monthlyCreditPerSeat: dollars(2),
    extraUsage: "pay_as_you_go",
    pricePerSeat: dollars(50),
  }),
];

/** Whether its payers may buy credit. Where a plan stops at what it includes, only the operator gives more. */
export const sellsCredit = (plan: Plan | undefined): boolean =>
  plan !== undefined && plan.extraUsage !== "none";

/** How many of these payers are on each plan that is not there (any more): it brings them nothing. */
export function missingPlans(
  payers: readonly Pick<Payer, "plan">[],
  plans: Plans,
): ReadonlyMap<string, number> {
  const missing = payers.map(({ plan }) => plan).filter((plan) => !plans.has(plan));
  return new Map(
    [...new Set(missing)].map((plan) => [plan, missing.filter((each) => each === plan).length]),
  );
}

type Terms = Pick<Payer, "seats" | "spendingLimit">;

/** What a plan brings each period, all seats together; never more than the books take. */
export function includedCredit(plan: Plan | undefined, { seats }: Terms): NanoUsd {
  if (!plan) return ZERO;
  const credit = plan.monthlyCredit + plan.monthlyCreditPerSeat * BigInt(seats);
  return least(nanoUsd(credit), AMOUNT_MAX);
}

/** What may be spent each period beyond credit, on account: nothing where the plan has no pay-as-you-go. */
export function headroom(plan: Plan | undefined, { spendingLimit }: Terms): NanoUsd {
  if (plan?.extraUsage !== "pay_as_you_go") return ZERO;
  return spendingLimit ?? plan.spendingLimit;
}
