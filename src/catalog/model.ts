import type { PricePerMillion } from "../kernel/money.js";
import type { Task } from "../tasks/index.js";
import type { Modality } from "../tasks/modalities.js";
import type { Unit } from "../tasks/usage.js";

/** Nano-USD per million of each unit that is charged. */
export type Price = { readonly [U in Unit]?: PricePerMillion };

export type MappingStatus = "live" | "staging" | "error";

/** One provider's offer of one model for one task. */
export type Mapping = {
  readonly modelId: string;
  readonly task: Task;
  readonly provider: string;
  /** The provider's own name for the model. */
  readonly providerModel: string;
  readonly status: MappingStatus;
  /** Undefined: nobody has said what it costs, so only callers with their own key may use it. */
  readonly price: Price | undefined;
  readonly isFree: boolean;
  /** What it runs on, where that is said: shown, and looked up where the price is per second of it. */
  readonly hardware?: string;
  readonly contextLength?: number;
  readonly maxOutputTokens?: number;
  readonly supportsTools?: boolean;
  readonly supportsStructuredOutput?: boolean;
  /** What its messages may hold; undefined where nobody has said. */
  readonly inputModalities?: readonly Modality[];
  /** Whether the provider keeps what it is sent for this model, where that is said. */
  readonly retainsPrompts?: boolean;
  /** After how long a short request to it is sent to another one as well, 0 for never; undefined where the limit holds. */
  readonly hedgeAfterMs?: number;
  readonly isModelAuthor?: boolean;
  /** For a LoRA adapter: the file of weights in the Hub's repository. */
  readonly loraWeights?: string;
  /** Its provider does not list it any more. */
  readonly isGone?: boolean;
  /** Where the price and the mapping come from, for people. */
  readonly source: string;
  /** Since when this is the price, as far as anybody said, in ms UTC. */
  readonly pricedAt?: number;
  /** Its id in the store, where it is kept there. */
  readonly id?: string;
  /** The tags it goes by, where it is for every model that has all of them. */
  readonly tags?: readonly string[];
};

export type Model = {
  readonly id: string;
  readonly task: Task;
  readonly mappings: readonly Mapping[];
  /** As the Hub has them, where somebody said. */
  readonly tags?: readonly string[];
};
