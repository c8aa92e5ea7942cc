import type { z } from "zod";
import { badRequest, RouterError } from "../kernel/errors.js";
import { SMALL_BODY_BYTES } from "../kernel/limits.js";
import { type Span, spanOf, textOf } from "../kernel/span.js";
import { checked } from "../wire/checked.js";
import { parseObject } from "../wire/json-object.js";
import type { Incoming } from "./incoming.js";

/** The body, within a limit in bytes that holds however it is sent; without a promise where it is there already. */
export function readBody(
  request: Incoming,
  bytesMax: number,
  keeper?: Keeper,
): Span | Promise<Span> {
  if (!isBounded(request, bytesMax, keeper)) {
    return readParts(request, bytesMax, keeper).then(spanOf).catch(brokeOff);
  }
  return request.spanAtHand?.() ?? request.bytes().then(spanOf).catch(brokeOff);
}

/** The same as text. */
export const readText = async (request: Incoming, bytesMax: number): Promise<string> =>
  textOf(await readBody(request, bytesMax));

/** The same as bytes of their own. */
export const readBytes = (
  request: Incoming,
  bytesMax: number,
  keeper?: Keeper,
): Promise<Uint8Array<ArrayBuffer>> =>
  (isBounded(request, bytesMax, keeper)
    ? request.bytes()
    : readParts(request, bytesMax, keeper)
  ).catch(brokeOff);

/** Told of every body of some size that is kept until its request is answered; throws where there is no room. */
export type Keeper = { readonly keep: (bytes: number) => void };

/** Whether a body may be read whole: its length was said and is within the limit, as nearly always, or there is none. */
function isBounded(request: Incoming, bytesMax: number, keeper: Keeper | undefined): boolean {
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw badRequest(
      `Content-Encoding "${encoding.slice(0, 40)}" is not accepted; send plain JSON.`,
      "content-encoding",
    );
  }
  const length = request.bodyLength ?? Number(request.headers.get("content-length") ?? Number.NaN);
  if (length > bytesMax) throw tooLarge(bytesMax);
  if (length > SMALL_BODY_BYTES) keeper?.keep(length);
  return length <= bytesMax || !request.body;
}

/** The caller hung up, or sent no proper HTTP: no fault of ours. */
function brokeOff(cause: unknown): never {
  if (cause instanceof RouterError) throw cause;
  throw new RouterError("bad_request", "The body broke off.", {}, { cause });
}

async function readParts(
  { body }: Incoming,
  bytesMax: number,
  keeper: Keeper | undefined,
): Promise<Buffer<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body as AsyncIterable<Uint8Array>) {
    bytes += part.byteLength;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    // Nobody said how much there will be.
    keeper?.keep(part.byteLength);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** A small JSON body of our own API, checked against its schema. The message names the field. */
export async function readJson<Schema extends z.ZodType>(
  request: Incoming,
  schema: Schema,
): Promise<z.output<Schema>> {
  const text = await readText(request, OWN_BODY_BYTES_MAX);
  return checked(schema, text === "" ? {} : parseObject(text));
}

const OWN_BODY_BYTES_MAX = 64 * 1024;

const tooLarge = (bytesMax: number): RouterError =>
  new RouterError("body_too_large", `The body is larger than the limit of ${bytesMax} bytes.`);
