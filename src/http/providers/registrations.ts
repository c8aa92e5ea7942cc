/** /api/turnpike/orgs/{org}/provider…: an organization's own provider, and the operator's look at all of them. */
import {
  changeProvider,
  promoteProvider,
  type Registrar,
  registerProvider,
  withdrawProvider,
} from "../../gateway/registry/register-provider.js";
import {
  changedRegistrationSchema,
  newRegistrationSchema,
  printRegistration,
} from "../../gateway/registry/registration-form.js";
import { RouterError } from "../../kernel/errors.js";
import type { Registration } from "../../tenants/registration.js";
import type { Scope } from "../../tenants/user.js";
import { authenticate } from "../authenticate.js";
import { readJson } from "../body.js";
import { enterOrg, type InOrg } from "../orgs/org-access.js";
import { type Handler, json, type Site, type Visit } from "../parts.js";

export const addProvider: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "write", "admin");
  const form = await readJson(visit.request, newRegistrationSchema);
  const made = await registerProvider(registrarOf(site), org, form, visit.at);
  return answer(site, org.name, made, 201);
};

export const showProvider: Handler = async (site, visit) => {
  const { org, registration } = await enterProvider(site, visit, "read");
  return json({ provider: printRegistration(registration, org.name) });
};

export const patchProvider: Handler = async (site, visit) => {
  const { org, registration } = await enterProvider(site, visit, "write");
  const form = await readJson(visit.request, changedRegistrationSchema);
  return answer(site, org.name, await changeProvider(registrarOf(site), registration, form));
};

export const promote: Handler = async (site, visit) => {
  const { org, registration, isOperator } = await enterProvider(site, visit, "write");
  return answer(site, org.name, await promoteProvider(site, registration, isOperator));
};

export const withdraw: Handler = async (site, visit) => {
  const { org, registration } = await enterProvider(site, visit, "write");
  return answer(site, org.name, await withdrawProvider(site, registration));
};

/** All of them, for whoever operates this. */
export const listProviders: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  const { organizations } = site.gateway.directory;
  const all = await site.registrations.loadAll();
  return json({
    providers: all.map((each) =>
      printRegistration(each, organizations.withId(each.orgId)?.name ?? each.orgId),
    ),
  });
};

type InProvider = InOrg & { readonly registration: Registration };

/** The provider of the organization that the path names: its members may look, its admins may act. */
export async function enterProvider(site: Site, visit: Visit, scope: Scope): Promise<InProvider> {
  const place = await enterOrg(site, visit, scope, scope === "read" ? "member" : "admin");
  const registration = await site.registrations.ofOrg(place.org.id);
  if (registration) return { ...place, registration };
  throw new RouterError("not_found", `${place.org.name} has registered no provider.`);
}

const registrarOf = ({ config, registrations, masterKey, guard }: Site): Registrar => ({
  config,
  registrations,
  masterKey,
  guard,
});

async function answer(
  site: Site,
  org: string,
  registration: Registration,
  status = 200,
): Promise<Response> {
  await site.reloadProvider(registration.id);
  return json({ provider: printRegistration(registration, org) }, status);
}
