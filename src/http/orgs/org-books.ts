/** What an organization paid for: usage, receipts, statements. */
import { fundsBucketOf } from "../../tenants/payer.js";
import { invoiceOf, invoicesOf } from "../account/invoices.js";
import { receiptOf } from "../account/receipts.js";
import { printRequest, REQUESTS_SHOWN } from "../account/requests.js";
import { nameOfUser, usageOf } from "../account/usage.js";
import { caughtUp } from "../caught-up.js";
import { type Handler, json } from "../parts.js";
import { enterOrg } from "./org-access.js";

/** Who used what is for those who run the organization. */
export const showOrgUsage: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "admin");
  return usageOf(site, visit, { payer: fundsBucketOf(org) });
};

/** The newest that it paid for, and whose they are. */
export const listOrgRequests: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "admin");
  await caughtUp(site);
  const rows = await site.usage.newestRequests(fundsBucketOf(org), REQUESTS_SHOWN);
  const requests = rows.map((row) => ({
    ...printRequest(row),
    member: row.userId,
    member_name: nameOfUser(site, row.userId) ?? null,
  }));
  return json({ requests });
};

export const showOrgReceipt: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "admin");
  return receiptOf(site, visit, visit.rest[1] ?? "", ({ payer }) => payer === fundsBucketOf(org));
};

export const listOrgInvoices: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "admin");
  return json(await invoicesOf(site, visit, org));
};

export const showOrgInvoice: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "admin");
  return invoiceOf(site, visit, org, visit.rest[1] ?? "");
};
