import { findModel, mappingsOf } from "../catalog/find.js";
import type { Model } from "../catalog/model.js";
import { formatUsd } from "../kernel/money.js";
import { forecast, printForecast } from "../metering/forecast.js";
import { TASKS } from "../tasks/index.js";
import {
  ASSUMABLE,
  type EstimateQuery,
  parseAssumedList,
  parseEstimateQuery,
} from "../wire/estimate-query.js";
import { catalogOf } from "./catalog.js";
import { type CommonOptions, command } from "./command.js";
import { type Local, withLocal } from "./local.js";
import { show, table, UserError } from "./output.js";
import { readOneOf } from "./read.js";
import { faultFor, readinessOf } from "./ready.js";

type Options = CommonOptions & { readonly task?: string; readonly assume?: string };

export const estimate = command("estimate", "how many calls $0.10 and $2.00 buy, at each provider")
  .argument("<model>")
  .option("--task <task>", "what the model is for, to be sure of it")
  .option("--assume <list>", `what a call uses, as name=value,…: ${ASSUMABLE.join(", ")}`)
  .action((model: string, options: Options) =>
    withLocal(options, (local) => estimateModel(local, model, options)),
  );

async function estimateModel(local: Local, id: string, options: Options): Promise<void> {
  const query = parseEstimateQuery({
    model: id,
    ...(options.task !== undefined && { task: readOneOf("--task", options.task, TASKS) }),
    ...(options.assume !== undefined && { assume: parseAssumedList(options.assume) }),
  });
  const model = findModel(await catalogOf(local), query.model);
  if (query.task !== undefined && query.task !== model.task) {
    throw new UserError(`--task: ${model.id} is for ${model.task}, not for ${query.task}`);
  }
  const rows = await rowsFor(local, model, query);
  show(options, { model: model.id, task: model.task, providers: rows }, () => tableOf(rows));
}

type Row = Awaited<ReturnType<typeof rowsFor>>[number];

/** What a call costs at each of the model's mappings, and whether it can be made there. */
async function rowsFor(local: Local, model: Model, query: EstimateQuery) {
  const costs = await local.books.callCosts.ofModel(model.id, Date.now());
  const { inputTokens, outputTokens, measured } = query;
  const assumed = {
    ...(inputTokens !== undefined && { inputTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    measured,
  };
  const readiness = await readinessOf(local);
  return mappingsOf(model, query.suffix).map((mapping) => {
    const classes = costs.get(mapping.provider) ?? [];
    const found = forecast(mapping, assumed, { classes, isFree: mapping.isFree });
    const fault = faultFor(readiness, mapping);
    return {
      ...printForecast(found),
      ready: fault === undefined,
      ...(fault !== undefined && { why_not: fault }),
    };
  });
}

const tableOf = (rows: readonly Row[]): string =>
  table(
    ["provider", "ready", "a call", "p95", "for $0.10", "for $2.00", "by"],
    rows.map((row) => [
      row.provider,
      row.why_not ?? "yes",
      dollars(row.expected_cost_nano_usd),
      dollars(row.p95_cost_nano_usd),
      row.calls === null ? "" : (row.calls["0.10"] ?? "any number"),
      row.calls === null ? "" : (row.calls["2.00"] ?? "any number"),
      row.basis === "history" ? `${row.history_calls} calls here` : assumedText(row.assumes),
    ]),
  );

const dollars = (nano: string | null): string =>
  nano === null ? "" : `$${formatUsd(BigInt(nano))}`;

const assumedText = (assumes: Readonly<Record<string, string>>): string =>
  Object.entries(assumes)
    .map(([name, value]) => `${value} ${name.replaceAll("_", " ")}`)
    .join(", ");
