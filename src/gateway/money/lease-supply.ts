/** What is known of one bucket beside the book. */
export type Supply = {
  /** Store calls for one bucket go one after the other: the last of them. */
  turn: Promise<unknown> | undefined;
  /** How many asks the last recall was for, and whether everybody answered it. */
  recalledFor: number;
  isAnswered: boolean;
  renewedAt: number;
  /** Until when others may still be looking for what they need, and nothing is taken beyond need. */
  sparingUntil: number;
  takesUnderWay: number;
  /** Askers that are covered here and look for the same elsewhere. */
  keepers: number;
  /** The store may have leased more to this process than the book knows: its answer got lost. */
  isDoubtful: boolean;
  /** A recall that came while a lease was under way, or kept for an asker. */
  owedRecall: number | undefined;
};

export const NO_SUPPLY: Supply = {
  turn: undefined,
  recalledFor: 0,
  isAnswered: true,
  renewedAt: Number.NEGATIVE_INFINITY,
  sparingUntil: Number.NEGATIVE_INFINITY,
  takesUnderWay: 0,
  keepers: 0,
  isDoubtful: false,
  owedRecall: undefined,
};
