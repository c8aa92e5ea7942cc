import { RouterError } from "../kernel/errors.js";
import { hashToken } from "../tenants/access-token.js";
import type { Caller } from "../tenants/caller.js";
import type { Refusal } from "../tenants/directory.js";
import type { Scope } from "../tenants/user.js";
import type { Incoming } from "./incoming.js";
import type { Site, Visit } from "./parts.js";

/** Who is calling; throws `invalid_token` or, where the token may not do this, `forbidden`. Without a scope any will do. */
export async function authenticate(site: Site, visit: Visit, scope?: Scope): Promise<Caller> {
  return knownCaller(site, visit, scope) ?? newCaller(site, visit, scope);
}

/** As `authenticate`, but undefined for a token that this process does not know. */
export function knownCaller(site: Site, visit: Visit, scope?: Scope): Caller | undefined {
  const { directory, clock } = site.gateway;
  const known = directory.identify(bearerToken(visit.request), clock.now());
  if (known.ok) {
    if (scope !== undefined) requireScope(known.caller, scope);
    return known.caller;
  }
  if (known.why === "unknown") return undefined;
  throw invalid(WHY[known.why]);
}

/** Made a moment ago by another process, perhaps: the store knows before the news reaches us. */
async function newCaller(site: Site, visit: Visit, scope?: Scope): Promise<Caller> {
  await fetchOwner(site, hashToken(bearerToken(visit.request)));
  const caller = knownCaller(site, visit, scope);
  if (!caller) throw invalid(WHY.unknown);
  return caller;
}

/** Who is calling, where it is somebody: look-ups are for all, and clients send whatever token they have. */
export const callerIfAny = (site: Site, visit: Visit): Promise<Caller | undefined> =>
  authenticate(site, visit).catch((thrown) => {
    if (thrown instanceof RouterError && thrown.code === "invalid_token") return undefined;
    throw thrown;
  });

/** The token after its scheme, whose case does not matter; everything else does. */
function bearerToken(request: Incoming): string {
  const header = request.headers.get("authorization");
  if (header === null) {
    throw invalid('Send your token in the header "Authorization: Bearer hf_tp...".');
  }
  const token = header.slice(schemeLength(header)).trim();
  if (token === "" || token.includes(" "))
    throw invalid('The Authorization header must be "Bearer" and one token.');
  return token;
}

/** The usual spelling is told by a glance. */
const schemeLength = (header: string): number =>
  header.startsWith(BEARER) ? BEARER.length : (SCHEME.exec(header)?.[0].length ?? header.length);

const BEARER = "Bearer ";
/** fal's own clients write `Key`, older ones of Replicate's `Token`; what stands behind it is a token of ours all the same. */
const SCHEME = /^(?:bearer|key|token) /i;

async function fetchOwner(site: Site, hash: string): Promise<void> {
  const found = await site.tenants.findTokenByHash(hash).catch((cause) => {
    const message = "Your token cannot be checked right now, because the store does not answer.";
    throw new RouterError("store_unavailable", message, { retryAfterSeconds: 1 }, { cause });
  });
  if (found) await site.reloadUser(found.userId);
}

/** Nothing here tells a stranger whether a token ever existed, but for whoever holds one that did. */
const WHY: Readonly<Record<Refusal, string>> = {
  malformed: "This is not a Turnpike token: those look like hf_tp and 34 letters and digits.",
  unknown: "This token is not known here.",
  revoked: "This token was revoked.",
  expired: "This token has expired.",
  disabled: "The user of this token is disabled.",
};

const invalid = (message: string): RouterError => new RouterError("invalid_token", message);

function requireScope({ token, user }: Caller, scope: Scope): void {
  if (!token.scopes.includes(scope)) {
    throw new RouterError("forbidden", `This token lacks the scope "${scope}".`);
  }
  if (scope === "admin" && user.role !== "owner") {
    throw new RouterError("forbidden", "Only the owner may do this.");
  }
}
