/** Every provider and task there is, each with a model: what the clients are tried with. */
import { providers } from "../../../sim/providers/index.js";
import { EMBEDDED } from "../../../src/embedded/catalog.js";
import { BUILT_IN_MODELS } from "../../../src/embedded/models.js";
import { EMBEDDINGS } from "../../../src/tasks/index.js";

export type Row = {
  /** As the clients name it. */
  readonly provider: string;
  readonly task: string;
  readonly model: string;
  readonly servedBy: string;
};

/** The first model of each task that the simulator has of a provider. */
const simulated: readonly Row[] = providers.flatMap(({ id, tasks = [] }) =>
  [...Map.groupBy(tasks, ({ task }) => task)].flatMap(([task, [first]]) =>
    first ? [{ provider: id, task, model: first.hub, servedBy: id }] : [],
  ),
);

/** Real engines, which the clients know as hf-inference; of the tasks of a model it can tell them one, or both of embeddings. */
const embedded: readonly Row[] = BUILT_IN_MODELS.flatMap(({ id, tasks }) =>
  tasks
    .filter((task) => task === tasks[0] || EMBEDDINGS.includes(task))
    .map((task) => ({ provider: "hf-inference", task, model: id, servedBy: EMBEDDED })),
);

export const rows: readonly Row[] = [...simulated, ...embedded];

export type Outcome = "ok" | "none" | { readonly fault: string };

const MARKS = { ok: "yes", none: "-" } as const;

/** What came of every row, one column for each client; `none`: the client has no such task of that provider. */
export function tableOf(columns: Readonly<Record<string, ReadonlyMap<Row, Outcome>>>): string {
  const names = Object.keys(columns);
  const mark = (outcome: Outcome = "none") => (typeof outcome === "string" ? MARKS[outcome] : "NO");
  const lines = rows.map((row) => {
    const marks = names.map((name) => mark(columns[name]?.get(row)));
    return `| ${[row.servedBy, row.task, ...marks].join(" | ")} |`;
  });
  const head = ["provider", "task", ...names];
  return [`| ${head.join(" | ")} |`, `|${head.map(() => " --- |").join("")}`, ...lines].join("\n");
}

/** The rows that went well. */
export const doneIn = (outcomes: ReadonlyMap<Row, Outcome>): readonly Row[] =>
  [...outcomes].flatMap(([row, outcome]) => (outcome === "ok" ? [row] : []));

export const faultsIn = (outcomes: ReadonlyMap<Row, Outcome>): string[] =>
  [...outcomes].flatMap(([{ servedBy, task }, outcome]) =>
    typeof outcome === "string" ? [] : [`${servedBy} ${task}: ${outcome.fault}`],
  );
