import { RouterError } from "../kernel/errors.js";
import type { Refusal } from "../tenants/directory.js";
import type { Caller, Scope } from "../tenants/user.js";
import type { Site, Visit } from "./parts.js";

/** Who is calling; throws `invalid_token` or, where the token may not do this, `forbidden`. */
export async function authenticate(site: Site, visit: Visit, scope: Scope): Promise<Caller> {
  const caller = await identify(site, bearerToken(visit.request));
  requireScope(caller, scope);
  return caller;
}

/** The token after `Bearer`. The scheme's case does not matter, everything else does. */
function bearerToken(request: Request): string {
  const header = request.headers.get("authorization");
  if (header === null) {
    throw invalid('Send your token in the header "Authorization: Bearer hf_tp...".');
  }
  const token = SCHEME.test(header) ? header.slice(SCHEME_CHARS).trim() : "";
  if (token === "" || token.includes(" "))
    throw invalid('The Authorization header must be "Bearer" and one token.');
  return token;
}

const SCHEME = /^bearer /i;
const SCHEME_CHARS = "bearer ".length;

async function identify(site: Site, token: string): Promise<Caller> {
  const { directory, clock } = site.gateway;
  const known = directory.identify(token, clock.now());
  if (known.ok) return known.caller;
  // Made a moment ago by another process, perhaps: the store knows before the news reaches us.
  if (known.why === "unknown" && (await fetchOwner(site, known.hash))) {
    const again = directory.identify(token, clock.now());
    if (again.ok) return again.caller;
  }
  throw invalid(WHY[known.why]);
}

async function fetchOwner(site: Site, hash: string): Promise<boolean> {
  const found = await site.tenants.findTokenByHash(hash).catch((cause) => {
    const message = "Your token cannot be checked right now, because the store does not answer.";
    throw new RouterError("store_unavailable", message, { retryAfterSeconds: 1 }, { cause });
  });
  if (!found) return false;
  await site.reloadUser(found.userId);
  return true;
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

export function requireScope({ token, user }: Caller, scope: Scope): void {
  if (!token.scopes.includes(scope)) {
    throw new RouterError("forbidden", `This token lacks the scope "${scope}".`);
  }
  if (scope === "admin" && user.role !== "owner") {
    throw new RouterError("forbidden", "Only the owner may do this.");
  }
}
