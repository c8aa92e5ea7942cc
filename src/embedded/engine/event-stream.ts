/** Server-sent events as a body. Whatever ends it, `done` is called once. */
import { Refusal } from "../refusal.js";
import { logFailure } from "./failure.js";

export function eventStream(
  events: AsyncIterable<string>,
  done: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const source = events[Symbol.asyncIterator]();
  let isWanted = true;
  return new ReadableStream({
    pull: async (controller) => {
      const next = await source
        .next()
        .catch((thrown) => ({ value: lastWords(thrown), done: false }));
      // Whoever left while we waited has closed it.
      if (!isWanted) return;
      if (!next.done) return controller.enqueue(encoder.encode(`data: ${next.value}\n\n`));
      done();
      controller.close();
    },
    cancel: async () => {
      isWanted = false;
      await source.return?.();
      done();
    },
  });
}

/** A stream that has begun can only say what went wrong in an event, as Text Generation Inference does. */
function lastWords(thrown: unknown): string {
  if (thrown instanceof Refusal)
    return JSON.stringify({ error: thrown.message, error_type: "generation" });
  logFailure(thrown);
  return JSON.stringify({ error: "The engine could not go on.", error_type: "generation" });
}
