/** Every provider and task that the simulator has, each with a model: what the clients are tried with. */
import { providers } from "../../../sim/providers/index.js";

export type Row = { readonly provider: string; readonly task: string; readonly model: string };

/** The first model of each task. */
export const rows: readonly Row[] = providers.flatMap(({ id, tasks = [] }) =>
  [...Map.groupBy(tasks, ({ task }) => task)].flatMap(([task, [first]]) =>
    first ? [{ provider: id, task, model: first.hub }] : [],
  ),
);

export type Outcome = "ok" | "none" | { readonly fault: string };

const MARKS = { ok: "yes", none: "-" } as const;

/** What came of every row, one column for each client; `none`: the client has no such task of that provider. */
export function tableOf(columns: Readonly<Record<string, ReadonlyMap<Row, Outcome>>>): string {
  const names = Object.keys(columns);
  const mark = (outcome: Outcome = "none") => (typeof outcome === "string" ? MARKS[outcome] : "NO");
  const lines = rows.map((row) => {
    const marks = names.map((name) => mark(columns[name]?.get(row)));
    return `| ${[row.provider, row.task, ...marks].join(" | ")} |`;
  });
  const head = ["provider", "task", ...names];
  return [`| ${head.join(" | ")} |`, `|${head.map(() => " --- |").join("")}`, ...lines].join("\n");
}

export const faultsIn = (outcomes: ReadonlyMap<Row, Outcome>): string[] =>
  [...outcomes].flatMap(([{ provider, task }, outcome]) =>
    typeof outcome === "string" ? [] : [`${provider} ${task}: ${outcome.fault}`],
  );
