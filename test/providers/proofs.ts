/** How it is proven that each task of each provider works: what docs/providers.md shows. */
import { readdirSync } from "node:fs";
import { PROVIDERS } from "@huggingface/inference";
import { providers as simulated } from "../../sim/providers/index.js";
import { builtInProviders } from "../../src/config/providers.js";
import { EMBEDDED } from "../../src/embedded/catalog.js";
import { BUILT_IN_MODELS } from "../../src/embedded/models.js";
import { TASKS, type Task } from "../../src/tasks/index.js";
import { DONE, type Done } from "../clients/tasks/done.js";
import { EXCHANGES, taskExchanges } from "./exchange-files.js";
import { mediaRows } from "./oracle/media.js";
import type { OracleRow } from "./oracle/row.js";
import { textRows } from "./oracle/text.js";

export type Proof = {
  readonly provider: string;
  readonly task: Task;
  /** How many files of `test/exchanges` are about it. */
  readonly exchanges: number;
  /** `[1]` and the like stand for a listed difference. */
  readonly oracle: string;
  readonly endToEnd: Readonly<Record<keyof typeof DONE, boolean>>;
};

export const oracleRows: readonly OracleRow[] = [...textRows, ...mediaRows];

/** Why a request of ours is another than the client's on purpose, each once. */
export const DIFFERENCES: readonly string[] = [
  ...new Set(oracleRows.flatMap(({ but }) => (but ? [but.why] : []))),
];

/** Every provider that has a task, the embedded one last. */
export const proofs = (): readonly Proof[] => {
  const exchanges = countExchanges();
  return tasksByProvider().flatMap(([provider, tasks]) =>
    TASKS.filter((task) => tasks.has(task)).map((task) => ({
      provider,
      task,
      exchanges: exchanges.get(`${provider} ${task}`) ?? 0,
      oracle: oracleOf(provider, task),
      endToEnd: {
        "@huggingface/inference": isDone("@huggingface/inference", provider, task),
        huggingface_hub: isDone("huggingface_hub", provider, task),
        openai: isDone("openai", provider, task),
        own: isDone("own", provider, task),
      },
    })),
  );
};

function tasksByProvider(): readonly (readonly [string, ReadonlySet<string>])[] {
  const hosted = builtInProviders.filter(({ id }) => id !== EMBEDDED);
  return [
    ...hosted.map(({ id, tasks }) => [id, new Set(Object.keys(tasks))] as const),
    [EMBEDDED, new Set<string>(BUILT_IN_MODELS.flatMap(({ tasks }) => tasks))],
  ];
}

function countExchanges(): ReadonlyMap<string, number> {
  const names = taskExchanges().map(({ provider, task }) => `${provider} ${task}`);
  for (const provider of readdirSync(EXCHANGES)) {
    const files = readdirSync(`${EXCHANGES}/${provider}`);
    const chats = files.filter((file) => file.startsWith("chat-completion-"));
    names.push(...chats.map(() => `${provider} conversational`));
  }
  return new Map([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]));
}

function oracleOf(provider: string, task: Task): string {
  const known: Readonly<Record<string, object>> = PROVIDERS;
  if (!(task in (known[provider] ?? {}))) return "-";
  // Chat is held against the client by its exchanges.
  if (task === "conversational") return "yes";
  const rows = oracleRows.filter((row) => row.provider === provider && row.task === task);
  if (rows.length === 0) return "NO";
  const numbers = rows.flatMap(({ but }) => (but ? [DIFFERENCES.indexOf(but.why) + 1] : []));
  return ["yes", ...[...new Set(numbers)].map((number) => `[${number}]`)].join(" ");
}

/** Those that test/clients tries every client with. */
const CHATS = new Set(simulated.filter(({ models }) => models.length > 0).map(({ id }) => id));

function isDone(client: keyof typeof DONE, provider: string, task: Task): boolean {
  if (task === "conversational" && client !== "own") return CHATS.has(provider);
  const done: Done = DONE[client];
  return done[provider]?.includes(task) ?? false;
}
