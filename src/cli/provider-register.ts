/** `turnpike provider register|show|promote|withdraw` */
import {
  promoteProvider,
  registerProvider,
  withdrawProvider,
} from "../gateway/registry/register-provider.js";
import { newRegistrationSchema, printRegistration } from "../gateway/registry/registration-form.js";
import { DIALECTS } from "../providers/registered.js";
import type { Registration, RegistrationState } from "../tenants/registration.js";
import { type CommonOptions, command } from "./command.js";
import { registrarOf } from "./known-providers.js";
import { type Local, requireOrganization, withLocal } from "./local.js";
import { show, UserError } from "./output.js";

type RegisterOptions = CommonOptions & {
  readonly org: string;
  readonly name?: string;
  readonly baseUrl: string;
  readonly keyVariable: string;
  readonly dialect?: string;
  readonly authHeader?: string;
  readonly authScheme?: string;
  readonly requestIdHeader?: string;
  readonly billingUrl?: string;
  readonly billingDelay?: string;
  readonly modelsUrl?: string;
};

export const providerRegister = command("register", "enter a provider for an organization")
  .argument("<id>", "the first segment of its path, and what stands behind a model's colon")
  .requiredOption("--org <org>", "an organization of type provider")
  .requiredOption("--base-url <url>", "where it is: what comes before /chat/completions")
  .requiredOption("--key-variable <name>", "the environment variable that holds its key")
  .option("--name <name>", "for people (default: the id)")
  .option("--dialect <dialect>", DIALECTS.join(" or "))
  .option("--auth-header <header>", "what holds the key (default: authorization)")
  .option("--auth-scheme <scheme>", "what stands before it (default: Bearer in authorization)")
  .option("--request-id-header <header>", "where it tells its id of a request")
  .option("--billing-url <url>", "where it tells what requests cost")
  .option("--billing-delay <seconds>", "how long after an answer it may be asked first")
  .option("--models-url <url>", "where it lists its models and prices")
  .action((id: string, options: RegisterOptions) =>
    withLocal(options, async (local) => {
      const org = await requireOrganization(local, options.org);
      const form = readForm(id, options);
      const made = await registerProvider(registrarOf(local), org, form, Date.now());
      tell(options, made, org.name, `Registered ${id} for ${org.name}, in the sandbox.`);
    }),
  );

function readForm(id: string, options: RegisterOptions) {
  const key = process.env[options.keyVariable];
  if (!key) throw new UserError(`--key-variable: ${options.keyVariable} is not set`);
  const { authHeader: header, authScheme: scheme, billingDelay } = options;
  const given = {
    ...{ id, name: options.name ?? id, base_url: options.baseUrl, key },
    dialect: options.dialect,
    auth: header === undefined && scheme === undefined ? undefined : { header, scheme },
    request_id_header: options.requestIdHeader,
    billing_url: options.billingUrl,
    billing_delay_seconds: billingDelay === undefined ? undefined : Number(billingDelay),
    models_url: options.modelsUrl,
  };
  const read = newRegistrationSchema.safeParse(given);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new UserError(`${issue?.path.join(".")}: ${issue?.message}`);
}

export const providerShow = command("show", "one provider that registered itself")
  .argument("<id>")
  .action((id: string, options: CommonOptions) =>
    withLocal(options, async (local) => {
      const { registration, org } = await requireRegistered(local, id);
      tell(options, registration, org, describe(registration, org));
    }),
  );

const STANDS: Readonly<Record<RegistrationState, string>> = {
  sandbox: "in the sandbox",
  staging: "in staging",
  live: "live",
  withdrawn: "withdrawn",
};

export const providerPromote = command(
  "promote",
  "take a provider one state further: sandbox, staging, live",
)
  .argument("<id>")
  .action((id: string, options: CommonOptions) =>
    withLocal(options, async (local) => {
      const { registration, org } = await requireRegistered(local, id);
      // Whoever has this folder operates the service.
      const after = await promoteProvider(local, registration, true);
      tell(options, after, org, `${id} is ${STANDS[after.state]} now.`);
    }),
  );

export const providerWithdraw = command("withdraw", "let nobody call a provider any more")
  .argument("<id>")
  .action((id: string, options: CommonOptions) =>
    withLocal(options, async (local) => {
      const { registration, org } = await requireRegistered(local, id);
      const after = await withdrawProvider(local, registration);
      tell(options, after, org, `${id} is withdrawn. "provider promote" brings it back.`);
    }),
  );

async function requireRegistered(
  local: Local,
  id: string,
): Promise<{ readonly registration: Registration; readonly org: string }> {
  const registration = await local.registrations.load(id);
  if (!registration) {
    throw new UserError(`No provider "${id}" has registered. See: turnpike provider list`);
  }
  const { organizations } = await local.organizations.load(registration.orgId);
  return { registration, org: organizations[0]?.name ?? registration.orgId };
}

function tell(output: CommonOptions, one: Registration, org: string, sentence: string): void {
  show(output, { provider: printRegistration(one, org) }, () => sentence);
}

function describe(one: Registration, org: string): string {
  const { id, name, state, baseUrl, dialect, modelsUrl, billingUrl, mask, hasPassed } = one;
  const tested = one.testedAt === undefined ? "not tested" : hasPassed ? "passed" : "failed";
  return [
    `${id} (${name}) of ${org}: ${state}, ${tested}`,
    `  ${baseUrl}, ${dialect}, key ${mask} in ${one.authHeader}`,
    `  prices   ${modelsUrl}`,
    `  costs    ${billingUrl ?? "are not told afterwards"}`,
  ].join("\n");
}
