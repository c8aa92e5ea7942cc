import type { Call, PathParams } from "../call.js";
import type { Dials } from "../dials.js";
import type { Ids } from "../ids.js";
import { isObject, isString, type JsonObject, parseJson } from "../json.js";
import { hashOf, type Random, randomFrom } from "../random.js";

export type AskBody =
  | { readonly kind: "none" }
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "form"; readonly form: FormData }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly type: string };

/** One call of a task, read. */
export type TaskAsk = {
  readonly call: Call;
  readonly task: string;
  readonly params: PathParams;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly body: AskBody;
  /** The JSON body where it is an object, else empty. */
  readonly json: JsonObject;
  /** From the path, the JSON body or the form; empty when it is in none of them. */
  readonly model: string;
  /** How the caller reached the simulator, e.g. `http://127.0.0.1:9900`: for URLs in answers. */
  readonly origin: string;
  /** The same with the provider's id: what stands for the provider's own origin. */
  readonly base: string;
  readonly dials: Dials;
  readonly ids: Ids;
  /** Keyed by what was asked, not by when: the same question gets the same answer. */
  readonly random: Random;
};

type Read = { ok: true; ask: TaskAsk } | { ok: false; why: string };

/** Reads a body by its content type. JSON that does not parse is the only thing refused here. */
export async function readTask(call: Call, task: string): Promise<Read> {
  const { request, params, provider, dials, ids } = call;
  const read = await readBody(request);
  if (!read.ok) return read;
  const { body } = read;
  const json = body.kind === "json" && isObject(body.value) ? body.value : {};
  const at = request.url.indexOf("/", 8);
  const origin = request.url.slice(0, at);
  const mark = request.url.indexOf("?", at);
  const key = `${call.state.options.seed} ${provider.id} ${call.path} ${read.hash}`;
  return {
    ok: true,
    ask: {
      call,
      task,
      params,
      query: new URLSearchParams(mark < 0 ? "" : request.url.slice(mark + 1)),
      headers: request.headers,
      body,
      json,
      model: params.model ?? modelIn(body, json),
      origin,
      base: `${origin}/${provider.id}`,
      dials,
      ids,
      random: randomFrom(hashOf(key)),
    },
  };
}

function modelIn(body: AskBody, json: JsonObject): string {
  const model = body.kind === "form" ? body.form.get("model") : json.model;
  return isString(model) ? model : "";
}

type BodyRead = { ok: true; body: AskBody; hash: string } | { ok: false; why: string };

async function readBody(request: Request): Promise<BodyRead> {
  const type = request.headers.get("content-type") ?? "";
  if (type.startsWith("multipart/form-data")) return readForm(request);
  const bytes = new Uint8Array(await request.arrayBuffer());
  if (bytes.length === 0) return { ok: true, body: { kind: "none" }, hash: "" };
  const hash = String(Bun.hash.xxHash32(bytes));
  if (!/\bjson\b/.test(type)) return { ok: true, body: { kind: "bytes", bytes, type }, hash };
  const parsed = parseJson(new TextDecoder().decode(bytes));
  return parsed.ok ? { ok: true, body: { kind: "json", value: parsed.value }, hash } : parsed;
}

/** The boundary differs from call to call, so the parts are hashed and not the body. */
async function readForm(request: Request): Promise<BodyRead> {
  let form: FormData;
  try {
    // Bun's own type of form data is the DOM's in all that is used here.
    form = (await request.formData()) as unknown as FormData;
  } catch (cause) {
    return { ok: false, why: cause instanceof Error ? cause.message : "not a form" };
  }
  let hash = "";
  for (const [name, value] of form) {
    const part = isString(value) ? value : await value.arrayBuffer();
    hash += ` ${name}=${Bun.hash.xxHash32(part)}`;
  }
  return { ok: true, body: { kind: "form", form }, hash };
}
