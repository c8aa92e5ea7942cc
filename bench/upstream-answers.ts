/** The bytes the static upstream sends, made once. Pure. */
export const UPSTREAM_MODEL = "bench-model";
export const UPSTREAM_ID = "chatcmpl-bench-9f2c41d7";
export const STREAM_EVENTS = 200;
export const EVENT_GAP_MS = 20;
export const PLAIN_USAGE = {
  prompt_tokens: 212,
  completion_tokens: 98,
  total_tokens: 310,
} as const;

/** Each event carries `@<microseconds since 1970>#<index>` in its text, so delay is measured per event. */
export const STAMP_MARK = "@";
export const STAMP_DIGITS = 16;
const INDEX_DIGITS = 3;

export const PLAIN_TEXT =
  "A turnpike is a road on which a toll is collected at gates. The toll pays for the upkeep of the " +
  "road, and whoever uses more of it pays more. The name comes from the pike, a long pole that was " +
  "turned aside once the toll had been paid, so that a cart could pass.";

const created = 1_760_000_000;

const PLAIN_BODY = JSON.stringify({
  id: UPSTREAM_ID,
  object: "chat.completion",
  created,
  model: UPSTREAM_MODEL,
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: PLAIN_TEXT },
      finish_reason: "stop",
      logprobs: null,
    },
  ],
  usage: PLAIN_USAGE,
  system_fingerprint: "fp_bench",
});

export const PLAIN_ANSWER = jsonAnswer(PLAIN_BODY);

export function jsonAnswer(body: string): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`;
  return Buffer.from(`${head}\r\n\r\n${body}`);
}

export const STREAM_HEAD = Buffer.from(
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n" +
    "Transfer-Encoding: chunked\r\n\r\n",
);

const frame = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

function streamObject(rest: Readonly<Record<string, unknown>>): string {
  const shared = { id: UPSTREAM_ID, object: "chat.completion.chunk", created };
  return `data: ${JSON.stringify({ ...shared, model: UPSTREAM_MODEL, system_fingerprint: "fp_bench", ...rest })}\n\n`;
}

/** One event of about 250 bytes, already framed as an HTTP chunk, with room for its stamp. */
export function eventChunk(): Buffer {
  const stamp = `${STAMP_MARK}${"0".repeat(STAMP_DIGITS)}#${"0".repeat(INDEX_DIGITS)}`;
  const delta = { content: ` road ${stamp} toll` };
  return Buffer.from(
    frame(streamObject({ choices: [{ index: 0, delta, logprobs: null, finish_reason: null }] })),
  );
}

const stampOffset = eventChunk().indexOf(STAMP_MARK) + STAMP_MARK.length;

/** Writes the time and index into a chunk made by `eventChunk`. */
export function stampEvent(
  chunk: Buffer,
  stamp: { readonly index: number; readonly nowUs: number },
): void {
  writeDigits(chunk, { at: stampOffset, digits: STAMP_DIGITS, value: stamp.nowUs });
  const indexAt = stampOffset + STAMP_DIGITS + 1;
  writeDigits(chunk, { at: indexAt, digits: INDEX_DIGITS, value: stamp.index });
}

type DigitField = { readonly at: number; readonly digits: number; readonly value: number };

function writeDigits(bytes: Buffer, field: DigitField): void {
  let rest = Math.floor(field.value);
  for (let i = field.at + field.digits - 1; i >= field.at; i--) {
    const tenth = Math.floor(rest / 10);
    bytes[i] = 48 + rest - tenth * 10;
    rest = tenth;
  }
}

/** What ends a stream: the finish reason, the usage when asked for, [DONE] and the last chunk. */
export function finalChunks(ask: {
  readonly isUsageWanted: boolean;
  readonly events: number;
}): Buffer {
  const stop = { index: 0, delta: {}, logprobs: null, finish_reason: "stop" };
  const usage = {
    prompt_tokens: PLAIN_USAGE.prompt_tokens,
    completion_tokens: ask.events,
    total_tokens: PLAIN_USAGE.prompt_tokens + ask.events,
  };
  const last = ask.isUsageWanted ? frame(streamObject({ choices: [], usage })) : "";
  const end = `${frame("data: [DONE]\n\n")}0\r\n\r\n`;
  return Buffer.from(frame(streamObject({ choices: [stop] })) + last + end);
}
