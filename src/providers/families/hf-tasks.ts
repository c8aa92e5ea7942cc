/**
 * The tasks of hf-inference, for it and for what speaks its wire: one route per model. `hf-requests.ts` has the forms
 * of a request, `hf-answers.ts` those of an answer.
 */
import type { TaskInput } from "../../tasks/task-call.js";
import { noUsage, type Usage } from "../../tasks/usage.js";
import type { PassRoute, Provider, ProviderReply, RequestBody, TaskAdapter } from "../provider.js";
import { computeTimeHeader } from "../reported.js";
import * as answers from "./hf-answers.js";
import * as requests from "./hf-requests.js";
import { hfTextGeneration } from "./hf-text-generation.js";
import { openAiChat } from "./openai-chat.js";

/** What one task sends, and how its answer is read. */
type Wire = {
  readonly body: (input: TaskInput) => RequestBody;
  readonly read: answers.Reader;
  /** After `/models/{model}`. */
  readonly route?: string;
};

const { readJson, readPicture, readSound } = answers;
const listRead = readJson(answers.list);
const classesRead = readJson(answers.classes);
const numbersRead = readJson(answers.numbers);

const WIRES = {
  "feature-extraction": {
    body: requests.asRoot,
    read: readJson(answers.vectors),
    route: "/pipeline/feature-extraction",
  },
  "sentence-similarity": {
    body: requests.asJson,
    read: numbersRead,
    route: "/pipeline/sentence-similarity",
  },
  "text-classification": { body: requests.asJson, read: readJson(answers.classesOfTexts) },
  "token-classification": { body: requests.asJson, read: readJson(answers.tokens) },
  "zero-shot-classification": { body: requests.asJson, read: readJson(answers.zeroShotClasses) },
  "question-answering": { body: requests.asJson, read: readJson(answers.alone) },
  "table-question-answering": {
    body: requests.asTableQuestion,
    read: readJson(answers.tableAnswer),
  },
  "fill-mask": { body: requests.asJson, read: listRead },
  summarization: { body: requests.asJson, read: listRead },
  translation: { body: requests.asJson, read: listRead },
  "tabular-classification": { body: requests.asTable, read: numbersRead },
  "tabular-regression": { body: requests.asTable, read: numbersRead },
  "audio-classification": { body: requests.asFile, read: classesRead },
  "image-classification": { body: requests.asFile, read: classesRead },
  "object-detection": { body: requests.asFile, read: listRead },
  "automatic-speech-recognition": { body: requests.asFile, read: readJson(answers.alone) },
  "audio-to-audio": { body: requests.asFile, read: listRead },
  "image-to-text": { body: requests.asFile, read: listRead },
  "image-to-image": { body: requests.asFile, read: readPicture },
  // Hugging Face's own client never sends the bare file here.
  "image-segmentation": { body: requests.asFileInJson, read: listRead },
  "zero-shot-image-classification": { body: requests.asImageObject, read: classesRead },
  "document-question-answering": { body: requests.asQuestion, read: listRead },
  "visual-question-answering": { body: requests.asQuestion, read: listRead },
  "text-to-image": { body: requests.asJson, read: readPicture },
  "text-to-speech": { body: requests.asJson, read: readSound },
  "text-to-audio": { body: requests.asJson, read: readSound },
} as const satisfies { readonly [T in keyof Provider["tasks"]]?: Wire };

type HfTask = keyof typeof WIRES;

const hfTask = ({ body, read, route = "" }: Wire): TaskAdapter => ({
  start: (input, { providerModel }) => ({
    method: "POST",
    path: `/models/${providerModel}${route}`,
    ...(input.upload ? { upload: input.upload } : { body: body(input) }),
  }),
  next: (reply) => {
    const usage = tokensIn(reply);
    return { kind: "done", output: read(reply), ...(usage && { usage }) };
  },
  takesUploads: body === requests.asFile,
  reported: computeTimeHeader,
});

/** Text Embeddings Inference counts tokens in a header; nothing else on this wire counts any. */
function tokensIn({ header }: ProviderReply): Usage | undefined {
  const inputTokens = Number(header("x-compute-tokens"));
  return Number.isSafeInteger(inputTokens) && inputTokens > 0
    ? { ...noUsage, inputTokens }
    : undefined;
}

const mapped = (wires: Readonly<Record<HfTask, Wire>>): Record<HfTask, TaskAdapter> =>
  Object.fromEntries(Object.entries(wires).map(([task, wire]) => [task, hfTask(wire)])) as Record<
    HfTask,
    TaskAdapter
  >;

/** Everything that hf-inference does. */
export const hfTasks = () => ({
  conversational: openAiChat({
    path: (model) => `/models/${model}/v1/chat/completions`,
    // Text Generation Inference reads a schema from `value`; newer versions read OpenAI's form too.
    schemaForms: ["object_value", "openai_schema"],
    finishReasons: { eos_token: "stop", stop_sequence: "stop" },
    hasEmptyIds: true,
    reported: computeTimeHeader,
  }),
  "text-generation": hfTextGeneration,
  ...mapped(WIRES),
});

/** The Hub offers every model of these two for both of them. */
const EMBEDDINGS = ["feature-extraction", "sentence-similarity"] as const;
const ALL = ["text-generation", ...(Object.keys(WIRES) as HfTask[])] as const;

/** The last takes what the others do not; older clients used the form before it. */
export const hfRoutes: readonly PassRoute[] = [
  {
    method: "POST",
    path: "/models/{model}/v1/completions",
    tasks: ["text-generation"],
  },
  ...EMBEDDINGS.map(
    (task): PassRoute => ({
      method: "POST",
      path: `/models/{model}/pipeline/${task}`,
      tasks: EMBEDDINGS,
    }),
  ),
  ...EMBEDDINGS.map(
    (task): PassRoute => ({ method: "POST", path: `/pipeline/${task}/{model}`, tasks: EMBEDDINGS }),
  ),
  { method: "POST", path: "/models/{model}", tasks: ALL },
];
