/** Brings a model to the embedded provider. A running server finds it by itself. */
import { loadConfig } from "../config/config.js";
import { addGguf } from "../embedded/add-gguf.js";
import { addOnnx } from "../embedded/add-onnx.js";
import type { AddedModel } from "../embedded/added-models.js";
import { HubError, hubOf, type Progress } from "../embedded/hub.js";
import { isInstalled } from "../embedded/installed.js";
import { type CommonOptions, command } from "./command.js";
import { prepareDataFolder } from "./local.js";
import { show, UserError } from "./output.js";

type Options = CommonOptions & {
  readonly gguf?: string;
  readonly onnx?: string;
  readonly task?: string;
  readonly id?: string;
};

export const modelAdd = command("add", "bring a model to the embedded provider")
  .option("--gguf <source>", "a GGUF file, or hf:owner/repo:QUANT")
  .option("--onnx <repository>", "a model of the Hub with ONNX weights, owner/model; needs --task")
  .option("--task <task>", "what the ONNX model is for, like text-classification")
  .option("--id <name>", "the name to call it by")
  .action(async (options: Options) => {
    const added = await add(options).catch((thrown) => {
      throw thrown instanceof HubError ? new UserError(thrown.message, { cause: thrown }) : thrown;
    });
    show(options, added, () =>
      [`Added ${added.id} for ${added.tasks.join(", ")}.`, ...missing(added)].join("\n"),
    );
  });

function add(options: Options): Promise<AddedModel> {
  const { gguf, onnx, task, id } = options;
  const config = loadConfig(options, process.env);
  prepareDataFolder(config);
  const common = {
    dataFolder: config.dataFolder,
    id,
    hub: hubOf(process.env),
    progress: options.json ? () => {} : showProgress(),
  };
  if (gguf !== undefined && onnx === undefined && task === undefined)
    return addGguf({ ...common, from: gguf });
  if (onnx !== undefined && gguf === undefined && task !== undefined)
    return addOnnx({ ...common, from: onnx, task });
  throw new UserError(
    "Give --gguf FILE, --gguf hf:owner/repo:QUANT, or --onnx owner/model --task TASK.",
  );
}

const ENGINES = { gguf: "node-llama-cpp", onnx: "@huggingface/transformers" } as const;

function missing({ engine }: AddedModel): string[] {
  const name = ENGINES[engine];
  return isInstalled(name)
    ? []
    : [`Before it can answer, its engine is needed: npm install ${name}`];
}

const MEGABYTE = 1_000_000;

/** One line a file, which grows where it is looked at and is written once where it is not. */
function showProgress(): Progress {
  let last = "";
  return (file, bytes, total) => {
    const size = total === undefined ? "" : ` of ${(total / MEGABYTE).toFixed(1)}`;
    const line = `${file}: ${(bytes / MEGABYTE).toFixed(1)}${size} MB`;
    if (line === last || (!process.stderr.isTTY && bytes !== total)) return;
    last = line;
    process.stderr.write(
      process.stderr.isTTY && bytes !== total
        ? `\r${line}`
        : `${process.stderr.isTTY ? "\r" : ""}${line}\n`,
    );
  };
}
