/** An engine's answer on its way to the caller. */
import type { Bytes } from "./call.js";

export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Bytes | ReadableStream<Uint8Array>;
};

const PASSED_ON = ["content-type", "x-compute-time", "cache-control"];

/**
 * `done` is called once the engine is free again, which does not wait for a caller who reads slowly, and is told
 * whether the answer arrived whole. Throws, without calling it, where a plain answer did not.
 */
export async function replyOf(
  response: Response,
  done: (isWhole: boolean) => Promise<void>,
): Promise<Reply> {
  const { status } = response;
  const headers = headersOf(response);
  const isStream = headers["content-type"]?.startsWith("text/event-stream") === true;
  if (isStream && response.body) return { status, headers, body: ahead(response.body, done) };
  const body = new Uint8Array(await response.arrayBuffer());
  await done(true);
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
function ahead(
  body: ReadableStream<Uint8Array>,
  done: (isWhole: boolean) => Promise<void>,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let isWanted = true;
  return new ReadableStream({
    start: (controller) => {
      const pass = (piece: Uint8Array): void => {
        if (isWanted) controller.enqueue(piece);
      };
      void pump(reader, pass).then(async (isWhole) => {
        await done(isWhole || !isWanted);
        if (isWanted) controller.close();
      });
    },
    cancel: async () => {
      isWanted = false;
      await reader.cancel();
    },
  });
}

/** Whether all of it came. */
async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  pass: (piece: Uint8Array) => void,
): Promise<boolean> {
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) pass(next.value);
    return true;
  } catch {
    // A stream that stops without a word would look complete.
    pass(new TextEncoder().encode(CUT_OFF));
    return false;
  }
}
