/** From a function that is called with each item to a loop that takes them. */
export type Channel<Item> = {
  readonly push: (item: Item) => void;
  readonly end: (failure?: unknown) => void;
  readonly items: AsyncIterable<Item>;
};

export function channel<Item>(): Channel<Item> {
  const waiting: Item[] = [];
  let wake = Promise.withResolvers<void>();
  let ended: { readonly failure: unknown } | undefined;
  const signal = (): void => {
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  async function* items(): AsyncGenerator<Item> {
    for (;;) {
      const woken = wake.promise;
      yield* waiting.splice(0);
      if (waiting.length > 0) continue;
      if (ended) break;
      await woken;
    }
    if (ended.failure !== undefined) throw ended.failure;
  }
  return {
    push: (item) => {
      waiting.push(item);
      signal();
    },
    end: (failure) => {
      ended ??= { failure };
      signal();
    },
    items: items(),
  };
}
