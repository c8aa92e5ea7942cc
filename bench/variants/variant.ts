import type { Target } from "../load/spec.js";
import type { Pins } from "../machine.js";
import type { Child } from "../processes.js";

export const VARIANT_NAMES = ["direct", "nginx", "nginx-bare", "portkey", "turnpike"] as const;
export type VariantName = (typeof VARIANT_NAMES)[number];

export type StartContext = {
  readonly upstreamPort: number;
  readonly pins: Pins;
  /** A fresh folder of this run, removed after it. */
  readonly folder: string;
};

export type RunningProxy = {
  readonly target: Target;
  /** Undefined for direct: there is nothing in between. */
  readonly child: Child | undefined;
  /** What is measured: the proxy's processes without a launcher that only waits. */
  readonly pids: readonly number[];
  /** After the load, before stopping: checks of the variant's own, and a line to report. */
  readonly check: (answers: number) => Promise<string | undefined>;
};

export type Variant = {
  readonly name: VariantName;
  /** Why this variant cannot run here, or undefined. May install what it needs. */
  readonly whyNot: () => Promise<string | undefined>;
  readonly start: (context: StartContext) => Promise<RunningProxy>;
};

export const CHAT_PATH = "/v1/chat/completions";
