import { Command } from "commander";
import { findModel } from "../catalog/find.js";
import type { Mapping } from "../catalog/model.js";
import { printPrice } from "../catalog/quote.js";
import type { Config } from "../config/config.js";
import { EMBEDDED } from "../embedded/catalog.js";
import { catalogOf } from "./catalog.js";
import { type CommonOptions, command } from "./command.js";
import { type Local, withLocal } from "./local.js";
import { modelAdd } from "./model-add.js";
import { show, table } from "./output.js";

type ListOptions = CommonOptions & { readonly all: boolean };

export const model = new Command("model")
  .description("what can be called")
  .addCommand(
    command("list", "models that can be called now")
      .option("--all", "also those whose provider has no key", false)
      .action((options: ListOptions) => withLocal(options, (local) => list(local, options))),
  )
  .addCommand(
    command("show", "one model: who serves it, at what price, from what source")
      .argument("<id>")
      .action((id: string, options: CommonOptions) =>
        withLocal(options, (local) => showOne(local, id, options)),
      ),
  )
  .addCommand(modelAdd);

async function list(local: Local, options: ListOptions): Promise<void> {
  const { config } = local;
  const catalog = await catalogOf(local);
  const rows = [...catalog.all()]
    .map((each) => ({
      id: each.id,
      task: each.task,
      providers: each.mappings
        .filter((m) => options.all || isReady(config, m))
        .map((m) => m.provider),
    }))
    .filter((row) => row.providers.length > 0);
  show(options, { models: rows }, () =>
    rows.length === 0
      ? "No provider has a key. Set one, like TOGETHER_API_KEY, or see all: turnpike model list --all"
      : table(
          ["model", "task", "providers"],
          rows.map((row) => [row.id, row.task, row.providers.join(", ")]),
        ),
  );
}

async function showOne(local: Local, id: string, options: CommonOptions): Promise<void> {
  const { config } = local;
  const found = findModel(await catalogOf(local), id);
  const rows = found.mappings.map((mapping) => ({
    provider: mapping.provider,
    provider_model: mapping.providerModel,
    status: mapping.status,
    ready: isReady(config, mapping),
    price: printPrice(mapping.price ?? {}),
    source: mapping.source,
  }));
  show(options, { id: found.id, task: found.task, providers: rows }, () =>
    table(
      ["provider", "its model", "ready", "USD per million", "source"],
      rows.map((row) => [
        row.provider,
        row.provider_model,
        row.ready ? "yes" : "needs a key",
        Object.entries(row.price)
          .map(([unit, each]) => `${unit} ${each}`)
          .join(", "),
        row.source,
      ]),
    ),
  );
}

export function isReady(config: Config, mapping: Mapping): boolean {
  if (mapping.provider === EMBEDDED) return config.embedded !== undefined;
  const settings = config.providers.get(mapping.provider);
  return settings !== undefined && (settings.key !== undefined || !settings.provider.needsKey);
}
