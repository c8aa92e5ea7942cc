/** What an organization paid for: usage, receipts, statements. */
import { fundsBucketOf } from "../../tenants/payer.js";
import { invoiceOf, invoicesOf } from "../account/invoices.js";
import { receiptOf } from "../account/receipts.js";
import { usageOf } from "../account/usage.js";
import { type Handler, json } from "../parts.js";
import { enterOrg } from "./org-access.js";

/** Who used what is for those who run the organization. */
export const showOrgUsage: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "admin");
  return usageOf(site, visit, { payer: fundsBucketOf(org) });
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
