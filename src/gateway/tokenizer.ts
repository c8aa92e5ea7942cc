/**
 * Counts tokens of text where no provider did, in a thread of its own: the vocabulary is 200,000 strings, which
 * every garbage collection of this thread would visit, and a long text takes a while to count.
 */

type Waiter = { readonly text: string; readonly resolve: (tokens: number) => void };

/** What the thread answers. */
export type Counted = { readonly id: number; readonly tokens: number };

let thread: Worker | undefined;
let lastId = 0;
const waiting = new Map<number, Waiter>();

/** Tokens of OpenAI's o200k vocabulary in `text`: within some percent of what other current models count. */
export function countTokens(text: string): Promise<number> {
  if (text === "") return Promise.resolve(0);
  thread ??= startThread();
  const id = ++lastId;
  thread.postMessage({ id, text });
  return new Promise((resolve) => waiting.set(id, { text, resolve }));
}

/** English prose in UTF-8. */
const BYTES_PER_TOKEN = 4;

const roughCount = (text: string): number => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);

function startThread(): Worker {
  // It must not keep a process alive that is otherwise done.
  const options = { type: "module", ref: false } as const;
  const started = new Worker(new URL("./tokenizer-thread.ts", import.meta.url).href, options);
  started.addEventListener("message", ({ data }: MessageEvent<Counted>) => {
    waiting.get(data.id)?.resolve(data.tokens);
    waiting.delete(data.id);
  });
  started.addEventListener("error", () => {
    // A charge must not hang on it: what was asked is answered roughly, and the next question starts it anew.
    thread = undefined;
    for (const { text, resolve } of waiting.values()) resolve(roughCount(text));
    waiting.clear();
  });
  return started;
}
