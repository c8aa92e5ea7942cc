/** The embedded models as the catalog lists them: every task of each, at the price of a second on this machine. */
import type { Mapping, Model, Price } from "../catalog/model.js";
import { addedModels } from "./added-models.js";
import { BUILT_IN_MODELS, type EmbeddedModel } from "./models.js";

export const EMBEDDED = "embedded";
/** What it runs on, as hf-inference calls it. */
const HARDWARE = "cpu";

export const toModels = (models: readonly EmbeddedModel[], price: Price): readonly Model[] =>
  models.map(({ id, tasks, about }) => ({
    id,
    task: tasks[0],
    mappings: tasks.map(
      (task): Mapping => ({
        modelId: id,
        task,
        provider: EMBEDDED,
        providerModel: id,
        status: "live",
        price,
        isFree: false,
        hardware: HARDWARE,
        source: `embedded: ${about}`,
      }),
    ),
  }));

/** What could be run with a data folder, without running anything. */
export const modelsIn = (dataFolder: string): readonly EmbeddedModel[] => [
  ...BUILT_IN_MODELS,
  ...addedModels(dataFolder, (thrown) => {
    throw thrown;
  })(),
];
