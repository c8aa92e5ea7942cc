/** What operators are told of somebody's plan. */
import { formatUsd, type NanoUsd } from "../kernel/money.js";
import type { Payer } from "../tenants/payer.js";
import type { Local } from "./local.js";

type Named = Pick<Payer, "name" | "plan">;

/** What a spending limit comes to on the payer's plan; null: it is up to the plan. */
export function saySpendingLimit(
  { config }: Local,
  { name, plan }: Named,
  amount: NanoUsd | null,
): string {
  if (amount === null) return `What ${name} may spend beyond credit is up to the plan ${plan}.`;
  const says = `${name} may spend $${formatUsd(amount)} a period beyond credit`;
  const counts = config.plans.get(plan)?.extraUsage === "pay_as_you_go";
  return counts ? `${says}.` : `${says} once on a plan with pay-as-you-go. ${plan} has none.`;
}

/** A user has no seats, and so nothing of a credit that is per seat. */
export function saySeatless({ config }: Local, { name, plan }: Named): string {
  const { monthlyCredit = 0n, monthlyCreditPerSeat = 0n } = config.plans.get(plan) ?? {};
  return monthlyCredit === 0n && monthlyCreditPerSeat > 0n
    ? `\nThe credit of ${plan} is per seat, and seats are an organization's: it brings ${name} none. See: turnpike org create`
    : "";
}
