import type { Question } from "../engine.js";
import type { Pooling } from "./pooling.js";
import type { Pipeline, TransformersModule } from "./transformers.js";

/** What a task's function is given. */
export type Loaded = {
  readonly module: TransformersModule;
  readonly pipeline: Pipeline;
  readonly pooling: Pooling;
};

export type OnnxTask = (loaded: Loaded, question: Question) => Promise<unknown>;
