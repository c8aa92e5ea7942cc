/** An engine's answer on its way to the caller. */
import type { Bytes } from "./call.js";

export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Bytes | ReadableStream<Uint8Array>;
};

const PASSED_ON = ["content-type", "x-compute-time", "cache-control"];

/** `done` is called once the engine is free again, which does not wait for a caller who reads slowly. */
export async function replyOf(response: Response, done: () => void): Promise<Reply> {
  const { status } = response;
  const headers = headersOf(response);
  const isStream = headers["content-type"]?.startsWith("text/event-stream") === true;
  if (isStream && response.body) return { status, headers, body: ahead(response.body, done) };
  const body = new Uint8Array(await response.arrayBuffer());
  done();
  return { status, headers, body };
}

const headersOf = (response: Response): Record<string, string> =>
  Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = response.headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );

const CUT_OFF = `data: ${JSON.stringify({ error: "The engine ended while it worked on this request.", error_type: "generation" })}\n\n`;

/** Read as fast as it comes and kept for the caller: it is at most a context of text. */
function ahead(body: ReadableStream<Uint8Array>, done: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let isWanted = true;
  return new ReadableStream({
    start: (controller) => {
      void pump(reader, (piece) => isWanted && controller.enqueue(piece)).then(() => {
        done();
        if (isWanted) controller.close();
      });
    },
    cancel: async () => {
      isWanted = false;
      await reader.cancel();
    },
  });
}

async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  pass: (piece: Uint8Array) => void,
): Promise<void> {
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) pass(next.value);
  } catch {
    // A stream that stops without a word would look complete.
    pass(new TextEncoder().encode(CUT_OFF));
  }
}
