/** Who pays for probes: an account of the operator's own, with a little credit each month and no more. */
import type { NanoUsd } from "../../kernel/money.js";
import { CALENDAR, periodAt } from "../../kernel/period.js";
import { extraGrant } from "../../ledger/account.js";
import type { LedgerStore } from "../../ledger/store.js";
import { type Caller, callerOf } from "../../tenants/caller.js";
import { fundsBucketOf } from "../../tenants/payer.js";
import { issueToken } from "../../tenants/register.js";
import type { TenantStore } from "../../tenants/store.js";
import type { AccessToken, User } from "../../tenants/user.js";

/** No user can be called so, since no name may hold a colon; `turnpike usage --user` finds it all the same. */
const PROBE_PAYER = "turnpike:validation";
const ID = "validation";

export class ProbePayer {
  private readonly tenants: Pick<TenantStore, "addUser" | "findUserById">;
  private readonly ledger: Pick<LedgerStore, "grant">;
  private readonly monthlyLimit: NanoUsd;
  private user: User | undefined;
  private paidFor = "";

  constructor(parts: {
    readonly tenants: Pick<TenantStore, "addUser" | "findUserById">;
    readonly ledger: Pick<LedgerStore, "grant">;
    readonly monthlyLimit: NanoUsd;
  }) {
    this.tenants = parts.tenants;
    this.ledger = parts.ledger;
    this.monthlyLimit = parts.monthlyLimit;
  }

  /** Ready to pay within this month's credit. Throws when the store cannot be asked. */
  async caller(now: number): Promise<Caller> {
    this.user ??= await this.found(now);
    await this.credit(this.user, now);
    return callerOf(this.user, tokenFor(now));
  }

  private async found(now: number): Promise<User> {
    const user = await this.tenants.findUserById(ID);
    if (user) return user;
    const made = newUser(now);
    // Whether this process made it or another one did a moment ago, it is the same.
    await this.tenants.addUser(made, tokenFor(now));
    return made;
  }

  /** Once a month; the same grant twice is one. Another limit is another grant, from then on. */
  private async credit(user: User, now: number): Promise<void> {
    const month = periodAt(CALENDAR, now);
    const id = `${month.name}:${this.monthlyLimit}`;
    if (this.paidFor === id || this.monthlyLimit === 0n) return;
    await this.ledger.grant(
      extraGrant(fundsBucketOf(user), {
        ...{ id, kind: "promotional", amount: this.monthlyLimit },
        ...{ at: month.start, expiresAt: month.end },
      }),
    );
    this.paidFor = id;
  }
}

const newUser = (now: number): User => ({
  ...{ kind: "user", id: ID, name: PROBE_PAYER, role: "user", plan: "none", seats: 0 },
  ...{ spendingLimit: undefined, anchor: CALENDAR, providerOrder: [], disabledProviders: [] },
  ...{ createdAt: now, disabledAt: undefined },
});

/** Nobody was ever shown it, and it opens nothing: the books want to know by which token each request came. */
const tokenFor = (now: number): AccessToken => ({
  ...issueToken(ID, { name: ID, scopes: [] }, now).token,
  id: ID,
  revokedAt: now,
});
