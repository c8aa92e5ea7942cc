/** Who can be called: the built-in providers, and those that the operator entered or changed. */
import * as providersById from "../providers/all.js";
import { openAiCompatible } from "../providers/openai-compatible.js";
import type { BillingEndpoint, Provider } from "../providers/provider.js";
import { believing } from "../providers/reported.js";
import type { WrittenConfig } from "./schema.js";
import { type Environment, readKey } from "./secrets.js";

export type ProviderSettings = {
  readonly provider: Provider;
  readonly baseUrl: string;
  readonly key: string | undefined;
  readonly billing?: BillingEndpoint;
};

export const builtInProviders: readonly Provider[] = Object.values(providersById);

/** By id. Adds a warning for each key that is named and not there. */
export function providersOf(
  written: WrittenConfig,
  file: string,
  env: Environment,
  warnings: string[],
): ReadonlyMap<string, ProviderSettings> {
  const settings = new Map<string, ProviderSettings>();
  for (const provider of builtInProviders) {
    const key = env[provider.keyVariable ?? ""] || undefined;
    settings.set(provider.id, { provider, baseUrl: provider.origin, key });
  }
  for (const [id, entry] of Object.entries(written.providers)) {
    if (!entry.enabled) {
      settings.delete(id);
      continue;
    }
    const key = readKey(entry.api_key, env, (name) =>
      warnings.push(`${file}: providers.${id}.api_key: ${name} is not set; ${id} has no key`),
    );
    const known = settings.get(id);
    const baseUrl = entry.base_url ?? known?.baseUrl ?? "";
    const entered = entry.type ? openAiCompatible(id, baseUrl) : known?.provider;
    if (!entered) continue;
    const provider = settingsOf(entered, entry);
    const billing = entry.billing && { billing: billingOf(entry.billing, provider) };
    settings.set(id, { provider, baseUrl, key: key ?? known?.key, ...billing });
  }
  return settings;
}

/** A provider with what the operator says of it. */
function settingsOf(
  provider: Provider,
  {
    reported_cost: reader,
    retains_prompts: retainsPrompts,
    continuation,
  }: WrittenConfig["providers"][string],
): Provider {
  const told = {
    ...provider,
    ...(retainsPrompts !== undefined && { retainsPrompts }),
    ...(continuation && { continuation }),
  };
  return reader ? believing(told, reader) : told;
}

/** What the providers that tell costs afterwards were asked to call the header. */
const REQUEST_ID_HEADER = "inference-id";

const billingOf = (
  written: NonNullable<WrittenConfig["providers"][string]["billing"]>,
  provider: Provider,
): BillingEndpoint => ({
  url: written.url,
  requestIdHeader: written.request_id_header ?? provider.requestIdHeader ?? REQUEST_ID_HEADER,
  delayMs: written.delay_seconds * 1_000,
});
