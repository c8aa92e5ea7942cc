/** /api/turnpike/orgs/{org}/provider/conformance: whether a registered provider does what it must. */
import { z } from "zod";
import type { Report } from "../../conformance/report.js";
import type { ConfiguredProvider } from "../../gateway/parts.js";
import { runConformance } from "../../gateway/registry/conformance.js";
import { badRequest, RouterError } from "../../kernel/errors.js";
import { TASKS, type Task } from "../../tasks/index.js";
import type { Registration } from "../../tenants/registration.js";
import { readJson } from "../body.js";
import { type Handler, json, type Site, type Visit } from "../parts.js";
import { enterProvider } from "./registrations.js";

const askedSchema = z.strictObject({
  /** The provider's own name for the model to try. */
  model: z.string().min(1).max(256).optional(),
  task: z.enum(TASKS).optional(),
});

/** Each is tried once at a time: the checks mean something only as long as nobody else disturbs them. */
const underWay = new Set<string>();

export const testProvider: Handler = async (site, visit) => {
  const { registration } = await enterProvider(site, visit, "write");
  const asked = await readJson(visit.request, askedSchema);
  const { id } = registration;
  const configured = site.gateway.providers.get(id);
  if (!configured) throw new RouterError("conflict", `${id} is withdrawn: promote it first.`);
  if (underWay.has(id)) throw new RouterError("conflict", `${id} is being tested already.`);
  underWay.add(id);
  try {
    const report = await run(site, visit, configured, registration, asked);
    // Where nobody waited for it, it was broken off, and says nothing of the provider.
    const isWhole = !visit.request.signal.aborted;
    const isKept = isWhole && (await keep(site, registration, report));
    return json({ report, kept: isKept });
  } finally {
    underWay.delete(id);
  }
};

function run(
  { gateway }: Site,
  visit: Visit,
  configured: ConfiguredProvider,
  { id }: Registration,
  asked: z.output<typeof askedSchema>,
): Promise<Report> {
  const { http, clock, limits, newId } = gateway;
  const { signal } = visit.request;
  const { task, providerModel } = modelToTry(gateway, id, asked);
  return runConformance({ http, clock, limits, newId, signal }, configured, {
    ...{ task, providerModel, at: visit.at },
  });
}

/** The one that was named, or the first that is mapped. */
function modelToTry(
  { catalog }: Site["gateway"],
  provider: string,
  { model, task }: z.output<typeof askedSchema>,
): { readonly task: Task; readonly providerModel: string } {
  if (model !== undefined) return { task: task ?? "conversational", providerModel: model };
  for (const { mappings } of catalog.all()) {
    const found = mappings.find(
      (each) => each.provider === provider && (task === undefined || each.task === task),
    );
    if (found) return found;
  }
  throw badRequest('"model" must be named as long as no model is mapped.', "model");
}

/** A report on what was changed meanwhile is not kept. */
const keep = (
  { registrations }: Site,
  { id, changedAt }: Registration,
  report: Report,
): Promise<boolean> =>
  registrations.noteReport(id, {
    ...{ at: Date.parse(report.at), changedAt, hasPassed: report.passed },
    report: JSON.stringify(report),
  });

export const showReport: Handler = async (site, visit) => {
  const { registration } = await enterProvider(site, visit, "read");
  const text = await site.registrations.report(registration.id);
  if (text === undefined) {
    throw new RouterError("not_found", `${registration.id} has not been tested yet.`);
  }
  return json({ report: JSON.parse(text) });
};
