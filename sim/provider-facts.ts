import type { ErrorAnswer, ErrorFacts } from "./failure.js";
import type { Ids } from "./ids.js";
import type { PriceText } from "./money.js";
import type { UnitPriceText } from "./units.js";

/** A model the provider lists. Others are served too: any id is accepted unless a dial says otherwise. */
export type SimModel = {
  /** The provider's own id. */
  readonly id: string;
  /** The Hub's id for it. */
  readonly hub: string;
  readonly context: number;
  readonly tools: boolean;
  readonly structured: boolean;
  readonly price: PriceText;
};

/** A model for another task than chat. */
export type TaskModel = {
  /** The provider's own id. */
  readonly id: string;
  /** The Hub's id for it. */
  readonly hub: string;
  /** By the name the Hub uses, e.g. `text-to-image`. */
  readonly task: string;
  readonly price: UnitPriceText;
};

/** A provider apart from its routes: its models and prices, how it names things, how it refuses. */
export type ProviderFacts = {
  readonly id: string;
  readonly requestIdHeader: string;
  readonly requestId: (ids: Ids) => string;
  /** Where the key is, if not in `Authorization: Bearer`. */
  readonly keyIn?: (headers: Headers) => string | undefined;
  /** For chat models that are not listed; absent: no chat. */
  readonly price?: PriceText;
  readonly models: readonly SimModel[];
  /** Models of other tasks. The first of a task also prices the ones that are not listed. */
  readonly tasks?: readonly TaskModel[];
  readonly error: (facts: ErrorFacts) => ErrorAnswer;
};
