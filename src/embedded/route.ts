/** The routes of hf-inference. */
import type { Form } from "./call.js";
import { EMBEDDED_TASKS, type EmbeddedTask } from "./models.js";

export type Route = {
  readonly modelId: string;
  readonly form: Form;
  /** Where the path names one. */
  readonly task: EmbeddedTask | undefined;
};

const MODEL = String.raw`[\w.-]+(?:/[\w.-]+)?`;

const ROUTES: readonly (readonly [RegExp, Form])[] = [
  [new RegExp(`^/models/(?<model>${MODEL})/v1/chat/completions$`), "chat"],
  [new RegExp(`^/models/(?<model>${MODEL})/v1/completions$`), "completions"],
  [new RegExp(`^/models/(?<model>${MODEL})/pipeline/(?<task>[a-z0-9-]+)$`), "task"],
  // What older clients use.
  [new RegExp(`^/pipeline/(?<task>[a-z0-9-]+)/(?<model>${MODEL})$`), "task"],
  [new RegExp(`^/models/(?<model>${MODEL})$`), "task"],
];

/** Undefined where there is no such route. */
export function parseRoute(path: string): Route | undefined {
  for (const [pattern, form] of ROUTES) {
    const { model = "", task: name } = pattern.exec(path)?.groups ?? {};
    if (model === "") continue;
    const task = EMBEDDED_TASKS.find((each) => each === name);
    if (name !== undefined && task === undefined) return undefined;
    return { modelId: model, form, task };
  }
  return undefined;
}
