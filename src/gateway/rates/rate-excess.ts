/** Tokens that an answer used beyond what was held for it. */
import type { Clock } from "../../kernel/clock.js";
import { least, type NanoUsd, ZERO } from "../../kernel/money.js";
import type { LeaseBook } from "../../ledger/lease-book.js";
import type { LeaseKeeper } from "../money/lease-keeper.js";

type Parts = {
  readonly book: LeaseBook;
  readonly keeper: LeaseKeeper;
  readonly clock: Clock;
};

/** Counts them on each limit as far as its minute has any left, on whichever node. */
export async function countExcess(
  { book, keeper, clock }: Parts,
  ids: readonly string[],
  tokens: NanoUsd,
): Promise<void> {
  for (const id of ids) {
    const use = (): void => {
      const now = clock.now();
      const some = least(tokens, book.free(id, now));
      const answer = book.hold([id], some, now, now);
      if (answer.ok) book.settle(answer.hold, some, now);
    };
    const asking = { ask: keeper.newAsk(), atLeast: ZERO };
    await keeper.cover([id], tokens, asking, use);
  }
}
