/** The body of a provider's answer, within its limits. */
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import type { Limits } from "../kernel/limits.js";
import { ProtocolError } from "./client/body-decoder.js";
import type { Exchange } from "./client/exchange.js";
import type { ResponseHead } from "./client/response-head.js";
import type { Deadline } from "./deadline.js";

export type Answer = { readonly head: ResponseHead; readonly exchange: Exchange };

export type Reading = { readonly deadline: Deadline; readonly limits: Limits };

/** The body as text, within the limit on its size; each chunk must come within the gap. */
export const readText = async (reading: Reading, answer: Answer): Promise<string> =>
  (await readBytes(reading, answer)).toString("utf8");

/** The same as bytes. */
export async function readBytes(reading: Reading, { head, exchange }: Answer): Promise<Buffer> {
  const { deadline, limits } = reading;
  const parts: Buffer[] = [];
  let bytes = 0;
  while (!exchange.isAtEnd) {
    const part = exchange.takeUnread() ?? (await nextPart(reading, exchange));
    if (!part) break;
    bytes += part.byteLength;
    if (bytes > limits.answerBytesMax) {
      const tooLarge = new Error(TOO_LARGE);
      deadline.stop(tooLarge);
      throw tooLarge;
    }
    parts.push(part);
  }
  const whole = Buffer.concat(parts);
  return isPacked(head) ? unpack(whole, head, limits.answerBytesMax) : whole;
}

function nextPart({ deadline, limits }: Reading, exchange: Exchange): Promise<Buffer | undefined> {
  deadline.allow(limits.chunkGapMs, "gap between chunks");
  return exchange.read();
}

/** The message of what is thrown for an answer beyond `answerBytesMax`, packed or not. */
export const TOO_LARGE = "too_large";

/** Whether the body must be unpacked before it can be read. */
export function isPacked(head: ResponseHead): boolean {
  const encoding = head.get("content-encoding");
  return encoding !== undefined && encoding.toLowerCase() !== "identity";
}

/** Some compress against our wish. What would unpack beyond the limit is a bomb, and stays packed. */
function unpack(bytes: Buffer, head: ResponseHead, maxOutputLength: number): Buffer {
  const encoding = head.get("content-encoding") ?? "";
  const unpackers = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync };
  const unpacker = unpackers[encoding.toLowerCase() as keyof typeof unpackers];
  if (!unpacker) throw new ProtocolError(`the answer is encoded as ${encoding}`);
  try {
    return unpacker(bytes, { maxOutputLength });
  } catch (cause) {
    const isBomb = cause instanceof RangeError;
    throw isBomb ? new Error(TOO_LARGE) : new ProtocolError("the answer cannot be unpacked");
  }
}
