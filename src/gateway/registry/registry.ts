/** Registered providers among the configured ones, on this node: what changes in the store changes here. */
import { type Log, reasonOf } from "../../kernel/log.js";
import { registeredProvider } from "../../providers/registered.js";
import { type Registration, registrationContext } from "../../tenants/registration.js";
import { type MasterKey, unseal } from "../../tenants/sealing.js";
import type { ConfiguredProvider } from "../parts.js";
import type { Guard } from "./guard.js";

type Parts = {
  /** The map that requests look into: what is registered comes and goes there, what is configured stays. */
  readonly providers: Map<string, ConfiguredProvider>;
  /** For what was asked of a provider before it was withdrawn: its answer is still to come, or what that cost. */
  readonly withdrawn: Map<string, ConfiguredProvider>;
  /** Whose providers are, by their ids. */
  readonly owners: Map<string, string>;
  readonly masterKey: MasterKey;
  readonly guard: Guard;
  readonly log: Log;
};

export class Registry {
  private readonly parts: Parts;
  private readonly configured: ReadonlySet<string>;
  /** When what is here was written: of two loads that overlap, the one that read earlier must not have the last word. */
  private readonly changedAt = new Map<string, number>();

  constructor(parts: Parts) {
    this.parts = parts;
    this.configured = new Set(parts.providers.keys());
  }

  /** Takes in what these registrations say now. */
  load(registrations: readonly Registration[]): void {
    for (const registration of registrations) this.take(registration);
  }

  /** Everybody who may be asked what requests cost. */
  tellers(): readonly ConfiguredProvider[] {
    return [...this.parts.providers.values(), ...this.parts.withdrawn.values()];
  }

  private take(registration: Registration): void {
    const { providers, withdrawn, owners, log } = this.parts;
    const { id, orgId, state } = registration;
    // The operator has given this name to another one since, whose requests must not go elsewhere.
    if (this.configured.has(id)) {
      log("warn", "registered_provider_shadowed", { provider: id });
      return;
    }
    if ((this.changedAt.get(id) ?? 0) > registration.changedAt) return;
    this.changedAt.set(id, registration.changedAt);
    owners.set(id, orgId);
    const opened = this.open(registration);
    // What it was before is still good for what it was asked before.
    const last = opened ?? providers.get(id) ?? withdrawn.get(id);
    providers.delete(id);
    withdrawn.delete(id);
    if (last) (opened && state !== "withdrawn" ? providers : withdrawn).set(id, last);
  }

  private open(registration: Registration): ConfiguredProvider | undefined {
    try {
      return configuredFrom(registration, this.parts);
    } catch (thrown) {
      // One that cannot be read must not keep the others away: another secret sealed its key, most likely.
      const reason = reasonOf(thrown);
      this.parts.log("error", "provider_not_loaded", { provider: registration.id, reason });
      return undefined;
    }
  }
}

/** As requests meet it. Throws where its key does not open. */
export function configuredFrom(
  one: Registration,
  { masterKey, guard }: Pick<Parts, "masterKey" | "guard">,
): ConfiguredProvider {
  const { id, name, baseUrl: origin, requestIdHeader } = one;
  const auth = { header: one.authHeader, scheme: one.authScheme };
  const named = { id, name, origin, auth, requestIdHeader };
  return {
    provider: registeredProvider(one.dialect, named),
    baseUrl: origin,
    key: unseal(one.sealed, registrationContext(id), masterKey),
    guard,
    modelsUrl: one.modelsUrl,
    orgId: one.orgId,
    isForItsOrg: one.state !== "live",
    ...(one.billingUrl !== undefined && {
      billing: { url: one.billingUrl, requestIdHeader, delayMs: one.billingDelayMs },
    }),
  };
}
