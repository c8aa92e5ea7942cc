/** The settlements of a batch put together by profile and hour: most sums tell them no further apart. */
import { HOUR_MS } from "../../kernel/clock.js";
import type { Debit } from "../../ledger/account.js";
import type { Profile } from "../../ledger/profile.js";
import type { Settlement } from "../../ledger/store.js";

export type Alike = {
  readonly profile: Profile;
  /** When their hour began. */
  readonly hour: number;
  readonly settlements: readonly Settlement[];
};

/** The beginning of the UTC hour that `at` lies in, both in milliseconds. */
export const hourOf = (at: number): number => Math.floor(at / HOUR_MS) * HOUR_MS;

/** In the order in which each profile and hour first comes up. */
export function alike(settlements: readonly Settlement[]): readonly Alike[] {
  const groups: (Alike & { readonly settlements: Settlement[] })[] = [];
  const byHour = new Map<number, Map<Profile, Settlement[]>>();
  for (const settlement of settlements) {
    const { profile } = settlement;
    const hour = hourOf(settlement.at);
    const byProfile = byHour.get(hour) ?? new Map<Profile, Settlement[]>();
    byHour.set(hour, byProfile);
    const there = byProfile.get(profile);
    if (there) {
      there.push(settlement);
      continue;
    }
    const some = [settlement];
    byProfile.set(profile, some);
    groups.push({ profile, hour, settlements: some });
  }
  return groups;
}

/** What each account was charged by some settlements. */
export function debitsByAccount(settlements: readonly Settlement[]): readonly Debit[] {
  const charges = new Map<string, Debit["amount"]>();
  for (const { debits } of settlements) {
    for (const { account, amount } of debits) {
      charges.set(account, ((charges.get(account) ?? 0n) + amount) as Debit["amount"]);
    }
  }
  return [...charges].map(([account, amount]) => ({ account, amount }));
}
