/** One model: who serves it, at what price, where that comes from, how old it is and what it was before. */
import { findModel } from "../catalog/find.js";
import type { Mapping } from "../catalog/model.js";
import { printMapping, printPriceEntry } from "../catalog/print.js";
import { keyOf } from "../catalog/stored.js";
import { DAY_MS } from "../kernel/clock.js";
import { catalogOf } from "./catalog.js";
import { type CommonOptions, command } from "./command.js";
import { type Local, withLocal } from "./local.js";
import { show, table } from "./output.js";
import { faultFor, type Readiness, readinessOf } from "./ready.js";

export const modelShow = command("show", "one model: who serves it, at what price, since when")
  .argument("<id>")
  .action((id: string, options: CommonOptions) =>
    withLocal(options, (local) => showOne(local, id, options)),
  );

async function showOne(local: Local, id: string, options: CommonOptions): Promise<void> {
  const model = findModel(await catalogOf(local), id);
  const readiness = await readinessOf(local);
  const mappings = await Promise.all(model.mappings.map((each) => shownOf(local, each, readiness)));
  const shown = { id: model.id, task: model.task, tags: model.tags ?? [], providers: mappings };
  show(options, shown, () => textOf(model.id, mappings));
}

type Shown = Awaited<ReturnType<typeof shownOf>>;

async function shownOf({ mappings }: Local, mapping: Mapping, readiness: Readiness) {
  const { pricedAt } = mapping;
  const fault = faultFor(readiness, mapping);
  const history = await mappings.prices(keyOf(mapping));
  return {
    ...printMapping(mapping),
    ready: fault === undefined,
    ...(fault !== undefined && { why_not: fault }),
    age_days: pricedAt === undefined ? null : daysSince(pricedAt),
    history: history.map(printPriceEntry),
  };
}

const daysSince = (at: number): number => Math.max(0, Math.floor((Date.now() - at) / DAY_MS));

function textOf(id: string, mappings: readonly Shown[]): string {
  const offered = table(
    ["provider", "its model", "status", "ready", "dollars", "age", "source"],
    mappings.map((mapping) => [
      mapping.provider,
      mapping.provider_model,
      mapping.status,
      mapping.why_not ?? "yes",
      priceText(mapping),
      ageText(mapping.age_days),
      mapping.source,
    ]),
  );
  const past = mappings.flatMap(({ provider, history }) =>
    history.map((entry) => [
      provider,
      entry.valid_from.slice(0, 10),
      priceText(entry),
      entry.set_by,
      entry.source,
    ]),
  );
  if (past.length === 0) return `${id}\n${offered}`;
  return `${id}\n${offered}\n\nPrices in the store, the newest first:\n${table(["provider", "from", "dollars", "by", "source"], past)}`;
}

/** Per million tokens, and per single unit of what is no token. */
const priceText = (said: Pick<Shown, "price" | "is_free">): string => {
  if (said.is_free) return "free";
  const units = Object.entries(said.price).map(([unit, each]) => `${unit} ${each}`);
  return units.length === 0 ? "none" : units.join(", ");
};

const ageText = (days: number | null): string =>
  days === null ? "unknown" : days === 1 ? "1 day" : `${days} days`;
