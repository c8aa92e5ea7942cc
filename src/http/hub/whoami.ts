import { periodAt } from "../../kernel/period.js";
import { printTime, printTimeOrNull } from "../../kernel/print-time.js";
import type { Payer } from "../../tenants/payer.js";
import { sellsCredit } from "../../tenants/plan.js";
import type { AccessToken } from "../../tenants/user.js";
import { authenticate } from "../authenticate.js";
import { type Handler, json, type Site, type Visit } from "../parts.js";

/** GET /api/whoami-v2, as the Hub's clients read it. Any live token may ask whose it is. */
export const whoAmI: Handler = async (site, visit) => {
  const { user, token } = await authenticate(site, visit);
  const { organizations } = site.gateway.directory;
  const orgs = organizations.all().flatMap((org) => {
    const member = organizations.member(org.id, user.id);
    return member ? [{ ...printPayer(site, visit, org), roleInOrg: member.role }] : [];
  });
  return json({
    ...printPayer(site, visit, user),
    emailVerified: false,
    isPro: user.plan === "pro",
    orgs,
    auth: printAuth(token),
  });
};

/** Nobody's email or picture is kept here. */
function printPayer({ gateway }: Site, { at }: Visit, payer: Payer) {
  const plan = gateway.plans.get(payer.plan);
  return {
    type: payer.kind,
    id: payer.id,
    name: payer.name,
    fullname: payer.name,
    email: null,
    avatarUrl: "",
    canPay: sellsCredit(plan),
    billingMode: plan?.extraUsage === "pay_as_you_go" ? "postpaid" : "prepaid",
    periodEnd: Math.floor(periodAt(payer.anchor, at).end / 1000),
  };
}

const printAuth = (token: AccessToken) => ({
  type: "access_token",
  accessToken: {
    displayName: token.name,
    role: token.scopes.includes("write") ? "write" : "read",
    createdAt: printTime(token.createdAt),
  },
  expiresAt: printTimeOrNull(token.expiresAt),
});
