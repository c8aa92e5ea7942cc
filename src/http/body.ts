import type { z } from "zod";
import { badRequest, RouterError } from "../kernel/errors.js";
import { SMALL_BODY_BYTES } from "../kernel/limits.js";
import { notJson } from "../wire/json-members.js";

/** The body as text, within a limit in bytes that holds however it is sent. */
export const readBody = (request: Request, bytesMax: number, keeper?: Keeper): Promise<string> =>
  readWithin(request, bytesMax, keeper, {
    atOnce: () => request.text(),
    ofParts: (parts) => Buffer.concat(parts).toString("utf8"),
  });

/** The same as bytes. */
export const readBytes = (
  request: Request,
  bytesMax: number,
  keeper?: Keeper,
): Promise<Uint8Array<ArrayBuffer>> =>
  readWithin(request, bytesMax, keeper, {
    atOnce: () => request.bytes(),
    ofParts: (parts) => Buffer.concat(parts),
  });

/** Told of every body of some size that is kept until its request is answered; throws where there is no room. */
export type Keeper = { readonly keep: (bytes: number) => void };

type Reader<Whole> = {
  readonly atOnce: () => Promise<Whole>;
  readonly ofParts: (parts: readonly Uint8Array[]) => Whole;
};

/** Whole where its length was said and is within the limit, which is nearly always. */
function readWithin<Whole>(
  request: Request,
  bytesMax: number,
  keeper: Keeper | undefined,
  reader: Reader<Whole>,
): Promise<Whole> {
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw badRequest(
      `Content-Encoding "${encoding.slice(0, 40)}" is not accepted; send plain JSON.`,
      "content-encoding",
    );
  }
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  if (length > bytesMax) throw tooLarge(bytesMax);
  if (length > SMALL_BODY_BYTES) keeper?.keep(length);
  const isBounded = length <= bytesMax || !request.body;
  return (isBounded ? reader.atOnce() : readInParts(request, bytesMax, keeper, reader)).catch(
    brokeOff,
  );
}

/** The caller hung up, or sent no proper HTTP: no fault of ours. */
function brokeOff(cause: unknown): never {
  if (cause instanceof RouterError) throw cause;
  throw new RouterError("bad_request", "The body broke off.", {}, { cause });
}

const readInParts = async <Whole>(
  { body }: Request,
  bytesMax: number,
  keeper: Keeper | undefined,
  { ofParts }: Reader<Whole>,
): Promise<Whole> => ofParts(await readParts(body as AsyncIterable<Uint8Array>, bytesMax, keeper));

async function readParts(
  body: AsyncIterable<Uint8Array>,
  bytesMax: number,
  keeper: Keeper | undefined,
): Promise<readonly Uint8Array[]> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.byteLength;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    // Nobody said how much there will be.
    keeper?.keep(part.byteLength);
    parts.push(part);
  }
  return parts;
}

/** A small JSON body of our own API, checked against its schema. The message names the field. */
export async function readJson<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
): Promise<z.output<Schema>> {
  const text = await readBody(request, OWN_BODY_BYTES_MAX);
  let value: unknown;
  try {
    value = text === "" ? {} : JSON.parse(text);
  } catch (cause) {
    throw notJson(cause);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.join(".") ?? "";
  throw badRequest(
    field === "" ? String(issue?.message) : `"${field}": ${issue?.message}`,
    field || undefined,
  );
}

const OWN_BODY_BYTES_MAX = 64 * 1024;

const tooLarge = (bytesMax: number): RouterError =>
  new RouterError("body_too_large", `The body is larger than the limit of ${bytesMax} bytes.`);
