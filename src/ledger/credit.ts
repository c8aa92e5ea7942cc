import { type NanoUsd, nanoUsd } from "../kernel/money.js";
import { printTime, printTimeOrNull } from "../kernel/print-time.js";
import type { Opening } from "./account.js";
import type { Drift } from "./late-cost.js";
import type { CreditView } from "./store.js";

/** Credit pays for requests that go out with the operator's keys; those with an own key are free of charge here. */
const SCOPE = "routed";
/** Drift as people and programs see it. `drift_nano_usd` is what providers say beyond our count; it may be negative. */
export const printDrift = (rows: readonly Drift[]) => ({
  providers: rows.map((row) => ({
    provider: row.provider,
    requests: row.requests,
    counted_nano_usd: String(row.counted),
    reported_nano_usd: String(row.reported),
    drift_nano_usd: String(row.reported - row.counted),
    above: row.above,
    below: row.below,
    unbilled: row.unbilled,
  })),
});

/** A grant that was given beside the plan's. */
export const printGrant = ({ id, amount, grantKind, expiresAt }: Opening) => ({
  id,
  amount_nano_usd: String(amount),
  kind: grantKind,
  expires_at: printTimeOrNull(expiresAt),
});

/** A payer's credit as people and programs see it: amounts as strings of nano-USD. */
export function printCredit(
  view: CreditView,
  {
    held,
    spent,
    resetsAt,
  }: { readonly held: NanoUsd; readonly spent: NanoUsd; readonly resetsAt: number },
) {
  const left = view.accounts.reduce((sum, account) => sum + account.left, 0n);
  return {
    spendable_nano_usd: String(nanoUsd(left - held)),
    held_nano_usd: String(held),
    spent_this_period_nano_usd: String(spent),
    resets_at: printTime(resetsAt),
    buckets: view.accounts.map((account) => ({
      kind: account.kind,
      scope: SCOPE,
      granted_nano_usd: String(account.granted),
      left_nano_usd: String(account.left),
      expires_at: printTimeOrNull(account.expiresAt),
    })),
  };
}
