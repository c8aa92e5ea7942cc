import { Command } from "commander";
import { catalogOf } from "./catalog.js";
import { type CommonOptions, command } from "./command.js";
import { type Local, withLocal } from "./local.js";
import { modelAdd } from "./model-add.js";
import { modelShow } from "./model-show.js";
import { modelSync } from "./model-sync.js";
import { show, table } from "./output.js";
import { faultFor, readinessOf } from "./ready.js";

type ListOptions = CommonOptions & { readonly all: boolean };

export const model = new Command("model")
  .description("what can be called")
  .addCommand(
    command("list", "models that can be called now")
      .option("--all", "also those whose provider has no key, or no price", false)
      .action((options: ListOptions) => withLocal(options, (local) => list(local, options))),
  )
  .addCommand(modelShow)
  .addCommand(modelAdd)
  .addCommand(modelSync);

async function list(local: Local, options: ListOptions): Promise<void> {
  const readiness = await readinessOf(local);
  const catalog = await catalogOf(local);
  const rows = [...catalog.all()]
    .map((each) => ({
      id: each.id,
      task: each.task,
      // A provider may have a model for several tasks.
      providers: [
        ...new Set(
          each.mappings
            .filter((m) => options.all || faultFor(readiness, m) === undefined)
            .map((m) => m.provider),
        ),
      ],
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
