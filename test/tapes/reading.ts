/** A small reader of chat answers that shares no code with the product: what a recording says, and what we made of it. */

type Json = Readonly<Record<string, unknown>>;
export type Choice = Json & { readonly finish_reason?: string | null };
export type Body = Json & {
  readonly id?: string;
  readonly object?: string;
  readonly choices?: readonly Choice[];
  readonly usage?: Json | null;
};

export type Reading = {
  readonly chunks: readonly Body[];
  readonly comments: readonly string[];
  readonly dones: number;
};

/** A recorded stream, `data:` with or without a space. */
export const readRecorded = (stream: string): Reading => readStream(stream, /^data: ?/);

/** A stream of ours: Python's client knows `data: ` with exactly one space only. */
export const readOurs = (stream: string): Reading => readStream(stream, /^data: (?! )/);

function readStream(stream: string, data: RegExp): Reading {
  const lines = stream.split(/\r?\n/).filter((line) => line !== "");
  const said = lines.filter((line) => data.test(line)).map((line) => line.replace(data, ""));
  const comments = lines.filter((line) => line.startsWith(":"));
  if (said.length + comments.length !== lines.length) {
    throw new Error(`a line that is neither data nor comment in ${JSON.stringify(stream)}`);
  }
  const chunks = said.filter((text) => text !== "[DONE]").map((text) => JSON.parse(text) as Body);
  return { chunks, comments, dones: said.length - chunks.length };
}

const FINISH: Readonly<Record<string, string>> = {
  eos: "stop",
  eos_token: "stop",
  stop_sequence: "stop",
};

/** A choice with its finish reason in OpenAI's words. */
const mended = (choice: Choice): Choice => {
  const reason = choice.finish_reason;
  return reason == null ? choice : { ...choice, finish_reason: FINISH[reason] ?? reason };
};

/** What a caller must find again in an answer: all but what every gateway may write itself. */
export function lastingPart(body: Body): Json {
  const { id, object, usage, created, model, choices, ...rest } = body;
  return { ...rest, choices: (choices ?? []).map(mended) };
}

/** The chunks that say something to the caller. */
export const spoken = (chunks: readonly Body[]): readonly Body[] =>
  chunks.filter(({ choices }) => (choices ?? []).length > 0);

/** All text of an answer or stream: for counting, and to tell at a glance. */
export function textOf(chunks: readonly Body[]): string {
  const texts = chunks
    .flatMap(({ choices }) => choices ?? [])
    .map((choice) => {
      const part = (choice.delta ?? choice.message) as Json | undefined;
      return typeof part?.content === "string" ? part.content : "";
    });
  return texts.join("");
}

/** The counts a provider gave, last wins. */
export function countsIn(chunks: readonly Body[]) {
  const usage = chunks.map((chunk) => chunk.usage).findLast((given) => given != null);
  if (!usage) return undefined;
  return { input: Number(usage.prompt_tokens), output: Number(usage.completion_tokens) };
}
