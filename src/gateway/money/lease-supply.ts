/** What is known of one bucket beside the book. */
export type Supply = {
  /** Store calls for one bucket go one after the other: the last of them. */
  turn: Promise<unknown> | undefined;
  /** The last recall, how many asks it was for, and whether everybody answered it. */
  recall: number;
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

const NO_SUPPLY: Supply = {
  turn: undefined,
  recall: 0,
  recalledFor: 0,
  isAnswered: true,
  renewedAt: Number.NEGATIVE_INFINITY,
  sparingUntil: Number.NEGATIVE_INFINITY,
  takesUnderWay: 0,
  keepers: 0,
  isDoubtful: false,
  owedRecall: undefined,
};

/** The supplies of all buckets that were ever asked for here, until they are forgotten. */
export class Supplies {
  private readonly all = new Map<string, Supply>();

  /** Undefined where nobody asked for the bucket. */
  known(bucketId: string): Supply | undefined {
    return this.all.get(bucketId);
  }

  of(bucketId: string): Supply {
    let supply = this.all.get(bucketId);
    if (!supply) {
      supply = { ...NO_SUPPLY };
      this.all.set(bucketId, supply);
    }
    return supply;
  }

  entries(): Iterable<[string, Supply]> {
    return this.all;
  }

  forget(bucketId: string): void {
    this.all.delete(bucketId);
  }

  /** Runs `work` after all other work on the bucket that was begun before. */
  inTurn<Result>(bucketId: string, work: () => Promise<Result>): Promise<Result> {
    const supply = this.of(bucketId);
    const turn = (supply.turn ?? Promise.resolve()).then(work, work);
    supply.turn = turn;
    const clear = () => {
      if (supply.turn === turn) supply.turn = undefined;
    };
    turn.then(clear, clear);
    return turn;
  }
}
