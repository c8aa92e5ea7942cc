/** Every route of the service. */
import { DOORS } from "../wire/doors/doors.js";
import * as account from "./account/account.js";
import { buy } from "./account/buy.js";
import * as credits from "./account/credits.js";
import * as invitations from "./account/invitations.js";
import * as invoices from "./account/invoices.js";
import * as payments from "./account/payments.js";
import { showRateLimits } from "./account/rate-limits.js";
import { showReceipt, showReceiptKey } from "./account/receipts.js";
import { listRequests } from "./account/requests.js";
import { showUsage } from "./account/usage.js";
import { healthz, home, readyz } from "./home.js";
import { listHubModels, listHubTasks, showHubModel } from "./hub/hub.js";
import * as partners from "./hub/partners.js";
import { whoAmI } from "./hub/whoami.js";
import { chatCompletions } from "./inference/chat.js";
import { doorHandler } from "./inference/doors.js";
import { estimate } from "./inference/estimate.js";
import { listModels, showModel } from "./inference/models.js";
import { route } from "./inference/route.js";
import * as tasks from "./inference/tasks.js";
import * as admin from "./operator/admin.js";
import * as adminModels from "./operator/admin-models.js";
import * as orgBooks from "./orgs/org-books.js";
import * as orgSettings from "./orgs/org-settings.js";
import * as orgs from "./orgs/organizations.js";
import * as groups from "./orgs/resource-groups.js";
import type { Handler } from "./parts.js";
import * as conformance from "./providers/conformance.js";
import * as registrations from "./providers/registrations.js";
import * as validations from "./providers/validations.js";

export type Route = {
  readonly method: string;
  /** Each `*` takes one segment, a closing `**` one or more. */
  readonly path: string;
  readonly handler: Handler;
};

const PARTNER_MODELS = "/api/partners/*/models";
const ME = "/api/turnpike/me";
const ORGS = "/api/turnpike/orgs";
const ORG = `${ORGS}/*`;
const PROVIDER = `${ORG}/provider`;
const GROUPS = `${ORG}/resource-groups`;
const ADMIN = "/api/turnpike/admin";

