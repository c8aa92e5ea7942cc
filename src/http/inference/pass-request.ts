/** What a body on a provider's own wire says of the model, and of how much it wants. */
import type { Mapping } from "../../catalog/model.js";
import type { PassCall } from "../../gateway/pass/request.js";
import { durationMsOf } from "../../gateway/task/measure.js";
import { badRequest, RouterError } from "../../kernel/errors.js";
import { askedOf, expectedOf } from "../../metering/asked.js";
import type { PassRoute, ProviderRequest } from "../../providers/provider.js";
import { fromDataUri, type Media } from "../../tasks/media.js";
import type { Json } from "../../tasks/task-call.js";
import { asObject } from "../../wire/as-object.js";
import type { DoorBody } from "../../wire/doors/door.js";
import { readDoorBody } from "../../wire/doors/form.js";
import { NO_CONTROLS } from "../../wire/route-controls.js";

type Bytes = Uint8Array<ArrayBuffer>;

/** The member of the body that names the model; undefined where there is none. */
export async function modelOfPass(
  { model }: PassRoute,
  type: string,
  bytes: Bytes,
): Promise<string | undefined> {
  if (model === undefined) return undefined;
  const body = await readDoorBody(type, bytes);
  // JSON that names a member twice was refused already. Which one of two would the provider read?
  if (body.kind === "form" && body.parts.filter(({ name }) => name === model).length > 1) {
    throw badRequest(`The form has "${model}" twice.`, model);
  }
  const named = fieldsOf(body)[model];
  return typeof named === "string" ? named : undefined;
}

export async function wantsStream(type: string, bytes: Bytes): Promise<boolean> {
  return fieldsOf(await readDoorBody(type || null, bytes)).stream === true;
}

export async function passRequest(
  mapping: Mapping,
  upstream: ProviderRequest,
  type: string,
  bytes: Bytes,
): Promise<PassCall["request"]> {
  const body = await readDoorBody(type, bytes);
  const said = fieldsOf(body);
  if (said.stream === true || said.stream === "true") throw noStream();
  const inner = asObject(said.input);
  const input = {
    inputs: textOf(inner ?? said),
    media: undefined,
    parameters: inner ?? said,
    extra: {},
  };
  const audioMs = await soundMs(body);
  const asked = askedOf(mapping.task, input, countOf(inner ?? said), audioMs);
  return {
    ...{ model: mapping.modelId, suffix: mapping.provider, isStream: false, controls: NO_CONTROLS },
    ...{ mapping, upstream, text: input.inputs },
    ...{ asked, expected: expectedOf(mapping.task, asked) },
  };
}

function fieldsOf(body: DoorBody): Json {
  if (body.kind === "json") return body.json;
  return Object.fromEntries(
    body.parts.flatMap((part) => ("text" in part ? [[part.name, part.text]] : [])),
  );
}

/** By the names that providers have for it. */
function textOf(said: Json): unknown {
  const { prompt, text, input, inputs, texts, query, documents } = said;
  return [prompt, text, input, inputs, texts, query, documents].filter(
    (each) => each !== undefined,
  );
}

function countOf(said: Json): number {
  for (const name of ["n", "num_images", "num_outputs", "batch_size"]) {
    const value = Number(said[name]);
    if (Number.isInteger(value) && value > 0) return value;
  }
  return 1;
}

/** Of the first sound in the body; a format that nobody knows is as long as its bytes can make it. */
async function soundMs(body: DoorBody): Promise<number | undefined> {
  const media = soundIn(body);
  return media && ((await durationMsOf(media)) ?? media.bytes.byteLength);
}

function soundIn(body: DoorBody): Media | undefined {
  if (body.kind === "form") {
    const file = body.parts.find((part) => "media" in part);
    return file && "media" in file && !file.media.type.startsWith("image/")
      ? file.media
      : undefined;
  }
  const values = Object.values({ ...body.json, ...asObject(body.json.input) });
  const uri = values.find((value) => typeof value === "string" && value.startsWith("data:audio/"));
  return typeof uri === "string" ? fromDataUri(uri) : undefined;
}

const noStream = (): RouterError =>
  new RouterError("unsupported_parameter", '"stream" is not supported on this route yet.', {
    param: "stream",
  });
