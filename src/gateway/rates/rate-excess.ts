/** Tokens that an answer used beyond what was held for it. */
import type { Clock } from "../../kernel/clock.js";
import { ZERO } from "../../kernel/money.js";
import type { LeaseKeeper } from "../money/lease-keeper.js";
import { counts, type RateBook, type RateLease } from "./rate-book.js";

type Parts = {
  readonly book: RateBook;
  readonly keeper: LeaseKeeper;
  readonly clock: Clock;
};

/** Counts them on each limit as far as its minute has any left, on whichever node. */
export async function countExcess(
  { book, keeper, clock }: Parts,
  leases: readonly RateLease[],
  tokens: number,
): Promise<void> {
  for (const { id } of leases) {
    const use = (): void => {
      const now = clock.now();
      book.useUp([book.leaseOf(id, now)], tokens, now);
    };
    const asking = { ask: keeper.newAsk(), atLeast: ZERO };
    await keeper.cover([id], counts(tokens), asking, use);
  }
}
