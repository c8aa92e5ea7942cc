/** /api/turnpike/me…: what users see and change of their own account. */
import { z } from "zod";
import { RouterError } from "../../kernel/errors.js";
import { NAME_CHARS_MAX, PROVIDER_KEY_CHARS_MAX } from "../../kernel/limits.js";
import { printAmountOrNull } from "../../kernel/money.js";
import { printTime, printTimeOrNull } from "../../kernel/print-time.js";
import { keyContext } from "../../tenants/directory.js";
import { printRates, readRates } from "../../tenants/rates.js";
import { DEFAULT_SCOPES, issueToken, type NewToken } from "../../tenants/register.js";
import { maskProviderKey, seal } from "../../tenants/sealing.js";
import { type AccessToken, BUDGET_PERIODS, SCOPES, type User } from "../../tenants/user.js";
import { authenticate } from "../authenticate.js";
import { readJson } from "../body.js";
import { dollarsAboveZero, future, rateFields } from "../fields.js";
import { type Handler, json, type Site } from "../parts.js";

export const showMe: Handler = async (site, visit) => {
  const { user, token } = await authenticate(site, visit, "read");
  return json({ user: printUser(user), token: printToken(token) });
};

export const printUser = (user: User) => ({
  id: user.id,
  name: user.name,
  role: user.role,
  plan: user.plan,
  spending_limit_nano_usd: printAmountOrNull(user.spendingLimit),
  anchor_day: user.anchor.day,
  ...printRates(user.rates),
  created_at: printTime(user.createdAt),
});

export const printToken = (token: AccessToken) => ({
  id: token.id,
  name: token.name,
  token: token.mask,
  scopes: token.scopes,
  created_at: printTime(token.createdAt),
  expires_at: printTimeOrNull(token.expiresAt),
  revoked_at: printTimeOrNull(token.revokedAt),
  budget: token.budget
    ? { amount_nano_usd: String(token.budget.amount), period: token.budget.period }
    : null,
  ...printRates(token.rates),
});

export const listTokens: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "read");
  const rows = await site.tenants.loadUser(user.id);
  return json({ tokens: rows?.tokens.map(printToken) ?? [] });
};

const tokenSchema = (now: number) =>
  z.strictObject({
    name: z.string().min(1).max(NAME_CHARS_MAX),
    scopes: z
      .array(z.enum(SCOPES))
      .min(1)
      .default([...DEFAULT_SCOPES]),
    expires_at: future(now).optional(),
    budget: z
      .strictObject({ amount: dollarsAboveZero, period: z.enum(BUDGET_PERIODS).default("month") })
      .optional(),
    ...rateFields,
  });

export const createToken: Handler = async (site, visit) => {
  const caller = await authenticate(site, visit, "write");
  const wanted = await readJson(visit.request, tokenSchema(visit.at));
  const expiresAt = wanted.expires_at;
  requireWithin(caller.token, { ...wanted, expiresAt });
  const rates = readRates(wanted);
  const issued = issueToken(caller.user.id, { ...wanted, expiresAt, rates }, visit.at);
  await site.tenants.addToken(issued.token);
  await site.reloadUser(caller.user.id);
  return json({ token: { ...printToken(issued.token), token: issued.secret } }, 201);
};

/** A token that could make a freer one would have no limits at all. */
function requireWithin(own: AccessToken, wanted: NewToken): void {
  const refuse = (why: string) => new RouterError("forbidden", why);
  const beyond = wanted.scopes.find((scope) => !own.scopes.includes(scope));
  if (beyond) throw refuse(`This token lacks the scope "${beyond}", so it cannot give it.`);
  if (own.budget) throw refuse("A token with a budget cannot make tokens.");
  if (own.rates) throw refuse("A token with rate limits cannot make tokens.");
  if (own.expiresAt !== undefined && (wanted.expiresAt ?? Infinity) > own.expiresAt) {
    throw refuse("A token cannot make one that outlives it.");
  }
}

export const revokeToken: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "write");
  const [tokenId = ""] = visit.rest;
  if (!(await site.tenants.revokeToken(user.id, tokenId, visit.at))) {
    throw new RouterError("not_found", "You have no live token with this id.");
  }
  await site.reloadUser(user.id);
  return json({ revoked: tokenId });
};

export const listProviderKeys: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "read");
  const rows = await site.tenants.loadUser(user.id);
  const keys = rows?.providerKeys ?? [];
  return json({
    provider_keys: keys.map((key) => ({
      provider: key.provider,
      key: key.mask,
      created_at: printTime(key.createdAt),
    })),
  });
};

export const providerKeySchema = z.strictObject({
  key: z
    .string()
    .max(PROVIDER_KEY_CHARS_MAX)
    .regex(/^[\x21-\x7e]{8,}$/, "must be at least 8 printable characters without spaces"),
});

export const putProviderKey: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "write");
  const provider = knownProvider(site, visit.rest[0] ?? "");
  const { key } = await readJson(visit.request, providerKeySchema);
  const sealed = seal(key, keyContext(user.id, provider), site.masterKey);
  await site.tenants.putProviderKey({
    userId: user.id,
    provider,
    sealed,
    mask: maskProviderKey(key),
    createdAt: visit.at,
  });
  await site.reloadUser(user.id);
  return json({ provider, key: maskProviderKey(key) });
};

export const deleteProviderKey: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "write");
  const [provider = ""] = visit.rest;
  if (!(await site.tenants.deleteProviderKey(user.id, provider))) {
    throw new RouterError("not_found", `You have no key for "${provider}".`);
  }
  await site.reloadUser(user.id);
  return json({ deleted: provider });
};

export function knownProvider({ gateway }: Site, id: string): string {
  if (gateway.providers.has(id)) return id;
  throw new RouterError(
    "not_found",
    `There is no provider "${id}" here. Known: ${[...gateway.providers.keys()].join(", ")}.`,
  );
}

export const showPreferences: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "read");
  return json(printPreferences(user));
};

const printPreferences = ({ providerOrder, disabledProviders }: User) => ({
  provider_order: providerOrder,
  disabled_providers: disabledProviders,
});

const PROVIDERS_MAX = 100;
const providerList = z.array(z.string()).max(PROVIDERS_MAX);

const preferencesSchema = z
  .strictObject({ provider_order: providerList, disabled_providers: providerList })
  .partial();

export const putPreferences: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "write");
  const written = await readJson(visit.request, preferencesSchema);
  const known = (ids?: readonly string[]) =>
    ids && [...new Set(ids.map((id) => knownProvider(site, id)))];
  const wanted = {
    providerOrder: known(written.provider_order) ?? user.providerOrder,
    disabledProviders: known(written.disabled_providers) ?? user.disabledProviders,
  };
  await site.tenants.setPreferences(user.id, wanted);
  await site.reloadUser(user.id);
  return json(printPreferences({ ...user, ...wanted }));
};
