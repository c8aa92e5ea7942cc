/** Providers of the configuration and those that registered themselves, as a server started now would have them. */
import type { ConfiguredProvider } from "../gateway/parts.js";
import { type Guard, guardFor } from "../gateway/registry/guard.js";
import type { Registrar } from "../gateway/registry/register-provider.js";
import { configuredFrom } from "../gateway/registry/registry.js";
import type { Registration } from "../tenants/registration.js";
import { type Local, masterKeyOf } from "./local.js";
import { UserError } from "./output.js";

export type KnownProvider = {
  readonly configured: ConfiguredProvider;
  /** Undefined for one of the configuration, which goes before one that has registered under its name. */
  readonly registration: Registration | undefined;
};

/** Throws where the key of one does not open: another secret sealed it. */
export async function knownProviders(local: Local): Promise<readonly KnownProvider[]> {
  const { config, registrations } = local;
  const configured = [...config.providers.values()].map((each) => ({
    configured: each,
    registration: undefined,
  }));
  const all = (await registrations.loadAll()).filter(({ id }) => !config.providers.has(id));
  if (all.length === 0) return configured;
  const parts = { masterKey: masterKeyOf(config), guard: guardOf(local) };
  const registered = all.map((registration) => ({
    configured: configuredFrom(registration, parts),
    registration,
  }));
  return [...configured, ...registered];
}

export async function requireKnown(local: Local, id: string): Promise<KnownProvider> {
  const found = (await knownProviders(local)).find(
    ({ configured }) => configured.provider.id === id,
  );
  if (found) return found;
  throw new UserError(`There is no provider "${id}". See: turnpike provider list`);
}

const guardOf = ({ config }: Local): Guard => guardFor(config.registration);

export const registrarOf = (local: Local): Registrar => ({
  config: local.config,
  registrations: local.registrations,
  masterKey: masterKeyOf(local.config),
  guard: guardOf(local),
});
