import type { MappingStore } from "../catalog/stored.js";
import type { ValidationStore } from "../catalog/validation.js";
import type { Config } from "../config/config.js";
import type { LateBilling } from "../gateway/money/late-billing.js";
import type { Gateway } from "../gateway/parts.js";
import type { Jobs } from "../gateway/pass/jobs.js";
import type { PaymentProcessor } from "../gateway/payments/processor.js";
import type { Guard } from "../gateway/registry/guard.js";
import type { Reply } from "../gateway/reply.js";
import type { Clock } from "../kernel/clock.js";
import type { LateCostStore } from "../ledger/late-cost.js";
import type { PaymentStore } from "../ledger/payment.js";
import type { ReceiptKey } from "../ledger/receipt-key.js";
import type { LedgerStore } from "../ledger/store.js";
import type { Books } from "../store/books/books.js";
import type { UsageReader } from "../store/books/usage.js";
import type { RateStore } from "../store/rates/rates.js";
import type { OrganizationStore } from "../tenants/organization-store.js";
import type { RegistrationStore } from "../tenants/registration.js";
import type { MasterKey } from "../tenants/sealing.js";
import type { TenantStore } from "../tenants/store.js";
import type { BodyBudget } from "./body-budget.js";
import type { Incoming } from "./incoming.js";

/** What the routes are built on. */
export type Site = {
  readonly config: Config;
  readonly gateway: Gateway;
  readonly tenants: TenantStore;
  readonly organizations: OrganizationStore;
  readonly mappings: MappingStore;
  readonly registrations: RegistrationStore;
  readonly validations: ValidationStore;
  /** Judges what those who register providers name. */
  readonly guard: Guard;
  readonly ledger: LedgerStore;
  readonly rateLeases: RateStore;
  readonly usage: UsageReader;
  readonly lateCosts: LateCostStore;
  readonly lateBilling: LateBilling;
  readonly jobs: Jobs;
  readonly bodies: BodyBudget;
  readonly payments: PaymentStore;
  readonly processor: PaymentProcessor;
  readonly books: Books;
  readonly masterKey: MasterKey;
  /** What receipts are signed with. */
  readonly receiptKey: ReceiptKey;
  /** Takes a user's rows into memory again, after this process changed them. */
  readonly reloadUser: (userId: string) => Promise<void>;
  readonly reloadOrganization: (orgId: string) => Promise<void>;
  readonly reloadMappings: (provider: string) => Promise<void>;
  readonly reloadModels: () => Promise<void>;
  readonly reloadProvider: (id: string) => Promise<void>;
  /** Has the store hear of all that ended here. */
  readonly drain: () => Promise<void>;
  readonly isReady: () => Promise<boolean>;
};

const NOTHING_OPEN: readonly string[] = [];

/** One incoming request on its way to a route. */
export class Visit {
  readonly request: Incoming;
  /** As it came, without the query. */
  readonly path: string;
  readonly id: string;
  readonly at: number;
  readonly startedAt: number;
  /** Path segments that the route left open, decoded. */
  rest = NOTHING_OPEN;
  private readonly bodies: BodyBudget;
  private kept = 0;

  constructor(request: Incoming, path: string, id: string, clock: Clock, bodies: BodyBudget) {
    this.bodies = bodies;
    this.request = request;
    this.path = path;
    this.id = id;
    this.at = clock.now();
    this.startedAt = clock.elapsed();
  }

  /** So many bytes of its body are in memory until it is answered. Throws `rate_limited` where there is no room. */
  keep(bytes: number): void {
    this.bodies.take(bytes);
    this.kept += bytes;
  }

  /** It is answered. */
  done(): void {
    if (this.kept > 0) this.bodies.give(this.kept);
    this.kept = 0;
  }

  /** Made when asked for: the routes that carry the traffic look at nothing but the path. */
  get url(): URL {
    return new URL(this.request.url);
  }
}

export type Handler = (site: Site, visit: Visit) => Promise<Reply> | Reply;

export const json = (value: unknown, status = 200): Response =>
  new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });
