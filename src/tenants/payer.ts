import type { NanoUsd } from "../kernel/money.js";
import type { Anchor } from "../kernel/period.js";
import type { Rates } from "./rates.js";

/** Whose money requests spend: a user, or an organization that was named. */
export type Payer = {
  readonly kind: "user" | "org";
  readonly id: string;
  readonly name: string;
  readonly plan: string;
  /** What the plan's credit per seat is multiplied with; a user has none. */
  readonly seats: number;
  /** What the payer may spend each period beyond credit; undefined: what the plan says. */
  readonly spendingLimit: NanoUsd | undefined;
  readonly anchor: Anchor;
  /** What holds for the payer beside the plan's rates. */
  readonly rates?: Rates | undefined;
};

/** The bucket that holds a payer's money, and the payer's name in the books. */
export const fundsBucketOf = ({ kind, id }: Pick<Payer, "kind" | "id">): string => `${kind}:${id}`;