export const ROUTES: readonly Route[] = [
  { method: "POST", path: "/v1/chat/completions", handler: chatCompletions },
  ...Object.entries(DOORS).map(([path, door]) => ({
    method: "POST",
    path,
    handler: doorHandler(door),
  })),
  { method: "POST", path: "/models/**", handler: tasks.anyTask },
  { method: "POST", path: "/hf-inference/models/**", handler: tasks.hfInference },
  { method: "POST", path: "/hf-inference/pipeline/*/**", handler: tasks.hfPipeline },
  { method: "GET", path: "/v1/models", handler: listModels },
  { method: "GET", path: "/v1/models/**", handler: showModel },
  { method: "GET", path: "/api/models", handler: listHubModels },
  { method: "GET", path: "/api/models/**", handler: showHubModel },
  { method: "GET", path: "/api/tasks", handler: listHubTasks },
  { method: "GET", path: "/api/whoami-v2", handler: whoAmI },
  { method: "GET", path: PARTNER_MODELS, handler: partners.listPartnerModels },
  { method: "POST", path: PARTNER_MODELS, handler: partners.addPartnerModel },
  { method: "PUT", path: `${PARTNER_MODELS}/*/status`, handler: partners.setPartnerStatus },
  { method: "PUT", path: `${PARTNER_MODELS}/*`, handler: partners.changePartnerModel },
  { method: "DELETE", path: `${PARTNER_MODELS}/*`, handler: partners.removePartnerModel },
  { method: "GET", path: ME, handler: account.showMe },
  { method: "GET", path: `${ME}/tokens`, handler: account.listTokens },
  { method: "POST", path: `${ME}/tokens`, handler: account.createToken },
  { method: "DELETE", path: `${ME}/tokens/*`, handler: account.revokeToken },
  { method: "GET", path: `${ME}/provider-keys`, handler: account.listProviderKeys },
  { method: "PUT", path: `${ME}/provider-keys/*`, handler: account.putProviderKey },
  { method: "DELETE", path: `${ME}/provider-keys/*`, handler: account.deleteProviderKey },
  { method: "GET", path: `${ME}/preferences`, handler: account.showPreferences },
  { method: "PUT", path: `${ME}/preferences`, handler: account.putPreferences },
  { method: "GET", path: `${ME}/credits`, handler: credits.showCredits },
  { method: "GET", path: `${ME}/spending-limit`, handler: credits.showSpendingLimit },
  { method: "PUT", path: `${ME}/spending-limit`, handler: credits.putSpendingLimit },
  { method: "GET", path: `${ME}/limits`, handler: showRateLimits },
  { method: "GET", path: `${ME}/usage`, handler: showUsage },
  { method: "GET", path: `${ME}/requests`, handler: listRequests },
  { method: "GET", path: `${ME}/requests/*`, handler: showReceipt },
  { method: "GET", path: `${ME}/invoices`, handler: invoices.listInvoices },
  { method: "GET", path: `${ME}/invoices/*`, handler: invoices.showInvoice },
  { method: "GET", path: "/api/turnpike/receipt-key", handler: showReceiptKey },
  { method: "GET", path: `${ME}/invitations`, handler: invitations.listMyInvitations },
  { method: "POST", path: `${ME}/invitations/*/accept`, handler: invitations.acceptInvitation },
  { method: "POST", path: `${ME}/invitations/*/decline`, handler: invitations.declineInvitation },
  { method: "GET", path: `${ME}/checkout`, handler: payments.showCheckout },
  { method: "POST", path: `${ME}/checkout`, handler: payments.startCheckout },
  { method: "GET", path: `${ME}/payments`, handler: payments.listPayments },
  { method: "POST", path: "/api/turnpike/webhooks/stripe", handler: payments.receiveStripe },
  { method: "POST", path: "/api/turnpike/estimate", handler: estimate },
  { method: "POST", path: "/api/turnpike/route", handler: route },
  { method: "GET", path: ORGS, handler: orgs.listOrganizations },
  { method: "POST", path: ORGS, handler: orgs.addOrganization },
  { method: "GET", path: ORG, handler: orgs.showOrganization },
  { method: "PATCH", path: ORG, handler: orgs.changeOrganization },
  { method: "GET", path: `${ORG}/credits`, handler: orgs.showOrgCredits },
  { method: "GET", path: `${ORG}/usage`, handler: orgBooks.showOrgUsage },
  { method: "GET", path: `${ORG}/requests`, handler: orgBooks.listOrgRequests },
  { method: "GET", path: `${ORG}/requests/*`, handler: orgBooks.showOrgReceipt },
  { method: "GET", path: `${ORG}/invoices`, handler: orgBooks.listOrgInvoices },
  { method: "GET", path: `${ORG}/invoices/*`, handler: orgBooks.showOrgInvoice },
  { method: "POST", path: `${ORG}/checkout`, handler: orgs.startOrgCheckout },
  { method: "GET", path: `${ORG}/payments`, handler: orgs.listOrgPayments },
  { method: "GET", path: `${ORG}/seats`, handler: orgs.showSeats },
  { method: "PUT", path: `${ORG}/seats`, handler: orgs.putSeats },
  { method: "GET", path: `${ORG}/members`, handler: orgs.listMembers },
  { method: "POST", path: `${ORG}/members`, handler: orgs.addMember },
  { method: "PATCH", path: `${ORG}/members/*`, handler: orgs.changeMember },
  { method: "DELETE", path: `${ORG}/members/*`, handler: orgs.removeMember },
  { method: "GET", path: `${ORG}/invitations`, handler: invitations.listInvitations },
  { method: "POST", path: `${ORG}/invitations`, handler: invitations.invite },
  { method: "DELETE", path: `${ORG}/invitations/*`, handler: invitations.withdrawInvitation },
  { method: "GET", path: `${ORG}/limits`, handler: orgSettings.showLimits },
  { method: "PUT", path: `${ORG}/limits`, handler: orgSettings.putLimits },
  { method: "GET", path: `${ORG}/providers`, handler: orgSettings.showProviders },
  { method: "PUT", path: `${ORG}/providers`, handler: orgSettings.putProviders },
  { method: "GET", path: `${ORG}/provider-keys`, handler: orgSettings.listOrgKeys },
  { method: "PUT", path: `${ORG}/provider-keys/*`, handler: orgSettings.putOrgKey },
  { method: "DELETE", path: `${ORG}/provider-keys/*`, handler: orgSettings.deleteOrgKey },
  { method: "GET", path: `${ORG}/access`, handler: orgSettings.showAccess },
  { method: "PUT", path: `${ORG}/access`, handler: orgSettings.putAccess },
  { method: "POST", path: PROVIDER, handler: registrations.addProvider },
  { method: "GET", path: PROVIDER, handler: registrations.showProvider },
  { method: "PATCH", path: PROVIDER, handler: registrations.patchProvider },
  { method: "DELETE", path: PROVIDER, handler: registrations.withdraw },
  { method: "POST", path: `${PROVIDER}/promote`, handler: registrations.promote },
  { method: "POST", path: `${PROVIDER}/conformance`, handler: conformance.testProvider },
  { method: "GET", path: `${PROVIDER}/conformance`, handler: conformance.showReport },
  { method: "GET", path: `${PROVIDER}/validations`, handler: validations.listOwnValidations },
  { method: "GET", path: GROUPS, handler: groups.listGroups },
  { method: "POST", path: GROUPS, handler: groups.addGroup },
  { method: "PATCH", path: `${GROUPS}/*`, handler: groups.renameGroup },
  { method: "DELETE", path: `${GROUPS}/*`, handler: groups.removeGroup },
  { method: "PUT", path: `${GROUPS}/*/members/*`, handler: groups.addToGroup },
  { method: "DELETE", path: `${GROUPS}/*/members/*`, handler: groups.removeFromGroup },
  { method: "GET", path: `${ADMIN}/users`, handler: admin.listUsers },
  { method: "POST", path: `${ADMIN}/users`, handler: admin.addUser },
  { method: "GET", path: `${ADMIN}/users/*`, handler: admin.showUser },
  { method: "PATCH", path: `${ADMIN}/users/*`, handler: admin.changeUser },
  { method: "DELETE", path: `${ADMIN}/users/*`, handler: admin.deleteUser },
  { method: "GET", path: `${ADMIN}/users/*/invoices`, handler: invoices.listUserInvoices },
  { method: "GET", path: `${ADMIN}/users/*/invoices/*`, handler: invoices.showUserInvoice },
  { method: "GET", path: `${ADMIN}/providers`, handler: registrations.listProviders },
  { method: "GET", path: `${ADMIN}/validations`, handler: validations.listValidations },
  { method: "GET", path: `${ADMIN}/models`, handler: adminModels.listAdminModels },
  { method: "GET", path: `${ADMIN}/models/**`, handler: adminModels.showAdminModel },
  { method: "PUT", path: `${ADMIN}/models/**`, handler: adminModels.putAdminModel },
  { method: "PUT", path: `${ADMIN}/known-models/**`, handler: adminModels.putKnownModel },
  { method: "GET", path: `${ADMIN}/renames`, handler: adminModels.listRenames },
  { method: "PUT", path: `${ADMIN}/renames/**`, handler: adminModels.putRename },
  { method: "DELETE", path: `${ADMIN}/renames/**`, handler: adminModels.removeRename },
  { method: "GET", path: `${ADMIN}/plans`, handler: admin.listPlans },
  { method: "GET", path: `${ADMIN}/credits`, handler: admin.showCredit },
  { method: "POST", path: `${ADMIN}/credits`, handler: admin.grantCredit },
  { method: "GET", path: `${ADMIN}/audit`, handler: admin.showAudit },
  { method: "GET", path: `${ADMIN}/drift`, handler: admin.showDrift },
  { method: "GET", path: "/healthz", handler: healthz },
  { method: "GET", path: "/readyz", handler: readyz },
  { method: "GET", path: "/", handler: home },
  { method: "POST", path: "/buy", handler: buy },
];
