import type { Mapping } from "../catalog/model.js";
import { EMBEDDED } from "../embedded/catalog.js";
import { priceFault } from "../metering/priceable.js";
import { type KnownProvider, knownProviders } from "./known-providers.js";
import type { Local } from "./local.js";

/** What stands between everybody and a mapping, in a few words; undefined where its provider can be called. */
export type Readiness = (mapping: Pick<Mapping, "provider">) => string | undefined;

/** With the keys that this configuration has, and those that registered providers gave. */
export async function readinessOf(local: Local): Promise<Readiness> {
  const known = await knownProviders(local);
  const faults = new Map(known.map((each) => [each.configured.provider.id, faultOf(each)]));
  if (local.config.embedded) faults.set(EMBEDDED, undefined);
  return ({ provider }) => (faults.has(provider) ? faults.get(provider) : "not set up");
}

/** The same for whoever calls without a key of their own, and is charged. */
export const faultFor = (readiness: Readiness, mapping: Mapping): string | undefined =>
  readiness(mapping) ??
  (mapping.status === "live" ? undefined : `status ${mapping.status}`) ??
  (mapping.isFree ? undefined : priceFault(mapping.task, mapping.price));

function faultOf({ configured, registration }: KnownProvider): string | undefined {
  if (registration && registration.state !== "live") return `not live: ${registration.state}`;
  return hasKey(configured) ? undefined : "needs a key";
}

export const hasKey = ({ key, provider }: KnownProvider["configured"]): boolean =>
  key !== undefined || !provider.needsKey;
