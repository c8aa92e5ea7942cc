/** Brings a GGUF file into the data folder: one of this machine, or one of the Hub. */
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import { type AddedModel, modelsFolder, recordModel } from "./added-models.js";
import { download, type Hub, HubError, type HubFile, listFiles, type Progress } from "./hub.js";
import { modelIdFrom } from "./model-id.js";

const MAGIC = "GGUF";
const DEFAULT_QUANTIZATION = "Q4_K_M";
/** `…-00001-of-00003.gguf` */
const PART = /-(\d{5})-of-\d{5}\.gguf$/;

export type AddGguf = {
  readonly dataFolder: string;
  /** A file, or `hf:owner/repo` with perhaps `:QUANT`. */
  readonly from: string;
  readonly id: string | undefined;
  readonly hub: Hub;
  readonly progress: Progress;
};

/** Returns what was recorded. Throws a HubError for what whoever asked can mend. */
export async function addGguf(options: AddGguf): Promise<AddedModel> {
  const [, repository, quantization] =
    /^hf:([\w.-]+\/[\w.-]+)(?::([\w.-]+))?$/.exec(options.from) ?? [];
  if (options.from.startsWith("hf:") && repository === undefined) {
    throw new HubError(
      `Expected hf:owner/repo or hf:owner/repo:${DEFAULT_QUANTIZATION}, not "${options.from}".`,
    );
  }
  const brought =
    repository === undefined
      ? await copyFile(options)
      : await fromHub(options, repository, quantization ?? DEFAULT_QUANTIZATION);
  const added: AddedModel = {
    ...brought,
    engine: "gguf",
    tasks: ["conversational", "text-generation"],
    source: options.from,
  };
  recordModel(options.dataFolder, added);
  return added;
}

type Brought = Pick<AddedModel, "id" | "weights">;

async function copyFile({ dataFolder, from, id: wanted }: AddGguf): Promise<Brought> {
  if (!existsSync(from)) throw new HubError(`There is no file ${from}.`);
  await requireMagic(from);
  const id = modelIdFrom(wanted, `local/${basename(from).replace(/\.gguf$/i, "")}`);
  const weights = join("gguf", `${id.replace("/", "--")}.gguf`);
  mkdirSync(join(modelsFolder(dataFolder), "gguf"), { recursive: true });
  copyFileSync(from, join(modelsFolder(dataFolder), weights));
  return { id, weights };
}

async function requireMagic(path: string): Promise<void> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length);
    if (buffer.toString("latin1", 0, bytesRead) === MAGIC) return;
    throw new HubError(`${path} is not a GGUF file.`);
  } finally {
    await file.close();
  }
}

async function fromHub(
  options: AddGguf,
  repository: string,
  quantization: string,
): Promise<Brought> {
  const { dataFolder, hub, progress } = options;
  const id = modelIdFrom(options.id, repository);
  const files = filesOf(await listFiles(hub, repository), quantization);
  const folder = join("gguf", repository.replace("/", "--"));
  for (const file of files) {
    const to = join(modelsFolder(dataFolder), folder, basename(file.path));
    await download(hub, repository, file, to, progress);
    if (file === files[0]) await requireMagic(to);
  }
  return { id, weights: join(folder, basename(files[0]?.path ?? "")) };
}

/** The file of a quantization, or all its parts in their order. */
function filesOf(all: readonly HubFile[], quantization: string): HubFile[] {
  const found = all.filter(({ path }) => path.toLowerCase().endsWith(".gguf"));
  const isWanted = ({ path }: HubFile): boolean =>
    new RegExp(
      `(^|[-./_])${quantization.replaceAll(".", "\\.")}(-\\d{5}-of-\\d{5})?\\.gguf$`,
      "i",
    ).test(path);
  const wanted = found.filter(isWanted).sort((a, b) => a.path.localeCompare(b.path));
  const [first] = wanted;
  const only = found.length === 1 ? found : [];
  if (first) return PART.test(first.path) ? wanted.filter(({ path }) => PART.test(path)) : [first];
  if (only.length === 1) return only;
  const names = found.map(({ path }) => path).join(", ");
  throw new HubError(
    found.length === 0
      ? "There is no GGUF file in that repository."
      : `There is no ${quantization} in that repository. It has: ${names}`,
  );
}
