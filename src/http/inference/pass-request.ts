/** What a body on a provider's own wire says of the model, and of how much it wants. */
import type { PassCall } from "../../gateway/pass/request.js";
import { durationMsOf } from "../../gateway/task/measure.js";
import { badRequest, RouterError } from "../../kernel/errors.js";
import { askedOf, expectedOf } from "../../metering/asked.js";
import { unitsOf } from "../../metering/priceable.js";
import { HEARS } from "../../metering/task-usage.js";
import type { PassRoute } from "../../providers/provider.js";
import type { Task } from "../../tasks/index.js";
import { fromBase64, fromDataUri, type Media } from "../../tasks/media.js";
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

type Passed = Pick<PassCall["request"], "mapping" | "upstream"> & { readonly route: PassRoute };

export async function passRequest(
  { mapping, upstream, route }: Passed,
  type: string,
  bytes: Bytes,
): Promise<PassCall["request"]> {
  const body = await readDoorBody(type, bytes);
  const fields = fieldsOf(body);
  if (fields.stream === true || fields.stream === "true") throw noStream();
  const said = (route.given === undefined ? undefined : asObject(fields[route.given])) ?? fields;
  const input = {
    inputs: textOf(said, mapping.task),
    media: undefined,
    parameters: said,
    extra: {},
  };
  // Of other tasks it would only be looked at in vain.
  const audioMs = HEARS.includes(mapping.task) ? await soundMs(body) : undefined;
  const asked = askedOf(mapping.task, input, countOf(said), audioMs);
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

/**
 * By the names that providers have for it. Where characters are charged and none of these is there, all the text in the body
 * but files: under a name that nobody here knows it would be free.
 */
function textOf(said: Json, task: Task): readonly unknown[] {
  const { prompt, text, input, inputs, texts, query, documents } = said;
  const named = [prompt, text, input, inputs, texts, query, documents].filter(
    (each) => each !== undefined,
  );
  if (named.length > 0 || !unitsOf(task).includes("million_characters")) return named;
  return textsIn(said).filter((each) => mediaIn(each) === undefined);
}

function countOf(said: Json): number {
  for (const name of ["n", "num_images", "num_outputs", "batch_size"]) {
    const value = Number(said[name]);
    if (Number.isInteger(value) && value > 0) return value;
  }
  return 1;
}

/**
 * Of the longest sound in the body, whichever of them the provider takes; a format that nobody knows is as long as its
 * bytes can make it. Undefined where there is none, or a link: what is behind it may be another sound for everybody who looks.
 */
async function soundMs(body: DoorBody): Promise<number | undefined> {
  const texts = textsIn(body.kind === "json" ? body.json : fieldsOf(body));
  if (texts.some((text) => LINK.test(text))) return undefined;
  const sounds = [...filesIn(body), ...texts.map(mediaIn)].filter(isMaybeSound);
  const lengths = await Promise.all(
    sounds.map(async (sound) => (await durationMsOf(sound)) ?? sound.bytes.byteLength),
  );
  return lengths.length === 0 ? undefined : Math.max(...lengths);
}

/** What parsers of URLs take for one that leads elsewhere. */
const LINK = /^\s*(?:https?:|(?:[a-z][a-z0-9+.-]*:)?\/\/)/i;
/** Too long for a name. */
const BASE64 = /^[A-Za-z0-9+/_-]{256,}=*\s*$/;

const mediaIn = (text: string): Media | undefined =>
  BASE64.test(text) ? fromBase64(text, "application/octet-stream") : fromDataUri(text);

const isMaybeSound = (media: Media | undefined): media is Media =>
  media !== undefined && !media.type.startsWith("image/");

const filesIn = (body: DoorBody): readonly Media[] =>
  body.kind === "form" ? body.parts.flatMap((part) => ("media" in part ? [part.media] : [])) : [];

/** All texts in some JSON, however deep. */
function textsIn(json: unknown): readonly string[] {
  if (typeof json === "string") return [json];
  if (typeof json !== "object" || json === null) return [];
  return Object.values(json).flatMap(textsIn);
}

const noStream = (): RouterError =>
  new RouterError("unsupported_parameter", '"stream" is not supported on this route yet.', {
    param: "stream",
  });
