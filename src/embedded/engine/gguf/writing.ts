/** Text at once, or piece by piece. */
import { channel } from "./channel.js";
import type { Ending, Piece, Prompt, Wanted, Writer } from "./writer.js";

type Writing = { readonly prompt: Prompt; readonly wanted: Wanted };

export async function writeAll(
  writer: Writer,
  { prompt, wanted }: Writing,
  signal: AbortSignal,
): Promise<{ readonly text: string; readonly ending: Ending }> {
  const texts: string[] = [];
  const ending = await writer.write(prompt, wanted, signal, (piece) => texts.push(piece.text));
  return { text: texts.join(""), ending };
}

/** Pieces as they come, then the ending. What fails before the first of them is thrown at once, as an error of its own. */
export async function begin(
  writer: Writer,
  { prompt, wanted }: Writing,
  signal: AbortSignal,
): Promise<AsyncIterable<Piece | Ending>> {
  const { push, end, items } = channel<Piece | Ending>();
  const hasBegun = Promise.withResolvers<void>();
  const stop = new AbortController();
  const passOn = (item: Piece | Ending): void => {
    push(item);
    hasBegun.resolve();
  };
  const writing = writer.write(prompt, wanted, AbortSignal.any([signal, stop.signal]), passOn).then(
    (ending) => {
      passOn(ending);
      end();
    },
    (thrown) => {
      hasBegun.reject(thrown);
      end(thrown);
    },
  );
  await hasBegun.promise;
  return untilLeft(items, async () => {
    stop.abort();
    await writing;
  });
}

/** Whoever takes no more waits until the model is free again. */
async function* untilLeft<Item>(
  items: AsyncIterable<Item>,
  left: () => Promise<void>,
): AsyncGenerator<Item> {
  try {
    yield* items;
  } finally {
    await left();
  }
}
