/** Registering a provider, and taking it from one state to the next: the same for the API and the CLI. */
import type { Config } from "../../config/config.js";
import { builtInProviders } from "../../config/providers.js";
import { PROVIDER_ID, PROVIDER_ID_RULE, RESERVED_IDS } from "../../config/schema.js";
import { badRequest, RouterError } from "../../kernel/errors.js";
import type { Organization } from "../../tenants/organization.js";
import {
  type Registration,
  type RegistrationChange,
  type RegistrationState,
  type RegistrationStore,
  registrationContext,
} from "../../tenants/registration.js";
import { type MasterKey, maskProviderKey, seal } from "../../tenants/sealing.js";
import { type Guard, judgeUrl } from "./guard.js";
import { ForbiddenUrlError } from "./public-address.js";
import { type ChangedRegistration, type NewRegistration, placeIn } from "./registration-form.js";

export type Registrar = {
  readonly config: Pick<Config, "providers" | "registration">;
  readonly registrations: RegistrationStore;
  readonly masterKey: MasterKey;
  readonly guard: Guard;
};

/** Throws a RouterError for an id that is taken, an organization of another type, a URL that leads inside. */
export async function registerProvider(
  registrar: Registrar,
  org: Organization,
  form: NewRegistration,
  now: number,
): Promise<Registration> {
  requireProviderOrg(org);
  const { id, name } = form;
  requireFreeId(registrar, id);
  const { base_url: baseUrl, models_url: modelsUrl = modelsUrlOf(form) } = form;
  const registration: Registration = {
    ...{ id, orgId: org.id, name, baseUrl, modelsUrl },
    dialect: form.dialect,
    authHeader: "authorization",
    authScheme: "Bearer",
    requestIdHeader: form.request_id_header,
    billingUrl: undefined,
    billingDelayMs: 0,
    ...placeIn(form),
    ...sealedKey(registrar, id, form.key),
    ...{ state: "sandbox", createdAt: now, changedAt: now, testedAt: undefined, hasPassed: false },
  };
  await judgeUrls(registrar, registration);
  const outcome = await registrar.registrations.add(registration);
  if (outcome === "id_taken") throw idTaken(id);
  if (outcome === "org_has_one") {
    throw new RouterError("conflict", `${org.name} has registered a provider already.`);
  }
  return registration;
}

/** Another place puts it back into the sandbox. */
export async function changeProvider(
  registrar: Registrar,
  before: Registration,
  form: ChangedRegistration,
): Promise<Registration> {
  const { name, key } = form;
  const change: RegistrationChange = {
    ...placeIn(form),
    ...(name !== undefined && { name }),
    ...(key !== undefined && sealedKey(registrar, before.id, key)),
  };
  await judgeUrls(registrar, { ...before, ...change });
  return registrar.registrations.change(before.id, change);
}

type Step = {
  readonly to: RegistrationState;
  readonly mustHavePassed: boolean;
  readonly isOperators: boolean;
};

/** The way up. Who withdrew a provider begins again. */
const NEXT: Readonly<Record<RegistrationState, Step | undefined>> = {
  withdrawn: { to: "sandbox", mustHavePassed: false, isOperators: false },
  sandbox: { to: "staging", mustHavePassed: true, isOperators: false },
  staging: { to: "live", mustHavePassed: true, isOperators: true },
  live: undefined,
};

/** One state further. Throws `conflict` where it has not passed or is live already, `forbidden` where the operator must. */
export async function promoteProvider(
  { config, registrations }: Pick<Registrar, "config" | "registrations">,
  { id, state, hasPassed }: Registration,
  isOperator: boolean,
): Promise<Registration> {
  const next = NEXT[state];
  if (!next) throw new RouterError("conflict", `${id} is live already.`);
  if (next.isOperators && !isOperator && config.registration.approval === "operator") {
    throw new RouterError(
      "forbidden",
      `${id} is in staging: whoever operates this service takes it live.`,
    );
  }
  const { to, mustHavePassed } = next;
  if (mustHavePassed && !hasPassed) throw notPassed(id);
  if (!(await registrations.move(id, { from: state, to, mustHavePassed }))) {
    throw new RouterError("conflict", `${id} was changed a moment ago; look at it again.`);
  }
  return reread(registrations, id);
}

/** Nobody can call it any more. What it has served is still settled as it tells. */
export async function withdrawProvider(
  { registrations }: Pick<Registrar, "registrations">,
  { id, state }: Registration,
): Promise<Registration> {
  if (state !== "withdrawn") {
    await registrations.move(id, { from: state, to: "withdrawn", mustHavePassed: false });
  }
  return reread(registrations, id);
}

async function reread(registrations: RegistrationStore, id: string): Promise<Registration> {
  const found = await registrations.load(id);
  if (!found) throw new RouterError("not_found", `There is no registered provider "${id}".`);
  return found;
}

function requireProviderOrg({ name, type }: Organization): void {
  if (type === "provider") return;
  throw new RouterError(
    "forbidden",
    `${name} is no organization of providers: whoever operates this service makes one with "type": "provider".`,
  );
}

/** What stands behind a model's colon and means something else. */
const POLICY_WORDS = ["auto", "fastest", "cheapest", "preferred"];

function requireFreeId({ config }: Registrar, id: string): void {
  if (!PROVIDER_ID.test(id)) throw badRequest(`"id": ${PROVIDER_ID_RULE}, at most 40.`, "id");
  if (RESERVED_IDS.includes(id) || POLICY_WORDS.includes(id)) {
    throw badRequest(`"id" cannot be "${id}", which means something else here.`, "id");
  }
  const isBuiltIn = builtInProviders.some((provider) => provider.id === id);
  if (isBuiltIn || config.providers.has(id)) throw idTaken(id);
}

const idTaken = (id: string): RouterError =>
  new RouterError("conflict", `There is a provider "${id}" already.`, { param: "id" });

const notPassed = (id: string): RouterError =>
  new RouterError(
    "conflict",
    `${id} has not passed the conformance checks as it is now: run them, and look at what failed.`,
  );

const modelsUrlOf = ({ base_url, dialect }: NewRegistration): string =>
  dialect === "openai-compatible" ? `${base_url}/models` : `${base_url}/v1/models`;

function sealedKey({ masterKey }: Registrar, id: string, key: string) {
  const sealed = seal(key, registrationContext(id), masterKey);
  return { sealed, mask: maskProviderKey(key) };
}

async function judgeUrls({ config, guard }: Registrar, one: Registration): Promise<void> {
  const named = { base_url: one.baseUrl, models_url: one.modelsUrl, billing_url: one.billingUrl };
  for (const [field, url] of Object.entries(named)) {
    if (url === undefined) continue;
    await judgeUrl(url, config.registration, guard).catch((thrown) => {
      if (!(thrown instanceof ForbiddenUrlError)) throw thrown;
      throw badRequest(`"${field}" is refused: ${thrown.message}.`, field);
    });
  }
}
