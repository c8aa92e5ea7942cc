/** `turnpike provider test`: the conformance report of any provider, registered or configured. */
import type { Catalog } from "../catalog/catalog.js";
import type { Report } from "../conformance/report.js";
import { HttpPool } from "../gateway/client/pool.js";
import { runConformance } from "../gateway/registry/conformance.js";
import { systemClock } from "../kernel/clock.js";
import { newId } from "../kernel/ids.js";
import { TASKS, type Task } from "../tasks/index.js";
import { catalogOf } from "./catalog.js";
import { type CommonOptions, command } from "./command.js";
import { type KnownProvider, requireKnown } from "./known-providers.js";
import { type Local, withLocal } from "./local.js";
import { show, table, UserError } from "./output.js";

type TestOptions = CommonOptions & {
  readonly model?: string;
  readonly task?: string;
  readonly verbose: boolean;
};

export const providerTest = command(
  "test",
  "try whether a provider does what it must; it is asked some ten small requests, with its key",
)
  .argument("<id>")
  .option("--model <name>", "the provider's own name for it (default: the first one mapped)")
  .option("--task <task>", "what the model is for (default: chat, or what it is mapped for)")
  .option("--verbose", "also what was sent, received and expected of checks that passed", false)
  .action((id: string, options: TestOptions) =>
    withLocal(options, async (local) => {
      const known = await requireKnown(local, id);
      const { task, providerModel } = modelToTry(await catalogOf(local), id, options);
      const report = await run(local, known, task, providerModel);
      show(options, { report }, () => printReport(report, options.verbose));
      if (!report.passed) process.exitCode = 1;
    }),
  );

async function run(
  { config, registrations }: Local,
  { configured, registration }: KnownProvider,
  task: Task,
  providerModel: string,
): Promise<Report> {
  const http = new HttpPool();
  const at = Date.now();
  const parts = { http, clock: systemClock, limits: config.limits, newId };
  const { signal } = new AbortController();
  try {
    const tried = { task, providerModel, at };
    const report = await runConformance({ ...parts, signal }, configured, tried);
    if (registration) {
      await registrations.noteReport(registration.id, {
        ...{ at, changedAt: registration.changedAt, hasPassed: report.passed },
        report: JSON.stringify(report),
      });
    }
    return report;
  } finally {
    http.close();
  }
}

function modelToTry(
  catalog: Catalog,
  provider: string,
  { model, task: named }: TestOptions,
): { readonly task: Task; readonly providerModel: string } {
  const task = TASKS.find((each) => each === named);
  if (named !== undefined && !task) {
    throw new UserError(`--task: expected one of ${TASKS.join(", ")}`);
  }
  if (model !== undefined) return { task: task ?? "conversational", providerModel: model };
  const offers = [...catalog.all()]
    .flatMap(({ mappings }) => mappings)
    .filter((each) => each.provider === provider && (task === undefined || each.task === task));
  const found = offers.find((each) => each.task === "conversational") ?? offers[0];
  if (found) return found;
  throw new UserError(`--model: no model of ${provider} is mapped, so name one to try`);
}

function printReport(report: Report, isVerbose: boolean): string {
  const { provider, model, task, checks, passed } = report;
  const lines = table(
    ["check", "verdict", "ms", "why"],
    checks.map((each) => [each.name, each.verdict, String(each.ms ?? ""), each.why ?? ""]),
  );
  const told = checks.filter(({ verdict }) => isVerbose || verdict === "failed").map(printFinding);
  const failures = checks.filter(({ verdict }) => verdict === "failed").length;
  const end = passed ? `${provider} has passed.` : `${provider} has failed ${failures} checks.`;
  return [`${provider}, model ${model} (${task})`, "", lines, "", ...told, end].join("\n");
}

function printFinding(each: Report["checks"][number]): string {
  const parts = { expected: each.expected, sent: each.sent, received: each.received };
  const lines = Object.entries({ ...parts, hint: each.hint }).flatMap(([name, text]) =>
    text === null ? [] : [`  ${name.padEnd(9)} ${text.replaceAll("\n", `\n${" ".repeat(12)}`)}`],
  );
  return [each.name, ...lines, ""].join("\n");
}
