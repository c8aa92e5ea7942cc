import type { Config } from "../config/config.js";
import type { Gateway } from "../gateway/parts.js";
import type { PaymentProcessor } from "../gateway/payments/processor.js";
import type { PaymentStore } from "../ledger/payment.js";
import type { LedgerStore } from "../ledger/store.js";
import type { UsageReader } from "../store/usage.js";
import type { MasterKey } from "../tenants/sealing.js";
import type { TenantStore } from "../tenants/store.js";

/** What the routes are built on. */
export type Site = {
  readonly config: Config;
  readonly gateway: Gateway;
  readonly tenants: TenantStore;
  readonly ledger: LedgerStore;
  readonly usage: UsageReader;
  readonly payments: PaymentStore;
  readonly processor: PaymentProcessor;
  readonly masterKey: MasterKey;
  /** Takes a user's rows into memory again, after this process changed them. */
  readonly reloadUser: (userId: string) => Promise<void>;
  readonly isReady: () => Promise<boolean>;
};

/** One incoming request on its way to a route. */
export type Visit = {
  readonly request: Request;
  readonly url: URL;
  /** Path segments that the route left open, decoded. */
  readonly rest: readonly string[];
  readonly id: string;
  readonly at: number;
  readonly startedAt: number;
};

export type Handler = (site: Site, visit: Visit) => Promise<Response> | Response;

export const json = (value: unknown, status = 200): Response =>
  new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });
