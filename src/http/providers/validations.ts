/** What validation found out about mappings: an organization of providers sees its own, the operator all. */
import type { PastFinding, Validation } from "../../catalog/validation.js";
import { printTime } from "../../kernel/print-time.js";
import { authenticate } from "../authenticate.js";
import { type Handler, json, type Site } from "../parts.js";
import { enterProvider } from "./registrations.js";

/** With what was found before, newest first. */
export const listOwnValidations: Handler = async (site, visit) => {
  const { registration } = await enterProvider(site, visit, "read");
  const all = await site.validations.loadAll();
  const own = all.filter(({ provider }) => provider === registration.id);
  return json({ validations: await Promise.all(own.map((each) => withHistory(site, each))) });
};

export const listValidations: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  return json({ validations: (await site.validations.loadAll()).map(print) });
};

const withHistory = async ({ validations }: Site, validation: Validation) => ({
  ...print(validation),
  history: (await validations.history(validation)).map(printPast),
});

const print = (one: Validation) => ({
  provider: one.provider,
  model: one.modelId,
  task: one.task,
  verdict: one.verdict,
  checked_at: printTime(one.checkedAt),
  next_at: printTime(one.nextAt),
  ...printSpeed(one),
  supports_tools: one.tools ?? null,
  supports_structured_output: one.structuredOutput ?? null,
  checks: one.checks,
});

const printPast = ({ at, verdict, why, ...speed }: PastFinding) => ({
  at: printTime(at),
  verdict,
  why: why || null,
  ...printSpeed(speed),
});

const printSpeed = ({
  firstTokenMs,
  throughput,
}: Pick<PastFinding, "firstTokenMs" | "throughput">) => ({
  first_token_latency_ms: firstTokenMs === undefined ? null : Math.round(firstTokenMs),
  throughput: throughput === undefined ? null : Math.round(throughput * 10) / 10,
});
